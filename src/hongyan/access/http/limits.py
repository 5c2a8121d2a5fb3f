"""Limits of rates, in the headers RateLimit and RateLimit-Policy."""

import math

from starlette.datastructures import MutableHeaders

from hongyan.access.admission import Guest


def set_rate_headers(guest: Guest, headers: MutableHeaders) -> None:
    """Say in the answer's headers how much is left of what the request was counted by."""
    taken = guest.taken
    if taken is None:
        return
    limit, quota = taken.limit, math.floor(taken.limit.burst)
    full_s = math.ceil((limit.burst - taken.tokens) / limit.per_s)
    headers["ratelimit-policy"] = f'"{limit.name}";q={quota};w={math.ceil(quota / limit.per_s)}'
    headers["ratelimit"] = f'"{limit.name}";r={math.floor(taken.tokens)};t={full_s}'

"""Ids that a client chooses."""

import base64
import os
import time


def new_client_id() -> str:
    """Return a fresh client id: 26 characters that sort by the time of making."""
    raw = time.time_ns().to_bytes(8, "big") + os.urandom(8)
    return base64.b32hexencode(raw).decode("ascii").rstrip("=").lower()


def user_log(user_id: str) -> str:
    """Return the id of the log that only this user's devices may read."""
    return "@" + user_id

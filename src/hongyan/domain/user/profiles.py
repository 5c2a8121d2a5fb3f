"""Profiles: one's own, others', and finding people."""

from typing import Any

from msgspec import UNSET, structs

from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Invalid
from hongyan.kernel.limits import check_length, check_range
from hongyan.kernel.pages import read_page_token, write_page_token

from .accounts import AccountPlan, Accounts, account_of, check_reachable, is_reachable
from .commands import GetMe, GetUsers, ProfilePage, SearchUsers, UpdateProfile, profile_of
from .model import Account, SearchKey, Status, User
from .rules import (
    AVATAR_MAX,
    BIO_MAX,
    NAME_MAX,
    QUERY_MAX,
    SEARCH_TEXT_MAX,
    STATUS_EMOJI_MAX,
    STATUS_TEXT_MAX,
    check_printable,
    clean_handle,
    clean_line,
    clean_locale,
    identifiers,
    is_found_by,
    is_han,
    is_match,
    search_keys,
    terms,
)

USERS_MAX = 200
SEARCH_PAGE_MAX = 50
SCAN_ROWS = 100
SCANS_MAX = 5
"""A page of a search reads at most ``SCAN_ROWS * SCANS_MAX`` keys."""


class Profiles:
    """Shows, changes and finds profiles.

    Args:
        accounts: The users.
        phone_region: ISO 3166 code of telephone numbers without a country code.
    """

    def __init__(self, accounts: Accounts, phone_region: str = "") -> None:
        self._accounts = accounts
        self._records = accounts.records
        self._region = phone_region

    @handles(GetMe)
    async def me(self, actor: Actor, _command: GetMe) -> Account:
        """See ``GetMe``."""
        return account_of(await self._accounts.get(actor.user_id))

    @handles(GetUsers)
    async def get(self, _actor: Actor, command: GetUsers) -> ProfilePage:
        """See ``GetUsers``."""
        check_length("user_ids", command.user_ids, USERS_MAX)
        found = await self._records.get_many(User, [(user_id,) for user_id in command.user_ids])
        now_ms = self._accounts.clock.now_ms()
        return ProfilePage([profile_of(user, now_ms) for user in found.values()])

    @handles(UpdateProfile)
    async def update(self, actor: Actor, command: UpdateProfile) -> Account:
        """See ``UpdateProfile``."""
        changes = _changes(command)
        changed: list[User] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            new = structs.replace(user, **changes)
            if is_reachable(user):  # an app server's user may have none of the three
                check_reachable(new)
            if new != user:
                plan.change_user(user, new)
            changed[:] = [new]

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return account_of(changed[0])

    # --- search ---

    @handles(SearchUsers)
    async def search(self, _actor: Actor, command: SearchUsers) -> ProfilePage:
        """See ``SearchUsers``."""
        check_range("limit", command.limit, 1, SEARCH_PAGE_MAX)
        query = command.query.strip()
        check_length("query", query, QUERY_MAX, least=1)
        exact = await self._exact(query)
        found = [exact] if exact is not None and not command.after else []
        wanted = [term[:SEARCH_TEXT_MAX] for term in terms(query.removeprefix("@"))]
        if not wanted or "@" in query[1:] or query.startswith("+"):
            return self._page(found)
        # The most telling term finds; the others only have to fit.
        key = max(wanted, key=len)
        key = key[:2] if is_han(key) else key
        place = read_page_token(command.after, str, str) or (key, "")
        for _ in range(SCANS_MAX):
            rows = await self._records.scan(SearchKey, after=place, limit=SCAN_ROWS)
            users = await self._records.get_many(User, [(row.user_id,) for row in rows])
            for row in rows:
                if row.text != key and (is_han(key) or not row.text.startswith(key)):
                    return self._page(found)
                if len(found) == command.limit:
                    return self._page(found, place)
                place = row.key()
                user = users.get(row.user_id)
                if (
                    user is not None
                    and (exact is None or user.user_id != exact.user_id)
                    and row.text == _first_key(user, key)
                    and is_match(user, wanted)
                ):
                    found.append(user)
            if len(rows) < SCAN_ROWS:
                return self._page(found)
        return self._page(found, place)

    async def _exact(self, query: str) -> User | None:
        """Return who lets himself or herself be found by this whole identifier."""
        for by, value in identifiers(query, self._region):
            found = await self._records.scan(User, value, by=by, limit=1)
            if found and is_found_by(found[0], by):
                return found[0]
        return None

    def _page(self, users: list[User], place: tuple[str, ...] = ()) -> ProfilePage:
        now_ms = self._accounts.clock.now_ms()
        profiles = [profile_of(user, now_ms) for user in users]
        return ProfilePage(profiles, write_page_token(*place) if place else "")


def _first_key(user: User, key: str) -> str:
    """Return the first of the user's keys that a scan from ``key`` meets.

    Somebody with several such keys is found at this one only, whatever the page.
    """
    return min((text for text in search_keys(user) if text.startswith(key)), default="")


def _changes(command: UpdateProfile) -> dict[str, Any]:
    """Return the fields to replace, cleaned.

    Raises:
        Invalid, LimitReached: a value breaks the rules.
    """
    given = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    if "name" in given:
        given["name"] = clean_line(given["name"], NAME_MAX, "name")
        if not given["name"]:
            raise Invalid("The name must not be empty.", field="name")
    if given.get("handle") is not None:
        given["handle"] = clean_handle(given["handle"])
    if "avatar" in given:
        check_length("avatar", given["avatar"], AVATAR_MAX)
        check_printable(given["avatar"], "avatar")
    if "bio" in given:
        check_length("bio", given["bio"], BIO_MAX)
        check_printable(given["bio"], "bio", allowed="\n")
    if "locale" in given:
        given["locale"] = clean_locale(given["locale"])
    if "status" in given:
        status = given["status"]
        check_range("status.until_ms", status.until_ms, 0, 2**53)
        given["status"] = Status(
            clean_line(status.emoji, STATUS_EMOJI_MAX, "status.emoji"),
            clean_line(status.text, STATUS_TEXT_MAX, "status.text"),
            status.until_ms,
        )
    return given

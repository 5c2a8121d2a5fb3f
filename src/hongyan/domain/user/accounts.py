"""Finding users and changing them: the one road that all parts of the user service take."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from msgspec import Struct, structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Duplicate,
    Precondition,
    Put,
    Row,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.bus import EventPublisher
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Conflict, Invalid, Refusal
from hongyan.kernel.ids import SYSTEM, UserId, user_log
from hongyan.kernel.turns import Turns

from .commands import (
    EmailTaken,
    HandleTaken,
    NoSuchUser,
    PhoneTaken,
    ProfileChanged,
    profile_of,
)
from .model import (
    DEVICE_REMOVED,
    USER_CHANGED,
    Account,
    Device,
    DeviceInfo,
    DeviceRemoved,
    SearchKey,
    User,
)
from .ports import Avatars
from .rules import identifiers, search_keys

Reason = Literal[
    "logged_out", "kicked", "replaced", "token_reused", "password_changed", "deactivated"
]
KEY_MAX = 64
TAKEN: Final[dict[str, type[Refusal]]] = {
    "handle": HandleTaken,
    "email": EmailTaken,
    "phone": PhoneTaken,
}


def account_of(user: User) -> Account:
    """Return what the owner sees of the row."""
    return Account(**{name: getattr(user, name) for name in Account.__struct_fields__})


def device_info(device: Device) -> DeviceInfo:
    """Return what the owner sees of the row."""
    return DeviceInfo(**{name: getattr(device, name) for name in DeviceInfo.__struct_fields__})


class AccountPlan:
    """The changes of one decision about a user, to be committed at once.

    Args:
        user_id: Whose log is written to.
        sender: Who did it.
        now_ms: When.
    """

    def __init__(self, user_id: UserId, sender: UserId, now_ms: int) -> None:
        self.user_id = user_id
        self.now_ms = now_ms
        self.avatar: str | None = None
        """The user's avatar from now on; None where the user does not change."""
        self.changes_profile = False
        """Whether others see the user otherwise than before."""
        self._sender = sender
        self._appends: list[Append] = []
        self._changes: list[Change] = []
        self._preconditions: list[Precondition] = []

    def append(self, kind: str, body: Struct) -> None:
        """Append an entry to the user's log."""
        log_id = user_log(self.user_id)
        append = Append(log_id, kind, self._sender, encode_body(body), self.now_ms)
        self._appends.append(append)

    def put(self, row: Row) -> None:
        """Insert or replace a row."""
        self._changes.append(Put(row))

    def drop(self, row: type[Row], *key: Any) -> None:
        """Remove a row."""
        self._changes.append(Drop(row, key))

    def guard(self, precondition: Precondition) -> None:
        """Hold only while this log's version stands, and raise it."""
        self._preconditions.append(precondition)
        self._changes.append(Bump(precondition.log_id))

    def change_user(self, old: User | None, new: User, kind: str = USER_CHANGED) -> None:
        """Replace the user's row and what finds it, and notify the devices."""
        before = search_keys(old) if old is not None else frozenset()
        after = search_keys(new)
        for text in sorted(before - after):
            self.drop(SearchKey, text, new.user_id)
        for text in sorted(after - before):
            self.put(SearchKey(text=text, user_id=new.user_id))
        self.put(new)
        self.avatar = new.avatar
        if old is not None and profile_of(old, self.now_ms) != profile_of(new, self.now_ms):
            self.changes_profile = True
        self.append(kind, account_of(new))

    def remove_device(self, device: Device, reason: Reason) -> None:
        """Remove the device, and notify all of them (that one too) why."""
        self.drop(Device, device.device_id)
        self.append(DEVICE_REMOVED, DeviceRemoved(device.device_id, reason))

    def add(self, beside: Commit) -> None:
        """Let this happen in the same transaction."""
        self._changes += beside.changes
        self._preconditions += beside.preconditions

    def commit(self) -> Commit:
        """Return the transaction."""
        return Commit(tuple(self._appends), tuple(self._changes), tuple(self._preconditions))


class Accounts:
    """Reads and changes users.

    Args:
        log: Where changes are committed.
        records: Where rows are read.
        clock: The time of entries.
        region: ISO 3166 code of telephone numbers without a country code; empty for none.
        avatars: Keeps pictures; None lets users name pictures that nobody keeps.
        publisher: Takes ``ProfileChanged``; None where nobody is to know.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        region: str = "",
        avatars: Avatars | None = None,
        publisher: EventPublisher | None = None,
    ) -> None:
        self._avatars = avatars
        self._publisher = publisher
        self.log = log
        self.records = records
        self.clock = clock
        self._region = region
        self._turns = Turns()

    async def find(self, identifier: str) -> User | None:
        """Return who has this handle, e-mail address or telephone number."""
        for by, value in identifiers(identifier, self._region):
            found = await self.records.scan(User, value, by=by, limit=1)
            if found:
                return found[0]
        return None

    def key(self, identifier: str) -> str:
        """Return an identifier's one spelling, for counting attempts at it."""
        found = identifiers(identifier, self._region)
        return found[0][1] if found else identifier[:KEY_MAX]

    async def get(self, user_id: UserId) -> User:
        """Return the user.

        Raises:
            NoSuchUser: there is none, or it was deleted.
        """
        user = await self.records.get(User, user_id)
        if user is None or user.state == "deleted":
            raise NoSuchUser
        return user

    async def devices(self, user_id: UserId) -> list[Device]:
        """Return the user's devices."""
        return await self.records.scan(Device, user_id, by="by_user")

    async def change(
        self,
        user_id: UserId,
        judge: Callable[[User, AccountPlan], Awaitable[None]],
        sender: UserId = SYSTEM,
    ) -> None:
        """Let ``judge`` fill a plan from the user's present state, and commit it.

        ``judge`` may be called again when the user's log moved on meanwhile.

        Raises:
            NoSuchUser: there is none, or it was deleted.
            HandleTaken, EmailTaken, PhoneTaken: somebody else has it.
        """
        changes_profile = False

        async def attempt() -> Commit:
            nonlocal changes_profile
            plan = await self._plan(user_id, sender)
            user = await self.get(user_id)
            await judge(user, plan)
            if self._avatars is not None and plan.avatar is not None:
                log_id = user_log(user_id)
                plan.add(
                    await self._avatars.change_avatar(user_id, log_id, user.avatar, plan.avatar)
                )
            changes_profile = plan.changes_profile
            return plan.commit()

        await self._commit(user_id, attempt)
        if changes_profile and self._publisher is not None:
            self._publisher.publish(ProfileChanged(user_id))

    async def create(
        self,
        user_id: UserId,
        judge: Callable[[AccountPlan], Awaitable[None]],
        sender: UserId,
        turn: str = "",
    ) -> None:
        """Let ``judge`` fill the plan that makes a user, and commit it.

        Those with the same ``turn`` do so one after the other.

        Raises:
            Conflict: the user id has been used.
            HandleTaken, EmailTaken, PhoneTaken: somebody else has it.
        """

        async def attempt() -> Commit:
            plan = await self._plan(user_id, sender)
            if await self.records.get(User, user_id) is not None:
                raise Conflict("There is a user with this id already.")
            await judge(plan)
            return plan.commit()

        await self._commit(turn or user_id, attempt)

    async def put(self, row: Row) -> None:
        """Insert a row that no rule guards."""
        await self.log.commit(Commit(changes=(Put(row),)))

    async def drop(self, row: type[Row], *key: Any, guard: UserId) -> None:
        """Remove a row whose use the log of ``guard`` guards."""
        await self.log.commit(Commit(changes=(Drop(row, key), Bump(user_log(guard)))))

    async def precondition(self, user_id: UserId) -> Precondition:
        """Return the present state of a user's log, to be expected."""
        log_id = user_log(user_id)
        head = (await self.log.states([log_id]))[log_id]
        return Precondition(log_id, head.version)

    async def _plan(self, user_id: UserId, sender: UserId) -> AccountPlan:
        plan = AccountPlan(user_id, sender, self.clock.now_ms())
        plan.guard(await self.precondition(user_id))
        return plan

    async def _commit(self, turn: str, attempt: Callable[[], Awaitable[Commit]]) -> None:
        try:
            async with self._turns.of(turn):
                await decide(self.log, attempt)
        except Duplicate as error:
            raise TAKEN.get(error.constraint, Conflict)() from error


def is_reachable(user: User) -> bool:
    """Return whether the user can be found to log in with a password."""
    return not (user.handle is None and user.email is None and user.phone is None)


def check_reachable(user: User) -> None:
    """Judge whether the user can still be found to log in.

    Raises:
        Invalid: there is no handle, no e-mail address and no telephone number.
    """
    if not is_reachable(user):
        raise Invalid("Give a handle, an e-mail address or a telephone number.")


def deactivate(
    plan: AccountPlan, user: User, by: Literal["self", "admin"], devices: Sequence[Device]
) -> None:
    """Plan to put the account to sleep; an administrator's word outweighs the user's own."""
    if user.deactivated_by not in (by, "admin"):
        plan.change_user(user, structs.replace(user, state="deactivated", deactivated_by=by))
    for device in devices:
        plan.remove_device(device, "deactivated")

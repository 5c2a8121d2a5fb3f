"""Reads a play and performs it.

A play is a text of one sentence a line; ``#`` begins a remark. The sentences are the patterns
below; ``tests/acceptance/README.md`` shows each. A person's name alone means their first device.
A sentence that ends in ``!code`` is one that the server must refuse with this code.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from .driver import Device, Driver, Line, RefusedByServer, Target

TIMEOUT_S = 20.0
FIRST_DEVICE = "desk"

NAME = r"[A-Z][a-z]+"
DEVICE = rf"(?P<device>{NAME}(?:'s [a-z]+)?)"
NAMES = rf"(?P<names>{NAME}(?:, {NAME})*(?: and {NAME})?)"
DEVICES = rf"(?P<devices>{NAME}(?:'s [a-z]+)?(?:(?:, | and ){NAME}(?:'s [a-z]+)?)*)"
PLACE = rf"(?:(?P<where>to|with|in|from) (?P<target>{NAME}))"
QUOTED = r"“(?P<text>[^”]*)”"

Perform = Callable[..., Awaitable[None]]
SENTENCES: list[tuple[re.Pattern[str], Perform]] = []


class ScriptFailed(AssertionError):
    """A line of a play did not come true."""


def sentence(pattern: str) -> Callable[[Perform], Perform]:
    """Perform sentences of this pattern by this method; its groups are the arguments."""

    def mark(perform: Perform) -> Perform:
        SENTENCES.append((re.compile(pattern + r"\.?"), perform))
        return perform

    return mark


class Script:
    """One performance.

    Args:
        driver: The world.
        text: The play.
    """

    def __init__(self, driver: Driver, text: str) -> None:
        self._driver = driver
        self._lines = text.splitlines()
        self._groups: set[str] = set()

    async def perform(self) -> None:
        """Perform all lines.

        Raises:
            ScriptFailed: with the line that did not come true.
        """
        for number, line in enumerate(self._lines, 1):
            told = line.partition("#")[0].strip()
            if told:
                try:
                    async with asyncio.timeout(TIMEOUT_S):
                        await self._perform_line(told)
                except TimeoutError as error:
                    raise ScriptFailed(f"line {number}: {told}: nothing came") from error
                except (AssertionError, RefusedByServer) as error:
                    raise ScriptFailed(f"line {number}: {told}: {error}") from error

    async def _perform_line(self, told: str) -> None:
        told, _, code = (part.strip() for part in told.partition(" !"))
        for pattern, perform in SENTENCES:
            found = pattern.fullmatch(told)
            if found is None:
                continue
            refused = ""
            try:
                await perform(self, **found.groupdict())
            except RefusedByServer as refusal:
                refused = refusal.code
            assert refused == code, f"refused with {refused}" if refused else "was not refused"
            return
        raise AssertionError("no such sentence; see tests/acceptance/interpreter.py")

    # --- who and where ---

    def _device(self, named: str) -> Device:
        user, _, label = named.partition("'s ")
        return self._driver.device(user, label or FIRST_DEVICE)

    def _place(self, where: str, target: str) -> Target:
        is_group = where == "in" or target in self._groups
        return Target(target, is_group)

    # --- people and devices ---

    @sentence(rf"{NAMES} (?:is a user|are users)")
    async def _users(self, names: str) -> None:
        for name in _list(names):
            await self._driver.add_user(name)
            await self._driver.device(name, FIRST_DEVICE).connect()

    @sentence(rf"{DEVICE} connects")
    async def _connects(self, device: str) -> None:
        await self._device(device).connect()

    @sentence(rf"{DEVICE} disconnects")
    async def _disconnects(self, device: str) -> None:
        await self._device(device).disconnect()

    @sentence(rf"{DEVICE} is logged out: (?P<reason>\w+)")
    async def _is_logged_out(self, device: str, reason: str) -> None:
        told = await self._device(device).goodbye()
        assert told == reason, f"was told {told}"

    @sentence(rf"{DEVICE} removes (?:his|her) device (?P<label>[a-z]+)")
    async def _removes_device(self, device: str, label: str) -> None:
        await self._device(device).act("device.remove", label=label)

    @sentence(r"The server (?P<how>restarts|is killed and comes back)")
    async def _server(self, how: str) -> None:
        await self._driver.restart(kill=how != "restarts")

    # --- messages ---

    @sentence(
        rf"{DEVICE} says {PLACE}(?: mentioning (?P<names>.+?))?(?: answering {QUOTED})?:"
        r" (?P<said>.+)"
    )
    async def _says(
        self, device: str, where: str, target: str, names: str | None, text: str | None, said: str
    ) -> None:
        mentions = _list(names) if names else []
        await self._device(device).say(self._place(where, target), said, mentions, text or "")

    @sentence(
        rf"{DEVICES} receives? (?:in (?P<group>{NAME}) )?from (?P<sender>{NAME}): (?P<said>.+)"
    )
    async def _receives(self, devices: str, group: str | None, sender: str, said: str) -> None:
        for named in _list(devices):
            target = Target(group or sender, is_group=group is not None)
            got = await self._device(named).next_received(target)
            assert (got.sender, got.text) == (sender, said), f"{named} got {got}"

    @sentence(
        rf"{DEVICE} receives what {NAME} wrote on (?P<label>\w+) to (?P<target>{NAME}): "
        r"(?P<said>.+)"
    )
    async def _receives_own(self, device: str, label: str, target: str, said: str) -> None:
        got = await self._device(device).next_received(self._place("to", target))
        assert (got.sender, got.text) == (device.partition("'")[0], said), f"{device} got {got}"

    @sentence(rf"{DEVICES} receives? nothing {PLACE}")
    async def _receives_nothing(self, devices: str, where: str, target: str) -> None:
        for named in _list(devices):
            device = self._device(named)
            await device.settle()
            try:
                async with asyncio.timeout(0):
                    got = await device.next_received(self._place(where, target))
            except TimeoutError:
                continue
            raise AssertionError(f"{named} got {got}")

    @sentence(rf"{DEVICES} sees? {PLACE}: (?P<lines>.+)")
    async def _sees(self, devices: str, where: str, target: str, lines: str) -> None:
        wanted = [] if lines == "nothing" else [line.strip() for line in lines.split("|")]
        for named in _list(devices):
            shown = [_shown(line) for line in await self._shows(named, where, target, wanted)]
            assert shown == wanted, f"{named} sees {' | '.join(shown)}"

    @sentence(rf"The server shows {NAMES} in (?P<group>{NAME}): (?P<lines>.+)")
    async def _is_shown(self, names: str, group: str, lines: str) -> None:
        wanted = [line.strip() for line in lines.split("|")]
        for named in _list(names):
            found = await self._device(named).archive(Target(group, is_group=True))
            shown = [_shown(line) for line in found]
            assert shown == wanted, f"{named} is shown {' | '.join(shown)}"

    @sentence(rf"{DEVICE} never heard in (?P<group>{NAME}): (?P<said>.+)")
    async def _never_heard(self, device: str, group: str, said: str) -> None:
        await self._device(device).settle()
        assert not await self._device(device).heard(Target(group, is_group=True), said)

    @sentence(rf"{DEVICE} edits {QUOTED} {PLACE} to (?P<said>.+)")
    async def _edits(self, device: str, text: str, where: str, target: str, said: str) -> None:
        await self._device(device).change("edit", self._place(where, target), text, said=said)

    @sentence(rf"{DEVICE} recalls {QUOTED} {PLACE}")
    async def _recalls(self, device: str, text: str, where: str, target: str) -> None:
        await self._device(device).change("recall", self._place(where, target), text)

    @sentence(rf"{DEVICE} (?P<how>puts|takes) (?P<emoji>\S+) (?:on|from) {QUOTED} {PLACE}")
    async def _reacts(
        self, device: str, how: str, emoji: str, text: str, where: str, target: str
    ) -> None:
        more = {"emoji": emoji, "add": how == "puts"}
        await self._device(device).change("react", self._place(where, target), text, **more)

    # --- counts ---

    @sentence(
        rf"{DEVICES} (?:has|have) (?P<unread>\d+) unread {PLACE}(?:, (?P<mentions>\d+) mentions?)?"
    )
    async def _unread(
        self, devices: str, unread: str, where: str, target: str, mentions: str | None
    ) -> None:
        for named in _list(devices):
            device = self._device(named)

            async def counts(device: Device = device) -> list[int]:
                found = await device.counts(self._place(where, target))
                return list(found if mentions is not None else found[:1])

            wanted = [int(unread), int(mentions)] if mentions is not None else [int(unread)]
            await _becomes(counts, wanted, named)

    @sentence(rf"{DEVICE} reads (?:everything )?{PLACE}")
    async def _reads(self, device: str, where: str, target: str) -> None:
        await self._device(device).read(self._place(where, target))

    # --- groups ---

    @sentence(
        rf"{DEVICE} creates the (?P<kind>group|channel) (?P<group>{NAME})(?: with {NAMES})?"
        r"(?:, (?P<policy>free|approval|invite|closed))?"
    )
    async def _creates(
        self, device: str, kind: str, group: str, names: str | None, policy: str | None
    ) -> None:
        self._groups.add(group)
        users = _list(names) if names else []
        await self._device(device).act(
            "group.create", group=group, users=users, kind=kind, join_policy=policy or "invite"
        )

    @sentence(rf"{DEVICE} (?P<what>invites|kicks) {NAMES} (?:to|from) (?P<group>{NAME})")
    async def _invites(self, device: str, what: str, names: str, group: str) -> None:
        await self._device(device).act(f"group.{what[:-1]}", group=group, users=_list(names))

    @sentence(rf"{DEVICE} (?P<what>leaves|dissolves|joins) (?P<group>{NAME})")
    async def _leaves(self, device: str, what: str, group: str) -> None:
        method = {"leaves": "leave", "dissolves": "dissolve", "joins": "join"}[what]
        await self._device(device).act(f"group.{method}", group=group)

    @sentence(
        rf"{DEVICE} (?P<what>lets|refuses to let|bans|unbans) (?P<user>{NAME})"
        rf" (?:into|from|in) (?P<group>{NAME})"
    )
    async def _ways(self, device: str, what: str, user: str, group: str) -> None:
        method, more = _WAYS[what]
        await self._device(device).act(method, group=group, user=user, **more)

    @sentence(rf"{DEVICE} makes (?P<user>{NAME}) (?:an|a|the) (?P<role>\w+) of (?P<group>{NAME})")
    async def _makes(self, device: str, user: str, role: str, group: str) -> None:
        if role == "owner":
            await self._device(device).act("group.transfer", group=group, user=user)
        else:
            await self._device(device).act("group.set_role", group=group, user=user, role=role)

    @sentence(rf"{DEVICE} (?P<what>mutes|unmutes) (?P<user>{NAME}|everybody) in (?P<group>{NAME})")
    async def _mutes(self, device: str, what: str, user: str, group: str) -> None:
        is_on = what == "mutes"
        if user == "everybody":
            await self._device(device).act("group.update", group=group, muted_all=is_on)
        else:
            until_ms = -1 if is_on else 0
            await self._device(device).act(
                "group.mute_member", group=group, user=user, until_ms=until_ms
            )

    @sentence(rf"{DEVICE} sets (?P<field>\w+) of (?P<group>{NAME}) to (?P<value>.+)")
    async def _sets(self, device: str, field: str, group: str, value: str) -> None:
        values: dict[str, Any] = {"yes": True, "no": False}
        given = int(value) if value.isdigit() else values.get(value, value)
        await self._device(device).act("group.update", group=group, **{field: given})

    # --- relations ---

    @sentence(rf"{DEVICE} (?P<what>blocks|unblocks|befriends|accepts|refuses) (?P<user>{NAME})")
    async def _relates(self, device: str, what: str, user: str) -> None:
        method, more = _RELATIONS[what]
        await self._device(device).act(method, user=user, **more)

    @sentence(rf"{DEVICE} takes messages from (?P<who>everyone|friends)(?: only)?")
    async def _takes_messages(self, device: str, who: str) -> None:
        await self._device(device).act("user.update", privacy={"who_may_write": who})

    async def _shows(self, named: str, where: str, target: str, wanted: list[str]) -> list[Line]:
        device, at = self._device(named), self._place(where, target)

        async def shown() -> list[str]:
            return [_shown(line) for line in await device.history(at)]

        await _becomes(shown, wanted, named)
        return await device.history(at)


_WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "lets": ("group.answer_request", {"accept": True}),
    "refuses to let": ("group.answer_request", {"accept": False}),
    "bans": ("group.ban", {}),
    "unbans": ("group.unban", {}),
}
_RELATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "blocks": ("relation.block", {}),
    "unblocks": ("relation.unblock", {}),
    "befriends": ("relation.request", {}),
    "accepts": ("relation.answer", {"accept": True}),
    "refuses": ("relation.answer", {"accept": False}),
}


def _list(names: str) -> list[str]:
    return re.split(r", | and ", names)


def _shown(line: Line) -> str:
    """``text``, then ``*`` when edited, then its reactions: ``hello* [👍 Bob, Carol]``."""
    marks = [f"{emoji} {', '.join(users)}" for emoji, users in sorted(line.reactions.items())]
    return line.text + "*" * line.is_edited + (f" [{'; '.join(marks)}]" if marks else "")


async def _becomes(look: Callable[[], Awaitable[Any]], wanted: Any, who: str) -> None:
    """Wait until ``look`` returns what is wanted; devices learn of changes by pushes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIMEOUT_S / 4
    while (found := await look()) != wanted:
        assert loop.time() < deadline, f"{who} has {found}"
        await asyncio.sleep(0.005)

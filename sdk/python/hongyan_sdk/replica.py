"""Keeping the local store equal to the server: the sync call, the order of pushes, gaps.

Persist, then emit: an entry is in the store, and counted, before the app gets it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from msgspec.structs import replace

from .errors import HongyanError
from .events import (
    BegunAnew,
    ConversationChanged,
    EntryReceived,
    Event,
    MessageReceived,
    MessageSent,
    without_older,
)
from .fold import apply_entries, joined_by
from .ids import user_log
from .models import CHANGES_INFO, Conversation, Entry
from .once import once
from .peers import name_peers
from .remote import (
    Call,
    Page,
    Remote,
    Synced,
    SyncedConversation,
    begin_conversation,
    merge_remote,
    read_between,
)
from .renewal import Renewal
from .sequencer import Sequencer
from .store import Store
from .wire import read

logger = logging.getLogger(__name__)

PAGE = 200
ACK_WAIT_S = 1.0
RENAMED = 200
"""People one talks with who may have changed their names while one was away, at most."""


class Replica:
    """The local copy of everything that its user may see.

    Args:
        store: Where it is kept.
        call: Asks the server on the present connection.
        publish: Takes the events for the app.
        quiet: Waits, for so many seconds at most, until no send is in flight in a conversation.
        begun_anew: Called when all that was known of the server's logs is forgotten.
        catch_up: How many entries of a conversation are fetched after an absence; where more
            are missing, the store skips to the newest. None fetches all.
    """

    def __init__(
        self,
        store: Store,
        call: Call,
        publish: Callable[[Event], None],
        quiet: Callable[[str, float], Awaitable[None]],
        begun_anew: Callable[[], None],
        catch_up: int | None = 1000,
    ) -> None:
        self._store = store
        self._call = call
        self._publish = publish
        self._quiet = quiet
        self._begun_anew = begun_anew
        self._catch_up = catch_up
        self._user_id = ""
        self._logs: dict[str, Sequencer] = {}
        self._strangers: dict[str, list[Entry]] = {}
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._refreshes: dict[str, asyncio.Task[Any]] = {}
        self._renewal = Renewal(store, call, lambda: self._me, self._tell)
        self._is_syncing = True
        self._hears = False
        self._is_anew = False
        self._news_since_ms = 0
        self._is_first = False

    @property
    def _me(self) -> str:
        if not self._user_id:
            account = self._store.account()
            self._user_id = account.user_id if account is not None else ""
        return self._user_id

    def offline(self) -> None:
        """The connection is gone: nothing is fetched or taken until the next ``sync``."""
        self._is_syncing = True
        self._hears = False

    # --- the sync call ---

    async def sync(self, connected_at_ms: int, generation: str = "") -> None:
        """Fetch all that the store lacks; pushes may come meanwhile.

        The first sync of a store brings history: of its messages only those are news that
        were sent since the device connected.

        Args:
            connected_at_ms: When that was, by the server's clock.
            generation: Of the server's logs, from hello.

        Raises:
            ConnectionLost, Refused: what was applied stays; call it again.
        """
        self._news_since_ms = connected_at_ms
        self._adopt(generation)
        self._is_first = self._store.user_tip() is None
        self._hears = True
        try:
            known = self._store.tips()
            user_tip = self._store.user_tip() or 0
            after: str | None = ""
            while after is not None:
                params = {"user_seq": user_tip, "known": known, "after": after}
                page = read(await self._call("conversation.sync", params), Synced)
                if self._adopt(page.generation):
                    self._is_first, known, user_tip, after = True, {}, 0, ""
                    continue
                if not after:
                    if page.user_log_truncated and known:
                        known = {}
                        continue
                    self._synced_user(page)
                for synced in page.conversations:
                    self._synced(synced)
                after = page.next_after
            await name_peers(self._store, self._call, self._publish, RENAMED)
        finally:
            self._is_first = False
        self._is_syncing = False
        if self._is_anew:
            self._is_anew = False
            self._publish(BegunAnew())
        for conversation_id in self._strangers:
            once(self._refreshes, conversation_id, self._refresh_quietly)
        self._renewal.start()
        await asyncio.gather(*(self._repair(log_id) for log_id in list(self._logs)))

    def _adopt(self, generation: str) -> bool:
        """Forget all that is known of another generation of the logs; return whether it was so.

        What is newer than everything that was known stays news all the same.
        """
        newest_ms = self._store.adopt(generation)
        if newest_ms is None:
            return False
        self._logs.clear()
        self._strangers.clear()
        self._is_anew = True
        self._news_since_ms = newest_ms + 1
        self._begun_anew()
        return True

    def _synced_user(self, page: Synced) -> None:
        log = self._log(user_log(self._me))
        with self._store.transaction():
            events: list[Event] = []
            for conversation_id in page.left:
                local = self._store.conversation(conversation_id)
                if local is not None and local.active:
                    changed = replace(local, active=False)
                    self._store.put_conversation(changed)
                    events.append(ConversationChanged(changed))
            if not self._is_first:
                for entry in page.user_entries:
                    events += self._apply(log.offer(entry))
            events += self._apply(log.skip(page.user_seq))
            self._store.put_user_tip(log.tip)
        self._tell(events)

    def _synced(self, synced: SyncedConversation) -> None:
        remote = synced.conversation
        conversation_id = remote.conversation_id
        with self._store.transaction():
            if self._store.conversation(conversation_id) is None:
                first = synced.from_seq
                if remote.kind == "direct" and not self._is_first:
                    first = min(first, int(remote.member.get("visible_from", 1)))
                self._begin(remote, first)
            events = self._merge(remote)
            log = self._log(conversation_id)
            missing = synced.from_seq - 1 - log.tip
            too_many = self._catch_up is not None and missing > self._catch_up
            if not synced.gap or too_many:
                events += self._jump(conversation_id, synced.from_seq, is_hole=synced.gap)
            for entry in synced.entries:
                events += self._apply(log.offer(entry))
            if log.tip >= synced.from_seq - 1:
                events += self._jump(conversation_id, remote.head.seq + 1, is_hole=False)
            log.expect(remote.head.seq)
            for entry in self._strangers.pop(conversation_id, []):
                events += self._apply(log.offer(entry))
            local = self._store.conversation(conversation_id)
            if local is not None and local.tip == remote.head.seq:
                self._store.put_conversation(replace(local, mentions=remote.mentions))
        self._tell(events)

    # --- pushes and acks ---

    def pushed(self, entry: Entry) -> None:
        """Take an entry that the server pushed; one before ``sync`` comes again with that."""
        if not self._hears:
            return
        is_known = entry.log_id[:1] == "@" or self._store.conversation(entry.log_id) is not None
        if is_known and entry.log_id not in self._strangers:
            self._offer(entry)
        else:
            self._meet(entry.log_id, entry)

    def placed(self, entry: Entry) -> None:
        """Take an entry of our own that the server acknowledged.

        It is applied at once, or else when the entries before it have come.
        """
        self._offer(entry)

    async def reach(self, conversation_id: str, seq: int) -> None:
        """Wait until the store has the conversation up to this seq."""
        if self._store.conversation(conversation_id) is not None:
            self._log(conversation_id).expect(seq)
            await self._repair(conversation_id)

    async def refresh(self, conversation_id: str) -> Conversation:
        """Ask the server how the conversation stands, and fetch what the store lacks.

        Raises:
            Refused, ConnectionLost: see there.
        """
        found = await self._call("conversation.get", {"conversation_id": conversation_id})
        return await self.learn(read(found, Remote))

    async def learn(self, remote: Remote) -> Conversation:
        """Take a conversation that the server sent, and fetch what the store lacks of it."""
        conversation_id = remote.conversation_id
        strangers = self._strangers.pop(conversation_id, [])
        with self._store.transaction():
            if self._store.conversation(conversation_id) is None:
                first = int(remote.member.get("visible_from", 1))
                if remote.kind != "direct":
                    newest = max(first, remote.head.seq - PAGE // 10)
                    first = min([newest, *(entry.seq for entry in strangers)])
                self._begin(remote, first)
            events = self._merge(remote)
        self._tell(events)
        await name_peers(self._store, self._call, self._publish)
        self._log(conversation_id).expect(remote.head.seq)
        for entry in strangers:
            self._offer(entry)
        await self._repair(conversation_id)
        return cast(Conversation, self._store.conversation(conversation_id))

    def _offer(self, entry: Entry) -> None:
        log = self._log(entry.log_id)
        with self._store.transaction():
            events = self._apply(log.offer(entry))
        self._tell(events)
        if log.missing is not None and not self._is_syncing:
            self._start_repair(entry.log_id)

    # --- gaps ---

    async def _repair(self, log_id: str) -> None:
        """Fetch what is known to exist and missing; on a lost connection it stays so."""
        for _ in range(2):  # one that began on an earlier connection ends without success
            if self._log(log_id).missing is not None:
                await asyncio.shield(self._start_repair(log_id))

    def _start_repair(self, log_id: str) -> "asyncio.Task[None]":
        return once(self._repairs, log_id, self._fill)

    async def _fill(self, log_id: str) -> None:
        await self._quiet(log_id, ACK_WAIT_S)
        log = self._log(log_id)
        try:
            while (missing := log.missing) is not None:
                first, last = missing
                page = await read_between(self._call, log_id, first, last, PAGE)
                if log is not self._logs.get(log_id):
                    return  # begun anew meanwhile
                self._filled(log_id, page, first, last)
        except HongyanError as error:  # the next connection begins with a sync
            logger.info("cannot fill a gap in %s: %s", log_id, error)

    def _filled(self, log_id: str, page: Page, first: int, last: int) -> None:
        log = self._log(log_id)
        with self._store.transaction():
            events: list[Event] = []
            for entry in page.entries:  # what the page leaves out before an entry is not visible
                events += self._skip(log_id, entry.seq - 1)
                events += self._apply(log.offer(entry))
            events += self._skip(log_id, page.to_seq)
            if not page.more_after and log.tip < last:
                events += self._skip(log_id, last)
            if log.tip < first:
                events += self._skip(log_id, first)
        self._tell(events)

    def _skip(self, log_id: str, seq: int) -> list[Event]:
        if log_id[:1] != "@":
            return self._jump(log_id, seq + 1, is_hole=False)
        events = self._apply(self._log(log_id).skip(seq))
        self._store.put_user_tip(self._log(log_id).tip)
        return events

    def _jump(self, conversation_id: str, first: int, is_hole: bool) -> list[Event]:
        """Go on from ``first``; ``is_hole`` says that something visible is left out before it."""
        log = self._log(conversation_id)
        if log.tip >= first - 1:
            return []
        events = self._apply(log.skip(first - 1))
        local = self._store.conversation(conversation_id)
        if local is not None:
            floor = local.floor
            if is_hole:
                floor = first
                self._store.drop_entries(conversation_id, 0, first - 1)
            self._store.put_conversation(replace(local, tip=log.tip, floor=floor))
        return events

    # --- inside ---

    def _log(self, log_id: str) -> Sequencer:
        log = self._logs.get(log_id)
        if log is None:
            if log_id[:1] == "@":
                tip = self._store.user_tip() or 0
            else:
                local = self._store.conversation(log_id)
                tip = local.tip if local is not None else 0
            log = self._logs[log_id] = Sequencer(tip)
        return log

    def _begin(self, remote: Remote, first: int) -> None:
        self._logs.pop(remote.conversation_id, None)
        self._store.put_conversation(begin_conversation(remote, first))

    def _merge(self, remote: Remote) -> list[Event]:
        """Let what the server says of a conversation hold here."""
        local = self._store.conversation(remote.conversation_id)
        assert local is not None
        changed = merge_remote(local, remote)
        self._store.put_conversation(changed)
        return [ConversationChanged(changed)] if changed != local else []

    def _apply(self, entries: Iterable[Entry]) -> list[Event]:
        entries = list(entries)
        events = apply_entries(self._store, self._me, entries)
        for entry in entries:
            if joined := joined_by(self._store, entry):
                self._meet(joined)
        return events

    def _tell(self, events: list[Event]) -> None:
        for event in without_older(events):
            if self._is_first and not isinstance(event, ConversationChanged | MessageSent):
                if not self._is_news(event):
                    continue
            elif isinstance(event, EntryReceived) and event.entry.kind in CHANGES_INFO:
                once(self._refreshes, event.entry.log_id, self._refresh_quietly)
            self._publish(event)
        if not self._is_syncing:
            self._renewal.start()

    def _is_news(self, event: Event) -> bool:
        since_ms = self._news_since_ms
        return isinstance(event, MessageReceived) and event.message.sent_at_ms >= since_ms

    def _meet(self, conversation_id: str, *entries: Entry) -> None:
        """Keep what comes of a conversation that is not known as ours, and ask for it."""
        self._strangers.setdefault(conversation_id, []).extend(entries)
        if not self._is_syncing:
            once(self._refreshes, conversation_id, self._refresh_quietly)

    async def _refresh_quietly(self, conversation_id: str) -> None:
        try:
            await self.refresh(conversation_id)
        except HongyanError:
            self._strangers.pop(conversation_id, None)

    async def close(self) -> None:
        """Stop what goes on in the background."""
        tasks = [*self._repairs.values(), *self._refreshes.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._renewal.close()

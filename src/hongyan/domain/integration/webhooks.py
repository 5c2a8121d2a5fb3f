"""Webhooks: the administrators' commands, and which dispatchers are to run."""

import base64
import os
from typing import Any

import msgspec
from msgspec import UNSET, structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Entry,
    Placed,
    Precondition,
    Put,
    SaveOffset,
    encode_body,
    offset_of,
    position_of,
)
from hongyan.domain.log.readers import Family, Reader
from hongyan.domain.user.commands import NoSuchUser
from hongyan.domain.user.model import User
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Invalid, LimitReached
from hongyan.kernel.ids import UserId
from hongyan.kernel.limits import check_length, check_range
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .change_window import END, PAGE
from .commands import NotABot
from .commands_webhooks import (
    CreateWebhook,
    DeadLetters,
    DeleteWebhook,
    ListAttempts,
    ListDeadLetters,
    ListWebhooks,
    NewWebhook,
    NoSuchWebhook,
    NotDelivered,
    Redeliver,
    ReplayWebhook,
    RotateSecret,
    UpdateWebhook,
    WebhookAttempts,
    WebhookInfo,
    WebhookPage,
)
from .model import (
    SYSTEM_LOG,
    WEBHOOK_CHANGED,
    DeadLetter,
    Webhook,
    WebhookAttempt,
    WebhookRef,
    WebhookSecret,
    batch_reader_of,
    guard_of,
    reader_of,
)
from .rules import NAME_MAX, SECRET_BYTES, Filter, check_filter, check_url
from .webhook_dispatcher import (
    ATTEMPTS_KEPT,
    BATCH_MAX,
    DispatcherContext,
    WebhookBatch,
    WebhookDispatcher,
    deliver,
    taken_by,
)

WEBHOOKS_MAX = 100
OVERLAP_MAX_S = 7 * 86_400
SECRETS_MAX = 5
_decode_ref = msgspec.json.Decoder(WebhookRef).decode


class Webhooks:
    """Answers ``webhook.*``, and says which dispatchers are to run.

    Args:
        dispatch: What the dispatchers work with.

    Attributes:
        family: The readers that post the webhooks' entries.
    """

    def __init__(self, dispatch: DispatcherContext) -> None:
        self._dispatch = dispatch
        self._log, self._records = dispatch.log, dispatch.records
        self._dispatchers: dict[str, WebhookDispatcher] = {}
        self.family = Family((WEBHOOK_CHANGED,), self._active, _reader_name)

    async def _active(self) -> tuple[Reader, ...]:
        """Return the readers of the active webhooks."""
        webhooks = await self._records.scan(Webhook, limit=WEBHOOKS_MAX)
        names = [webhook.webhook_id for webhook in webhooks if webhook.active]
        self._dispatchers = {
            name: self._dispatchers.get(name) or WebhookDispatcher(self._dispatch, name)
            for name in names
        }
        return tuple([dispatcher.reader for dispatcher in self._dispatchers.values()])

    # --- the commands ---

    @handles(CreateWebhook)
    async def create(self, actor: Actor, command: CreateWebhook) -> NewWebhook:
        """See ``CreateWebhook``."""
        if await self._records.count(Webhook) >= WEBHOOKS_MAX:
            raise LimitReached("Remove a webhook first.", limit=WEBHOOKS_MAX)
        await self._check_bot(command.user_id)
        secret = _new_secret()
        webhook = Webhook(
            webhook_id="w" + os.urandom(8).hex(),
            name=command.name.strip(),
            url=command.url,
            kinds=command.kinds,
            conversation_ids=command.conversation_ids,
            user_id=command.user_id,
            secrets=(WebhookSecret(secret),),
            batch_max=command.batch_max,
            created_by=actor.user_id,
            created_at_ms=self._dispatch.clock.now_ms(),
        )
        _check(webhook)
        end = await self._dispatch.stream.end()
        await self._commit(actor, webhook.webhook_id, Put(webhook), *_save_offset(webhook, end))
        return NewWebhook(_info(webhook, end), secret)

    @handles(ListWebhooks)
    async def list(self, _actor: Actor, _command: ListWebhooks) -> WebhookPage:
        """See ``ListWebhooks``."""
        found = await self._records.scan(Webhook, limit=WEBHOOKS_MAX)
        return WebhookPage(tuple([await self._info(webhook) for webhook in found]))

    @handles(UpdateWebhook)
    async def update(self, actor: Actor, command: UpdateWebhook) -> WebhookInfo:
        """See ``UpdateWebhook``."""
        given = {
            name: value
            for name, value in structs.asdict(command).items()
            if value is not UNSET and name != "webhook_id"
        }
        changed = await self._change(actor, command.webhook_id, given)
        return await self._info(changed)

    @handles(DeleteWebhook)
    async def delete(self, actor: Actor, command: DeleteWebhook) -> Done:
        """See ``DeleteWebhook``."""
        name = command.webhook_id
        webhook = await self._get(name)
        drops: list[Change] = [Drop(Webhook, (name,)), *_save_offset(webhook, 0)]
        for row in (WebhookAttempt, DeadLetter):
            drops += [Drop(row, key) for key in await self._records.keys(row, name)]
        await self._commit(actor, name, *drops)
        return DONE

    @handles(RotateSecret)
    async def rotate(self, actor: Actor, command: RotateSecret) -> NewWebhook:
        """See ``RotateSecret``."""
        check_range("overlap_s", command.overlap_s, 0, OVERLAP_MAX_S)
        webhook = await self._get(command.webhook_id)
        secret, now_ms = _new_secret(), self._dispatch.clock.now_ms()
        until_ms = now_ms + command.overlap_s * 1000
        older = [
            WebhookSecret(one.secret, min(one.until_ms or until_ms, until_ms))
            for one in webhook.secrets
            if not one.until_ms or one.until_ms > now_ms
        ]
        kept = tuple(older[: SECRETS_MAX - 1]) if command.overlap_s else ()
        secrets = (WebhookSecret(secret), *kept)
        changed = await self._change(actor, command.webhook_id, {"secrets": secrets}, webhook)
        return NewWebhook(await self._info(changed), secret)

    @handles(ReplayWebhook)
    async def replay(self, actor: Actor, command: ReplayWebhook) -> WebhookInfo:
        """See ``ReplayWebhook``."""
        webhook = await self._get(command.webhook_id)
        if not 0 <= command.position < END:
            raise Invalid("position is a place in the feed.", field="position")
        if command.position > await self._dispatch.stream.end():
            raise Invalid("position is beyond the end of the feed.", field="position")
        await self._commit(actor, webhook.webhook_id, *_save_offset(webhook, command.position))
        return _info(webhook, command.position)

    @handles(ListAttempts)
    async def attempts(self, _actor: Actor, command: ListAttempts) -> WebhookAttempts:
        """See ``ListAttempts``."""
        await self._get(command.webhook_id)
        found = await self._records.scan(WebhookAttempt, command.webhook_id, limit=ATTEMPTS_KEPT)
        return WebhookAttempts(tuple(sorted(found, key=lambda one: (-one.at_ms, -one.slot))))

    @handles(ListDeadLetters)
    async def dead_letters(self, _actor: Actor, command: ListDeadLetters) -> DeadLetters:
        """See ``ListDeadLetters``."""
        check_page(command.limit)
        await self._get(command.webhook_id)
        found = await self._records.scan(
            DeadLetter,
            command.webhook_id,
            after=read_page_token(command.after, int),
            limit=command.limit,
        )
        full = len(found) == command.limit
        return DeadLetters(tuple(found), write_page_token(found[-1].first) if full else "")

    @handles(Redeliver)
    async def redeliver(self, _actor: Actor, command: Redeliver) -> Done:
        """See ``Redeliver``."""
        webhook = await self._get(command.webhook_id)
        letter = await self._records.get(DeadLetter, command.webhook_id, command.first)
        if letter is None:
            raise NoSuchWebhook
        filter_, entries = Filter(webhook), list[Placed]()
        position = letter.first - 1
        while position < letter.last and (
            page := await self._dispatch.stream.follow(position, PAGE)
        ):
            position = page[-1][0]
            begun = [one for one in page if one[0] <= letter.last]
            entries += await taken_by(self._dispatch.visibility, webhook.user_id, filter_, begun)
        if entries:
            batch = WebhookBatch(tuple(entries))
            done = await deliver(self._dispatch, webhook, batch, letter.attempts + 1, ATTEMPTS_KEPT)
            if done.error:
                raise NotDelivered(done.error)
        await self._log.commit(Commit(changes=(Drop(DeadLetter, letter.key()),)))
        return DONE

    # --- inside ---

    async def _get(self, webhook_id: str) -> Webhook:
        webhook = await self._records.get(Webhook, webhook_id)
        if webhook is None:
            raise NoSuchWebhook
        return webhook

    async def _info(self, webhook: Webhook) -> WebhookInfo:
        place = await self._dispatch.stream.offset(reader_of(webhook.webhook_id))
        return _info(webhook, position_of(place))

    async def _change(
        self, actor: Actor, webhook_id: str, given: dict[str, Any], seen: Webhook | None = None
    ) -> Webhook:
        changed: list[Webhook] = []

        async def attempt() -> Commit:
            guard = guard_of(webhook_id)
            version = (await self._log.states([guard]))[guard].version
            webhook = await self._get(webhook_id)
            if seen is not None and webhook.secrets != seen.secrets:
                raise Invalid("Somebody else rotated the secret; look again.")
            changed[:] = [structs.replace(webhook, **given)]
            _check(changed[0])
            # what was begun with the old filter is begun anew
            changes = (Put(changed[0]), SaveOffset(batch_reader_of(webhook_id), b""))
            return _change(
                actor, self._dispatch, webhook_id, changes, (Precondition(guard, version),)
            )

        await decide(self._log, attempt)
        return changed[0]

    async def _commit(self, actor: Actor, webhook_id: str, *changes: Change) -> None:
        await self._log.commit(_change(actor, self._dispatch, webhook_id, changes, ()))

    async def _check_bot(self, user_id: UserId) -> None:
        if not user_id:
            return
        user = await self._records.get(User, user_id)
        if user is None or user.state != "active":
            raise NoSuchUser
        if not user.bot:
            raise NotABot


def _reader_name(entry: Entry) -> str:
    return reader_of(_decode_ref(entry.body).webhook_id)


def _change(
    actor: Actor,
    dispatch: DispatcherContext,
    webhook_id: str,
    changes: tuple[Change, ...],
    preconditions: tuple[Precondition, ...],
) -> Commit:
    """Return the commit that changes a webhook, logs it and raises its guard's version."""
    body = encode_body(WebhookRef(webhook_id))
    entry_body = Append(SYSTEM_LOG, WEBHOOK_CHANGED, actor.user_id, body, dispatch.clock.now_ms())
    return Commit((entry_body,), (*changes, Bump(guard_of(webhook_id))), preconditions)


def _save_offset(webhook: Webhook, position: int) -> tuple[Change, ...]:
    name = webhook.webhook_id
    return SaveOffset(reader_of(name), offset_of(position)), SaveOffset(batch_reader_of(name), b"")


def _check(webhook: Webhook) -> None:
    check_url(webhook.url)
    check_length("name", webhook.name, NAME_MAX)
    check_filter(webhook.kinds, webhook.conversation_ids)
    check_range("batch_max", webhook.batch_max, 1, BATCH_MAX)


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(SECRET_BYTES)).decode("ascii")


def _info(webhook: Webhook, position: int) -> WebhookInfo:
    names = WebhookInfo.__struct_fields__[:-1]
    return WebhookInfo(**{name: getattr(webhook, name) for name in names}, position=position)

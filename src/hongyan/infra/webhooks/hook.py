"""The business's word before a message is stored: a ``Gate`` that asks over HTTP."""

import asyncio
import logging
import os
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from hongyan.domain.integration.commands import HookUnavailable, RefusedByHook
from hongyan.domain.integration.model import WebhookSecret
from hongyan.domain.integration.ports import Poster, Unreachable
from hongyan.domain.integration.rules import signature
from hongyan.domain.message.commands import SendMessage
from hongyan.domain.message.model import Content
from hongyan.kernel.bus import Actor
from hongyan.kernel.clock import Clock

log = logging.getLogger(__name__)

SENTENCE_MAX = 500
LOG_EVERY_MS = 10_000


class HookQuestion(Struct, frozen=True):
    """The message that somebody wants to send."""

    conversation_id: str
    sender: str
    client_id: str
    content: Content
    quote_seq: int
    burn_after_ms: int
    key_id: str
    edits_seq: int
    """The message that this is to stand in place of; 0 for a new one."""


class Asked(Struct, frozen=True):
    """The body of a post to the hook."""

    type: str
    timestamp: str
    data: HookQuestion


class Verdict(Struct, frozen=True):
    """The hook's verdict. An empty answer allows."""

    action: Literal["allow", "refuse", "alter"] = "allow"
    message: str = ""
    """Of a refusal: a sentence for the sender."""
    content: Content | None = None
    """Of an alteration: what is stored instead."""


_decode = msgspec.json.Decoder(Verdict).decode


class BeforeSendHook:
    """Asks the business about each message.

    Args:
        poster: Posts the question.
        clock: The time of day.
        url: Where it is asked.
        secret: Signs the question, as webhooks are signed; empty signs nothing.
        timeout_s: How long the answer may take.
        fails_open: Whether messages pass while the hook cannot be asked.
    """

    def __init__(
        self,
        poster: Poster,
        clock: Clock,
        url: str,
        secret: str = "",
        timeout_s: float = 2.0,
        fails_open: bool = False,
    ) -> None:
        self._poster = poster
        self._clock = clock
        self._url = url
        self._secrets = (WebhookSecret(secret),) if secret else ()
        self._timeout_s = timeout_s
        self._fails_open = fails_open
        self._complained_at_ms = 0

    async def judge(self, actor: Actor, command: SendMessage, edits_seq: int = 0) -> Content:
        """See ``Gate.judge``.

        Runs in a task of its own: who sends may run without one, and time-outs need a task.

        Raises:
            RefusedByHook: the business says no.
            HookUnavailable: it cannot be asked, and then nothing may pass.
        """
        return await asyncio.get_running_loop().create_task(self._judge(actor, command, edits_seq))

    async def _judge(self, actor: Actor, command: SendMessage, edits_seq: int) -> Content:
        try:
            async with asyncio.timeout(self._timeout_s):
                verdict = await self._ask(actor, command, edits_seq)
        except (Unreachable, TimeoutError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._complain(error)
            if self._fails_open:
                return command.content
            raise HookUnavailable from error
        if verdict.action == "refuse":
            raise RefusedByHook(verdict.message[:SENTENCE_MAX] or None)
        if verdict.action == "alter" and verdict.content is not None:
            return verdict.content
        return command.content

    async def _ask(self, actor: Actor, command: SendMessage, edits_seq: int) -> Verdict:
        now_ms = self._clock.now_ms()
        data = HookQuestion(
            command.conversation_id,
            actor.user_id,
            command.client_id,
            command.content,
            command.quote_seq,
            command.burn_after_ms,
            actor.key_id,
            edits_seq,
        )
        at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat()
        body = msgspec.json.encode(Asked("message.before_send", at, data))
        message_id = "msg_" + os.urandom(12).hex()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(now_ms // 1000),
        }
        if self._secrets:
            headers["webhook-signature"] = signature(
                self._secrets, message_id, now_ms // 1000, body, now_ms
            )
        posted = await self._poster.post(self._url, headers, body)
        if not 200 <= posted.status < 300:
            raise Unreachable(f"the hook answered {posted.status}")
        return _decode(posted.body) if posted.body.strip() else Verdict()

    def _complain(self, error: Exception) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - self._complained_at_ms >= LOG_EVERY_MS:
            self._complained_at_ms = now_ms
            passes = "messages pass" if self._fails_open else "messages are refused"
            log.warning("the hook before sending failed (%s): %s", error or "time-out", passes)

"""The port CodeSender by SMTP (RFC 5321), on a thread for each mail."""

import asyncio
import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from hongyan.kernel.errors import Unavailable

log = logging.getLogger(__name__)

_TEXTS = {
    "en": (
        "Your code for a new password",
        "Your code for a new password is\n\n    {code}\n\nIt is good for {minutes} minutes and "
        "for one use. If you did not ask for it, do nothing: your password stays as it is.\n",
    ),
    "zh": (
        "重设密码的验证码",
        "您用于重设密码的验证码是\n\n    {code}\n\n验证码 {minutes} 分钟内有效，只能使用一次。"
        "如果不是您本人操作，请忽略本邮件，您的密码不会改变。\n",
    ),
}


class SmtpCodeSender:
    """Sends codes through a mail server.

    Args:
        host: The mail server; empty means that no mail can be sent.
        port: Its port.
        security: ``starttls``, ``tls`` from the first byte, or ``none``.
        username: The account there; empty for no log-in.
        password: The account's password.
        sender: The address that mails come from.
        timeout_s: How long the mail server may take for each answer.
    """

    def __init__(
        self,
        host: str = "",
        port: int = 587,
        security: Literal["starttls", "tls", "none"] = "starttls",
        username: str = "",
        password: str = "",
        sender: str = "hongyan@localhost",
        timeout_s: float = 20.0,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._username = username
        self._password = password
        self._sender = sender
        self._timeout_s = timeout_s

    @property
    def is_configured(self) -> bool:
        """See ``CodeSender.is_configured``."""
        return bool(self._host)

    async def send(self, email: str, code: str, minutes: int, locale: str) -> None:
        """See ``CodeSender.send``."""
        subject, text = _TEXTS["zh" if locale.lower().startswith("zh") else "en"]
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = email
        mail["Subject"] = subject
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2] or None)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
        mail.set_content(text.format(code=code, minutes=minutes))
        try:
            await asyncio.to_thread(self._hand_over, mail)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("the mail server did not take a code: %s", error)
            raise Unavailable("The mail could not be sent; try again later.") from error

    def _hand_over(self, mail: EmailMessage) -> None:
        with self._connect() as server:
            if self._security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._username:
                server.login(self._username, self._password)
            server.send_message(mail)

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)

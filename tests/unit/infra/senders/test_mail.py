"""Mail over a real socket, to a mail server of twenty lines."""

import asyncio
import email
from email import policy

import pytest

from hongyan.infra.senders.mail import SmtpCodeSender
from hongyan.kernel.errors import Unavailable


class MailServer:
    """Speaks just enough of RFC 5321."""

    def __init__(self, accepts=True):
        self.accepts = accepts
        self.mails = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
            if verb == b"RCPT" and not self.accepts:
                writer.write(b"550 no such person\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 fine\r\n")
        writer.close()


def sender(port):
    return SmtpCodeSender("127.0.0.1", port, "none", sender="chat@example.org", timeout_s=5)


@pytest.mark.parametrize(("locale", "word"), [("zh-CN", "\u9a8c\u8bc1\u7801"), ("", "password")])
async def test_a_code_is_mailed_in_the_persons_language(locale, word):
    async with MailServer() as server:
        await sender(server.port).send("alice@example.org", "ABCDE-FGHJK", 15, locale)
    mail = email.message_from_bytes(server.mails[0], policy=policy.default)
    assert (mail["From"], mail["To"]) == ("chat@example.org", "alice@example.org")
    assert word in mail["Subject"]
    assert "ABCDE" not in mail["Subject"]
    text = mail.get_content()
    assert "ABCDE-FGHJK" in text
    assert "15" in text


async def test_what_is_not_taken_is_unavailable():
    async with MailServer(accepts=False) as server:
        with pytest.raises(Unavailable):
            await sender(server.port).send("alice@example.org", "ABCDE-FGHJK", 15, "")
        port = server.port
    with pytest.raises(Unavailable):
        await sender(port).send("alice@example.org", "ABCDE-FGHJK", 15, "")


def test_without_a_host_there_is_no_mail():
    assert not SmtpCodeSender().is_configured
    assert SmtpCodeSender("mail.example.org").is_configured

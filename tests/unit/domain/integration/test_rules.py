"""Scopes, filters, addresses and signatures."""

import base64

import pytest
from msgspec import Raw

from hongyan.domain.catalog import COMMANDS
from hongyan.domain.integration.commands import NobodyNamed, NotForKeys, ScopeMissing
from hongyan.domain.integration.model import Webhook, WebhookSecret
from hongyan.domain.integration.rules import Filter, check_url, signature
from hongyan.domain.integration.scopes import SCOPES, check_scope
from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Access, Actor
from hongyan.kernel.errors import Refusal

TEAM = "g" + "a" * 16


def key(*scopes, user_id="system", admin=True):
    return Actor(user_id, "", admin, key_id="k1", scopes=scopes)


def test_scopes_name_commands_that_a_protocol_offers():
    assert [name for name in SCOPES if COMMANDS[name].ACCESS == Access.INTERNAL] == []


def test_whoever_has_no_key_needs_no_scope():
    for command in COMMANDS.values():
        check_scope(Actor("alice", "v1"), command)


@pytest.mark.parametrize("method", ["key.create", "user.change_password", "admin.audit"])
def test_some_things_are_for_no_key(method):
    with pytest.raises(NotForKeys):
        check_scope(key(*SCOPES.values()), COMMANDS[method])


def test_a_key_needs_the_scope_and_somebody_to_act_for():
    send = COMMANDS["message.send"]
    with pytest.raises(ScopeMissing):
        check_scope(key("messages:read"), send)
    with pytest.raises(NobodyNamed):
        check_scope(key("messages:send"), send)
    check_scope(key("messages:send", user_id="alice", admin=False), send)
    check_scope(key("webhooks:write"), COMMANDS["webhook.create"])


def entry(kind="message", log_id=TEAM):
    return Entry(log_id, 1, 1, kind, "alice", "", 0, Raw(b"{}"))


@pytest.mark.parametrize(
    ("kinds", "conversations", "one", "takes"),
    [
        ((), (), entry(), True),
        ((), (), entry("members.joined"), True),
        ((), (), entry("user.changed", "@alice"), False),
        (("user.changed",), (), entry("user.changed", "@alice"), True),
        (("user.*",), (), entry("user.changed", "@alice"), False),
        (("members.*",), (), entry("members.left"), True),
        (("members.*",), (), entry(), False),
        (("*",), (), entry("poll.closed"), True),
        ((), (TEAM,), entry(), True),
        ((), ("g" + "b" * 16,), entry(), False),
        (("user.changed",), (TEAM,), entry("user.changed", "@alice"), False),
    ],
)
def test_filters(kinds, conversations, one, takes):
    webhook = Webhook(webhook_id="w", name="", url="", kinds=kinds, conversation_ids=conversations)
    assert Filter(webhook).takes(one) is takes


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "//a.example",
        "http://",
        "https://u:p@a.example/",
        "http://a:99999/",
        "http://a.example/\r\nx: y",
        "http://a.example/ b",
        "http://ä.example/",
        "http://a/#b",
    ],
)
def test_wrong_addresses(url):
    with pytest.raises(Refusal):
        check_url(url)


def test_the_signature_is_that_of_standard_webhooks():
    """The example of the specification's reference libraries."""
    secret = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signed = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, 0)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_sign_until_the_older_has_ended():
    secrets = [
        WebhookSecret("whsec_" + base64.b64encode(b"new").decode()),
        WebhookSecret("whsec_" + base64.b64encode(b"old").decode(), until_ms=100),
    ]
    assert len(signature(secrets, "m", 0, b"", 99).split(" ")) == 2
    assert len(signature(secrets, "m", 0, b"", 100).split(" ")) == 1

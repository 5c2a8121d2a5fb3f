"""Nothing inside a network is called, however its address is written."""

import pytest

from hongyan.domain.integration.ports import Unreachable
from hongyan.infra.webhooks.guard import AddressGuard

INSIDE = """
    127.0.0.1 127.8.8.8 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0
    224.0.0.1 255.255.255.255 198.18.0.1 192.0.2.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1::
    2002:c0a8:101:: 2001:db8::1 ::127.0.0.1 ::10.0.0.1 fec0::1 2001:0:7f00:1:: nonsense
"""
OUTSIDE = "8.8.8.8 1.1.1.1 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808"


@pytest.mark.parametrize("address", INSIDE.split())
def test_what_is_inside_is_not_called(address):
    assert not AddressGuard().may_call(address)


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_what_is_public_is(address):
    assert AddressGuard().may_call(address)


def test_the_operator_may_allow_networks():
    guard = AddressGuard(["10.0.0.0/8", "192.168.1.7"])
    assert guard.may_call("10.9.9.9")
    assert guard.may_call("192.168.1.7")
    assert not guard.may_call("192.168.1.8")
    with pytest.raises(ValueError, match="does not appear"):
        AddressGuard(["everywhere"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0177.0.0.1", "2130706433", "[::1]"])
async def test_names_are_judged_by_what_they_resolve_to(host):
    with pytest.raises(Unreachable):
        await AddressGuard().resolve(host.strip("[]"), 80)


async def test_a_name_resolves_to_what_is_allowed():
    assert await AddressGuard(["127.0.0.0/8"]).resolve("127.0.0.1", 80) == ["127.0.0.1"]

import pytest

from hongyan.access.native.addresses import TrustedProxies


@pytest.mark.parametrize(
    ("trusted", "direct", "header", "address"),
    [
        ((), "10.0.0.1", "203.0.113.7", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (("10.0.0.0/8",), "192.0.2.1", "203.0.113.7", "192.0.2.1"),
        (("10.0.0.0/8",), "10.0.0.1", "198.51.100.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        (("10.0.0.0/8",), "10.0.0.1", "", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", " , ", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "10.0.0.2", "10.0.0.2"),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (("::1",), "::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_address(trusted: tuple[str, ...], direct: str, header: str, address: str) -> None:
    assert TrustedProxies(trusted).address(direct, header) == address


def test_what_a_proxy_appends_must_be_an_address() -> None:
    proxies = TrustedProxies(("10.0.0.0/8",))
    assert proxies.address("10.0.0.1", "203.0.113.7, unknown") == "10.0.0.1"
    assert proxies.address("10.0.0.1", "203.0.113.7:1234") == "203.0.113.7"
    assert proxies.address("10.0.0.1", "[2001:db8::1]:1234") == "2001:db8::1"


def test_a_network_must_be_one() -> None:
    with pytest.raises(ValueError, match="not-a-network"):
        TrustedProxies(("not-a-network",))

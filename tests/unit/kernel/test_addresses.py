"""What of an address is counted."""

import pytest

from hongyan.kernel.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", ""),
        ("control", "control"),
    ],
)
def test_networks(address, network):
    assert network_of(address) == network

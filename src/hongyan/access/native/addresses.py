"""The client's address behind trusted proxies."""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)


class TrustedProxies:
    """Finds a peer's address in ``X-Forwarded-For``, as far as that is to be believed.

    Args:
        networks: Addresses and CIDR networks of the proxies that are trusted.

    Raises:
        ValueError: one of them is no network.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(text) for text in networks
        )

    def address(self, direct: str, forwarded_for: str) -> str:
        """Return the address nearest to us that is no trusted proxy's.

        Args:
            direct: The connection's own address.
            forwarded_for: The header's values, joined by commas; each proxy appends the
                address that it was reached from.
        """
        address = direct
        for hop in reversed(forwarded_for.split(",")):
            before = _parse(hop.strip())
            if before is None or not self._trusts(address):
                break
            address = str(before)
        return address

    def _trusts(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, without a port that may stand behind it, or None if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

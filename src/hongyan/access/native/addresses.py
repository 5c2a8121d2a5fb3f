"""Whose connection it is, when proxies stand between."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


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
            if not hop.strip() or not self._trusts(address):
                break
            address = hop.strip()
        return address

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)

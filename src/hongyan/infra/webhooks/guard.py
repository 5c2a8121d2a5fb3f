"""The guard of outgoing addresses: public ones, and what the operator allowed.

Whoever may name a URL could otherwise make the server call what only it can reach: the cloud's
metadata, a router, a database beside it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from hongyan.domain.integration.ports import Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


class AddressGuard:
    """Resolves names to addresses that may be called.

    Args:
        allowed_networks: Addresses and CIDR networks that may be called although they are
            not public.

    Raises:
        ValueError: one of them is no address and no network.
    """

    def __init__(self, allowed_networks: Sequence[str] = ()) -> None:
        self._allowed: tuple[Network, ...] = tuple(
            ipaddress.ip_network(network, strict=False) for network in allowed_networks
        )

    def may_call(self, address: str) -> bool:
        """Return whether this address may be called."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        candidates = _meant(found)
        if any(one in network for one in candidates for network in self._allowed):
            return True
        return all(_is_public(one) for one in candidates)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of the host that may be called, in the resolver's order.

        Raises:
            Unreachable: there is none.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"the name {host} cannot be resolved") from error
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        allowed = [address for address in addresses if self.may_call(address)]
        if not allowed:
            raise Unreachable(
                f"{host} is an address inside a network; the setting"
                " integration.allowed_networks can allow it"
            )
        return allowed


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and address not in _SITE_LOCAL


def _meant(address: Address) -> list[Address]:
    """Return the address and the one that it carries, for those that wrap an IPv4 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address in _SIX_TO_FOUR:
        return [address, ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)]
    return [address]

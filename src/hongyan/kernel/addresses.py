"""Network addresses, as far as limits are counted by them."""

import ipaddress


def network_of(address: str) -> str:
    """Return what one subscriber holds: an IPv4 address, or an IPv6 network of 64 bits.

    What is no address is returned as it is.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False).network_address)

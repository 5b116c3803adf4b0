"""Which IP addresses belong to the public internet, so that a host of a stranger's choice may be called there."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

# The last 32 bits of these are an IPv4 address, and it is the address that is called.
_EMBEDDING_IPV4: Final = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
# The registry of IANA. `is_global` misses some of them in Python below 3.11.10, and multicast in every Python.
_SPECIAL: Final = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast and what is reserved
        "2001::/23",  # Teredo and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4, which leads to any IPv4 address
        "3fff::/20",
    )
)


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet. Raises `ValueError` if it is no address."""
    found = ip_address(address)
    if any(found in network for network in _EMBEDDING_IPV4):
        found = IPv4Address(found.packed[-4:])
    elif found.version == 6 and found not in _GLOBAL_UNICAST:  # noqa: PLR2004 -- the version of the protocol
        return False
    return found.is_global and not any(found in network for network in _SPECIAL)

"""Networks of IP, as settings name them: addresses and CIDR, separated by commas.

An address is a text, as a socket has it. One of IPv4 that came in the clothes of IPv6 (`::ffff:10.1.0.7`) is the one
of IPv4. Used by the guard and by `web.edge`.
"""

import ipaddress
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: About 200 bytes each.
_AT_HAND_MAX: Final = 10_000


@lru_cache(_AT_HAND_MAX)
def address_of(text: str) -> Address | None:
    """The address; None for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class Networks:
    """Those that a setting names, which was checked when it was read."""

    def __init__(self, text: str) -> None:
        self._networks = [ipaddress.ip_network(part) for part in map(str.strip, text.split(",")) if part]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._networks)

    def __contains__(self, text: str) -> bool:
        """Whether an address is in one of them."""
        address = address_of(text)
        return address is not None and any(address in network for network in self._networks)

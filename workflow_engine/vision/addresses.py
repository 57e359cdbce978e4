"""Which addresses of the internet a request may make us visit: how a URL is read, and what counts as public."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import quote

Address: TypeAlias = IPv4Address | IPv6Address

# The one reading of a URL. Its parts, and never its text, are what is resolved, connected to and asked for. User names,
# backslashes, control characters, other scripts in the host, and hosts with an empty label do not match.
URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>[/?][^\\#\x00-\x1f\x7f]*)?(?:#[^\x00-\x1f\x7f]*)?",
    re.ASCII | re.IGNORECASE,
)
LONGEST_URL = 8000

# Beside what the standard library knows to be private: its list differs between versions and leaves these out.
NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's own service to its machines, at an address that is public elsewhere
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL in its parts.

    Attributes:
        secure: Whether it is https.
        host: Host name in lower case, or an address without brackets.
        port: Port number.
        path: What is asked for: path and query, percent-encoded.
    """

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and, unless it is the usual one, port, as the ``Host`` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def parse_url(url: str) -> Target:
    """Return the parts of an http or https URL.

    Raises:
        ValueError: It is anything but a plain one; the message says what was expected.
    """
    found = URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if found is None:
        raise ValueError("expected http(s)://host[:port]/path, without a user name, a backslash or control characters")
    secure = found["scheme"].lower() == "https"
    port = int(found["port"]) if found["port"] else 443 if secure else 80
    if not 0 < port < 65536:
        raise ValueError("expected a port from 1 to 65535")
    path = quote(found["path"] or "/", safe="/?%:@!$&'()*+,;=-._~[]|")
    path = path if path.startswith("/") else f"/{path}"
    return Target(secure=secure, host=_host(found["host"].lower()), port=port, path=path)


def _host(text: str) -> str:
    """Return the host; one that ends in a number must be an address in its usual spelling."""
    if text.startswith("["):
        return str(IPv6Address(text[1:-1]))
    last = text.rpartition(".")[2]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        return str(IPv4Address(text))
    return text


def is_public(address: Address) -> bool:
    """Say whether an address is one of the public internet, also where it stands inside an IPv6 address."""
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in NOT_PUBLIC)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one is translated to on its way."""
    return address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None)


def may_visit(host: str, address: Address, allowed: Iterable[str]) -> bool:
    """Say whether a request may make us connect to ``address``, to which ``host`` resolved.

    Args:
        host: The host as the URL names it.
        address: One of its addresses.
        allowed: Hosts, addresses and networks (CIDR) that may be visited although they are not public.
    """
    return is_listed(host, address, allowed) or is_public(address)


def is_listed(host: str, address: Address, listed: Iterable[str]) -> bool:
    """Say whether a host or its address is among hosts, addresses and networks (CIDR)."""
    real = (_inner(address) if isinstance(address, IPv6Address) else None) or address
    for entry in listed:
        network = _network(entry)
        if entry.lower() == host or (network is not None and real in network):
            return True
    return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def parse_address(text: str) -> Address:
    """Return an address as the resolver spells it, without the zone of a link-local one."""
    return ip_address(text.partition("%")[0])

"""Where facts may be sent: addresses that anybody can reach, over https, and the networks that a setting names.

A subscriber chooses an address that this server calls. So that nobody makes it call what stands behind the firewall, a name is
looked up before each delivery, every address that it has must be allowed, and the connection goes to the address that was looked at.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from infra.settings import WrongSettings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LONGEST: Final = 2000
NONE: Final = "none"
SETTING: Final = "RAPPORT_WEBHOOK_NETWORKS"


class NotAllowed(ValueError):
    """Facts may not be sent there; the message says why."""


class Target(NamedTuple):
    """An address that was looked up: what to connect to, and the name that certificates and the `Host` header have."""

    url: str
    host: str
    name: str


def networks(setting: str) -> tuple[Network, ...]:
    """The networks that a setting names, separated by commas; `none`: none.

    Raises:
        WrongSettings: One is no network.
    """
    if setting.strip().lower() == NONE:
        return ()
    try:
        return tuple(ip_network(each.strip()) for each in setting.split(","))
    except ValueError as error:
        raise WrongSettings(f"{SETTING}: {error}: expected networks such as 10.1.0.0/16, or none") from None


def check(url: str, allowed: Sequence[Network]) -> None:
    """Make sure that a URL may be one of a subscription, as far as it says so itself.

    Raises:
        NotAllowed: It is no such URL, or names an address that is not allowed.
    """
    if len(url) > LONGEST:
        raise NotAllowed(f"expected at most {LONGEST} characters")
    host, _ = _parts(url)
    if (literal := _literal(host)) is not None:
        _judge(url, [literal], allowed)


def look_up(url: str, allowed: Sequence[Network]) -> Target:
    """The address to connect to. Waits for the network: call it in a thread.

    Raises:
        NotAllowed: Facts may not be sent there.
        OSError: The name has no address now.
    """
    host, port = _parts(url)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    _judge(url, addresses, allowed)
    address = addresses[0]
    parts = urlsplit(url)
    shown = f"[{address}]" if address.version == 6 else str(address)
    return Target(parts._replace(netloc=f"{shown}:{port}").geturl(), parts.netloc, host)


def _parts(url: str) -> tuple[str, int]:
    """Host and port.

    Raises:
        NotAllowed: It is no URL that can be called.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if (
        not host
        or not url.isascii()
        or not url.isprintable()
        or " " in url
        or parts.scheme not in {"http", "https"}
        or port == 0
    ):
        raise NotAllowed("expected a URL such as https://example.org/hooks/rapport")
    if parts.username or parts.password or parts.fragment:
        raise NotAllowed("expected a URL without a user, a password and a fragment")
    return host, port or (443 if parts.scheme == "https" else 80)


def _literal(host: str) -> Address | None:
    if host == "localhost" or host.endswith(".localhost"):
        return ip_address("127.0.0.1")
    try:
        return ip_address(host)
    except ValueError:
        return None


def _judge(url: str, addresses: Sequence[Address], allowed: Sequence[Network]) -> None:
    """Make sure that all addresses of a host may be called.

    Raises:
        NotAllowed: One may not.
    """
    for address in addresses:
        mapped = getattr(address, "ipv4_mapped", None) or address
        if any(mapped in network for network in allowed):
            continue
        if not mapped.is_global or mapped.is_multicast:
            raise NotAllowed(f"expected an address on the public Internet, or in a network that {SETTING} names")
        if not url.lower().startswith("https:"):
            raise NotAllowed("expected https")

"""Where a process that sends notifications may connect to: public addresses, and networks that are allowed.

A maintainer enters the address of a receiver, and a name in it may lead anywhere: to the metadata of a cloud,
to a database, to this platform's own services. So the rule is not applied to what was entered, but to every
connection at the moment it is opened, by an audit hook (PEP 578): redirects, names that change their address,
and whatever a library connects to on its own included.
"""

import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address

_CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
_NEVER = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "syslog.syslog",
)
_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address stands in its last 32 bits (RFC 6052)."""


class RefusedError(OSError):
    """This process may not connect there."""


class Networks:
    """Public addresses, and the networks that the settings allow."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Allow these networks too; raises `ValueError` for what is none."""
        self._allowed = [ip_network(network) for network in allowed]

    def permit(self, host: str) -> bool:
        """Return whether a connection to a numeric address may be opened."""
        try:
            address = _embedded(ip_address(host.partition("%")[0]))
        except ValueError:
            return False  # a name: whoever resolves it could be told something else than we were
        public = address.is_global and not address.is_multicast
        return public or any(address in network for network in self._allowed)


def guard(networks: Networks) -> list[str]:
    """Let this process connect only to permitted addresses and start no program, from now on and for good.

    Returns the list to which the sentence about every refusal is appended.
    """
    refusals: list[str] = []

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTING:
            address = arguments[1]
            if address is None:
                return  # a message on a connection that was permitted
            host = str(address[0]) if isinstance(address, tuple) and address else ""
            if not networks.permit(host):
                refusals.append(
                    f"{host or 'A local socket'} is no public address, and NOTIFICATION_NETWORKS does not "
                    "include it: nothing was sent there."
                )
                raise RefusedError(refusals[-1])
        elif event in _NEVER:
            refusals.append("Only services that are reached over the network can be notified.")
            raise RefusedError(refusals[-1])

    sys.addaudithook(check)
    return refusals


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address

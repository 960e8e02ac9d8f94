"""Where a request comes from when proxies stand between: a trusted one is believed, nobody else."""

import ipaddress
import re
import socket
import time
from collections.abc import Iterable, Sequence

LOOKED_UP_S = 5.0
"""How long the addresses behind a host name are kept: a proxy that restarts may have another."""

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](:\d*)?|(?P<v4>[^:]*):\d*")


class TrustedProxies:
    """The proxies whose X-Forwarded-For is believed."""

    def __init__(self, named: Iterable[str]) -> None:
        """Trust addresses (`192.0.2.7`), networks (`10.1.0.0/16`) and what host names (`caddy`) lead to.

        Raises `ValueError` for what is none of them.
        """
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._hosts: list[str] = []
        for name in named:
            try:
                self._networks.append(ipaddress.ip_network(name))
            except ValueError as error:
                if not _HOST.fullmatch(name) or name.replace(".", "").isdigit():
                    raise ValueError(
                        f"{name!r} is not an address, a network such as 10.1.0.0/16, or a host name."
                    ) from error
                self._hosts.append(name)
        self._found: frozenset[str] = frozenset()
        self._until = 0.0

    def client(self, peer: str, forwarded: Sequence[str] = ()) -> str:
        """Return the address that a request comes from; it may look up host names, so call it in a thread.

        `peer` is the other end of the connection, `forwarded` the values of the X-Forwarded-For headers. Each
        proxy adds by whom it was asked, so they are read from the end, for as long as who says it is trusted.
        """
        found = _address(peer) or peer
        for part in reversed([part for value in forwarded for part in value.split(",")]):
            said = _address(part.strip())
            if said is None or not self._trusts(found):
                break
            found = said
        return found

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if any(parsed in network for network in self._networks):
            return True
        return bool(self._hosts) and address in self._addresses()

    def _addresses(self) -> frozenset[str]:
        if time.monotonic() >= self._until:
            self._found = frozenset(address for host in self._hosts for address in _look_up(host))
            self._until = time.monotonic() + LOOKED_UP_S
        return self._found


def _look_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:  # there is none at the moment
        return []
    return [address for *_, place in found if (address := _address(str(place[0])))]


def _address(text: str) -> str | None:
    """Return an address in its usual form, without a port, and an IPv4 one as such; None if it is not one."""
    if match := _WITH_PORT.fullmatch(text):
        text = match["v6"] or match["v4"] or ""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)

"""The place that a person signs in from: what the throttle counts failures by.

It is the other end of the connection, unless that is a proxy of `TRUSTED_PROXIES`, which says who asked it,
or the pages, through which everybody's browser signs in: they prove themselves by the token that only they
and the gateway have, and name the address of the browser.
"""

import ipaddress
import secrets
from collections.abc import Callable

import structlog
from pydantic import SecretStr
from starlette.requests import Request

from pipeline_api.service.proxies import TrustedProxies
from pipeline_api.service.trace_context import Headers

VISITOR_HEADER = "X-Loopkeeper-Visitor"
"""`<PAGES_TOKEN> <address>`"""
_VISITOR = VISITOR_HEADER.lower().encode()
log = structlog.get_logger(__name__)


def from_the_pages(token: SecretStr | None) -> Callable[[Headers], bool]:
    """Return what tells by its headers whether a request comes from the pages, who have this token."""
    expected = None if token is None else token.get_secret_value().encode()

    def tell(headers: Headers) -> bool:
        said = next((value for name, value in headers if name == _VISITOR), None)
        if said is None or expected is None:
            return False
        return secrets.compare_digest(said.partition(b" ")[0], expected)

    return tell


class Visitors:
    """Who is believed about the place that a request comes from."""

    def __init__(self, proxies: TrustedProxies, pages_token: str | None) -> None:
        """Believe these proxies and, if there is a token, whoever has it."""
        self._proxies = proxies
        self._token = pages_token

    def place(self, request: Request) -> str:
        """Return the address of the person behind a request; it may look up a name: call it in a thread."""
        named = self._named_by_the_pages(request.headers.get(VISITOR_HEADER))
        if named is not None:
            return named
        peer = request.client.host if request.client else ""
        return self._proxies.client(peer, request.headers.getlist("x-forwarded-for"))

    def _named_by_the_pages(self, said: str | None) -> str | None:
        if said is None:
            return None
        token, _, address = said.partition(" ")
        if self._token is None or not secrets.compare_digest(token.encode(), self._token.encode()):
            log.warning(
                "visitor_not_believed", remedy="PAGES_TOKEN must be the same in the gateway and the pages."
            )
            return None
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            return None

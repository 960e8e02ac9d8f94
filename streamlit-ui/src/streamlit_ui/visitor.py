"""Where the visitor of this page is, for the gateway: it slows down who guesses passwords, by place.

To the gateway, all visitors come from the pages. So the pages name the place, and prove with their token that
they may: what anybody else says in this header is not believed.
"""

from functools import cache

import streamlit as st

from streamlit_ui.service.proxies import TrustedProxies
from streamlit_ui.settings import settings
from streamlit_ui.telemetry import VISITOR_HEADER

_LOOPBACK = "127.0.0.1"


def headers() -> dict[str, str]:
    """Return the header that names this visitor's address; none if the pages have no token."""
    token = settings().pages_token
    return {VISITOR_HEADER: f"{token.get_secret_value()} {address()}"} if token else {}


def address() -> str:
    """Return this visitor's address: the other end of their connection, or what a trusted proxy says."""
    # Streamlit gives no address for visitors on this machine.
    peer = st.context.ip_address or _LOOPBACK
    return _trusted(settings().trusted_proxies).client(peer, st.context.headers.get_all("X-Forwarded-For"))


@cache
def _trusted(proxies: tuple[str, ...]) -> TrustedProxies:
    return TrustedProxies(proxies)

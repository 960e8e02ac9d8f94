"""Who is signed in on this page, and the gateway as they may use it."""

import time
from contextlib import suppress

import httpx
import streamlit as st

from streamlit_ui import visitor
from streamlit_ui.client import Gateway, GatewayError, connect
from streamlit_ui.contract.types import Role
from streamlit_ui.sessions import COOKIE, Session, includes, sessions
from streamlit_ui.settings import settings

_SESSION, _TICKET, _FAREWELL = "session", "session_ticket", "farewell"

_keep = st.components.v2.component(
    "loopkeeper_session",
    # Relative to the page, so that a path in front of the whole application is kept.
    js="""export default ({data}) => {
        fetch("session", {method: "POST", body: data.ticket, credentials: "same-origin"});
    }""",
)


def session() -> Session | None:
    """Return the session of this page, after a reload the one that the cookie names."""
    own = st.session_state.get(_SESSION)
    found = sessions().find(own or st.context.cookies.get(COOKIE))
    if found:
        st.session_state[_SESSION] = found.id
    elif own:
        _forget("Your session has ended. Please sign in again.")
    return found


def gateway() -> Gateway:
    """Return the gateway with the credential of whoever is signed in."""
    found = session()
    return Gateway(_connection(), found.token if found else None)


def may(role: Role) -> bool:
    """Say whether this person has a role."""
    found = session()
    return found is not None and includes(found.role, role)


def sign_in(username: str, password: str) -> None:
    """Open a session; a wrong password is a `GatewayError`."""
    token = Gateway(_connection()).sign_in(username, password, visitor.headers())
    # The gateway's names are in lower case, and it is they that feedback is signed with.
    opened = Session(
        username.lower(), token["role"], token["access_token"], time.time() + token["expires_in"]
    )
    st.session_state[_TICKET] = sessions().open(opened)
    st.session_state[_SESSION] = opened.id
    st.session_state.pop(_FAREWELL, None)


def sign_out() -> None:
    """Revoke the token and forget everything this person did here."""
    with suppress(GatewayError):
        # A gateway that is away must not keep anybody signed in.
        gateway().sign_out()
    end_session("You are signed out.")


def end_session(farewell: str) -> None:
    """Close the session and say why on the sign-in page."""
    if found := session():
        sessions().close(found.id)
    _forget(farewell)


def farewell() -> str | None:
    """Return why there is no session, if there was one."""
    return st.session_state.get(_FAREWELL)


def keep_across_reloads() -> None:
    """Let the browser trade the ticket of a fresh sign-in for a cookie."""
    if ticket := st.session_state.pop(_TICKET, None):
        _keep(data={"ticket": ticket}, key="keep_session", height=1)


def _forget(farewell: str) -> None:
    # What one person entered and saw must not greet the next.
    st.session_state.clear()
    st.session_state[_FAREWELL] = farewell


@st.cache_resource(show_spinner=False)
def _pool(url: str, timeout_s: float) -> httpx.Client:
    return connect(url, timeout_s)


def _connection() -> httpx.Client:
    return _pool(settings().gateway_url, settings().request_timeout_s)

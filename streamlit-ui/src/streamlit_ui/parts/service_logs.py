"""The newest lines that the services logged, by service and level, with a text in them."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.settings import settings
from streamlit_ui.text import plain, plural

LINES = 300
LEVELS = {
    "Everything": "debug",
    "From info": "info",
    "Warnings and errors": "warning",
    "Errors": "error",
}
_EVERY = "All services"


def show_service_logs() -> None:
    """Link to where logs are kept, or show the newest lines of those that this stage keeps itself."""
    if elsewhere := settings().logs_url:
        st.link_button("Open the logs", elsewhere, icon=":material/open_in_new:")
        st.caption("This stage sends its logs there; they are searched by service, level and trace id.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.selectbox("Least level", list(LEVELS), index=1, width=200)
        containing = st.text_input("With this text", placeholder="a trace id, or any text", key="log has")
    st.fragment(_show, run_every=settings().refresh_s)(LEVELS[level], containing.strip()[:200])


def _show(level: str, containing: str) -> None:
    with problems_in_words():
        service = st.session_state.get("log service", _EVERY)
        found = signed_in.gateway().service_logs(
            level=level,
            limit=LINES,
            service=None if service == _EVERY else service,
            containing=containing,
        )
        if not found["kept"]:
            blank(
                ":material/article:",
                "This stage keeps no log files",
                "Set LOG_DIR, or send the logs to a collector and set LOGS_URL to where they are searched.",
            )
            return
        st.selectbox("Service", [_EVERY, *found["services"]], key="log service")
        lines = [f"[{entry['service']}] {entry['text']}" for entry in found["entries"]]
        st.code("\n".join(lines) or "There are no such lines.", language=None, wrap_lines=True, height=460)
        st.caption(
            plain(
                f"The newest {plural(len(lines), 'entry', 'entries')}, in UTC; older ones are in the files."
            )
        )

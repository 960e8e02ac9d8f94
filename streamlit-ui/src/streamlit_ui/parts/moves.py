"""What a maintainer may do to a model: promote, roll back, resume; each with a reason and a confirmation."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_ui import signed_in
from streamlit_ui.contract.types import ModelDetail, VersionShort
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.parts.receipt import show_verdict
from streamlit_ui.parts.versions import newest_first
from streamlit_ui.text import plain
from streamlit_ui.times import ago

_DONE = "move_done"


def offer_moves(model: ModelDetail) -> None:
    """Show the buttons, and the outcome of the last one."""
    if done := st.session_state.pop(_DONE, None):
        st.success(plain(done), icon=":material/check_circle:")
    with st.container(horizontal=True):
        if st.button("Promote…", icon=":material/trending_up:"):
            _promote(model)
        if st.button("Roll back…", icon=":material/undo:", disabled=not model.get("version")):
            _roll_back(model)
        if model.get("state") == "paused" and st.button(
            "Resume…", icon=":material/play_circle:", type="primary"
        ):
            _resume(model)


@st.dialog("Promote a version")
def _promote(model: ModelDetail) -> None:
    with problems_in_words():
        versions = newest_first(signed_in.gateway().versions(model["name"]))
        served = model.get("version")
        choice = [version for version in versions if version["version"] != served]
        if not choice:
            st.info("There is no other version to promote.")
            return
        by_name = {version["version"]: version for version in choice}
        name = st.selectbox("Version", list(by_name), format_func=lambda name: _described(by_name[name]))
        show_verdict(by_name[name].get("receipt"))
        with _form("promotion"):
            reason = st.text_input("Reason", max_chars=500)
            override = st.checkbox(
                "Override the gate",
                help="For a version whose receipt does not say promote. The ledger records the override.",
            )
            sure = st.form_submit_button("Yes, promote", type="primary")
        if sure and _given(reason):
            signed_in.gateway().promote(
                model["name"],
                version=name,
                stage=model["stage"],
                reason=reason.strip(),
                expected_version=served,
                override=override,
            )
            _close(f"Version {name} is being promoted to {model['stage']}.")


@st.dialog("Roll back")
def _roll_back(model: ModelDetail) -> None:
    with problems_in_words():
        st.markdown(
            f"**{plain(model['stage'])}** serves version **{plain(model.get('version'))}** now. "
            "Within seconds it will serve the previous version again."
        )
        with _form("rollback"):
            reason = st.text_input("Reason", max_chars=500)
            sure = st.form_submit_button("Yes, roll back", type="primary")
        if sure and _given(reason):
            signed_in.gateway().roll_back(model["name"], model["stage"], reason.strip())
            _close(f"{model['stage']} goes back to the version before.")


@st.dialog("Resume")
def _resume(model: ModelDetail) -> None:
    with problems_in_words():
        st.markdown("Runs will start again when the score calls for one.")
        with _form("resumption"):
            reason = st.text_input("Reason", max_chars=500)
            sure = st.form_submit_button("Yes, resume", type="primary")
        if sure and _given(reason):
            signed_in.gateway().resume(model["name"], reason.strip())
            _close("Retraining is resumed.")


def _form(name: str) -> DeltaGenerator:
    """Return a form that only its button submits: Enter in the reason does not confirm anything."""
    return st.form(name, border=False, enter_to_submit=False)


def _described(version: VersionShort) -> str:
    verdict = (version.get("receipt") or {}).get("verdict")
    return f"Version {version['version']}, {ago(version.get('created_at'))}" + (
        f", gate: {verdict}" if verdict else ""
    )


def _given(reason: str) -> bool:
    if not reason.strip():
        st.error("Please give a reason: the ledger records it.")
        return False
    return True


def _close(done: str) -> None:
    st.session_state[_DONE] = done
    st.rerun()

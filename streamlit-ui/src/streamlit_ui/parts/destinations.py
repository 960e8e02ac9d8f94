"""Where notifications go: added, tested, changed and deleted here."""

import streamlit as st

from streamlit_ui import notification_words as words
from streamlit_ui import signed_in
from streamlit_ui.contract.types import Delivery, Destination, DestinationChange, DestinationRequest
from streamlit_ui.notification_words import EVENTS, KINDS, EventType
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.settings import settings
from streamlit_ui.text import plain, plural
from streamlit_ui.times import ago, when

DELIVERIES = 20
ADDRESS_HELP = (
    "Of a service, its Apprise URL, such as `slack://A/B/C`, `mailtos://user:password@example.org` or "
    "`ntfys://host/topic`; of a webhook, its https address. It is kept encrypted and never shown again."
)
SIGNING_HELP = "Of webhooks only: `whsec_` and base64. Leave it empty, and a new one is made and shown once."


def show_destinations(*, may_change: bool) -> None:
    """List the destinations with how their last delivery went."""
    if may_change and st.button("Add a destination", type="primary", icon=":material/add_alert:"):
        _add()
    found = signed_in.gateway().destinations()
    if not found:
        blank(
            ":material/notifications_off:",
            "Nobody is notified",
            "A maintainer can add a chat, a mailbox or a webhook here.",
        )
    for destination in found:
        with st.container(border=True, gap="xsmall"):
            _show(destination, may_change=may_change)


def _show(destination: Destination, *, may_change: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(destination['name'])}**", width="stretch")
        if not destination["active"]:
            st.badge("Off", color="gray", icon=":material/notifications_off:")
    everything = len(destination["events"]) == len(EVENTS)
    events = "every event" if everything else ", ".join(map(words.event, destination["events"]))
    st.caption(plain(f"{destination['shown']} · {events}"))
    st.caption(plain(f"Added by {destination['subject']} {ago(destination['created_at'])}"))
    if destination["problem"]:
        st.markdown(f":red[{plain(destination['problem'])}]")
    if destination["waiting"]:
        # Alone in what is refreshed: a dialog that a button opens would close with the next refresh.
        st.fragment(_follow, run_every=settings().refresh_s)(destination["id"])
    else:
        _show_last(destination)
    if may_change:
        _offer_changes(destination)
    with st.expander("Last deliveries", on_change="rerun", key=f"deliveries {destination['id']}") as opened:
        if opened.open:
            _show_deliveries(signed_in.gateway().deliveries(destination["id"], DELIVERIES))


def _follow(identity: str) -> None:
    with problems_in_words():
        for destination in signed_in.gateway().destinations():
            if destination["id"] == identity:
                _show_last(destination)


def _show_last(destination: Destination) -> None:
    last, waiting = destination["last"], destination["waiting"]
    if last:
        state = words.state(last["state"])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(state.label, color=state.colour, icon=state.icon)
            st.markdown(plain(f"{words.event(last['event'])}, {ago(last['attempted_at'])}"), width="stretch")
        if last["error"]:
            st.markdown(f":red[{plain(last['error'])}]")
    if waiting:
        due = f"; the next attempt is due {when(destination['next_at'])}" if destination["next_at"] else ""
        st.caption(plain(f"{plural(waiting, 'notification')} not delivered yet{due}."))


def _offer_changes(destination: Destination) -> None:
    identity, active = destination["id"], destination["active"]
    with st.container(horizontal=True):
        if st.button("Send a test", icon=":material/send:", key=f"test {identity}", disabled=not active):
            signed_in.gateway().test_destination(identity)
            st.rerun()
        if st.button("Change…", key=f"change {identity}"):
            _change(destination)
        if st.button("Switch off" if active else "Switch on", key=f"switch {identity}"):
            seen = destination["revision"]
            signed_in.gateway().change_destination(
                identity, {"active": not active, "expected_revision": seen}
            )
            st.rerun()
        if st.button("Delete…", key=f"delete {identity}"):
            _delete(destination)


def _show_deliveries(found: list[Delivery]) -> None:
    if not found:
        st.caption("Nothing was sent there yet.")
    for delivery in found:
        state = words.state(delivery["state"])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(state.label, color=state.colour, icon=state.icon)
            about = f" · {delivery['model']}" if delivery["model"] else ""
            st.markdown(plain(f"{words.event(delivery['event'])}{about}"), width="stretch")
            st.caption(plain(ago(delivery["at"])), width="content")
        st.caption(plain(delivery["message"]))
        if delivery["error"]:
            again = f" Next attempt: {when(delivery['next_at'])}." if delivery["next_at"] else ""
            tried = plural(delivery["attempts"], "attempt")
            st.caption(plain(f"{delivery['error']} {tried}.{again}"))


@st.dialog("Add a destination", on_dismiss="rerun")
def _add() -> None:
    with problems_in_words():
        questions = st.empty()
        with questions.container(), st.form("destination", border=False):
            name = st.text_input("Name", max_chars=100)
            kind = st.selectbox("Kind", list(KINDS), format_func=KINDS.__getitem__)
            address = st.text_input("Address", type="password", autocomplete="off", help=ADDRESS_HELP)
            secret = st.text_input("Secret", type="password", autocomplete="off", help=SIGNING_HELP)
            events = _ask_events(list(EVENTS))
            add = st.form_submit_button("Yes, add", type="primary")
        if not add:
            return
        if not (name.strip() and address.strip() and events):
            st.error("Please enter a name, an address and at least one event.")
            return
        asked: DestinationRequest = {
            "name": name.strip(),
            "kind": kind,
            "address": address.strip(),
            "events": events,
        }
        if secret.strip():
            asked["secret"] = secret.strip()
        made = signed_in.gateway().create_destination(asked)
        if not made["secret"] or secret.strip():
            st.rerun()
        # Nothing is left to press that would add a second one.
        questions.empty()
        st.success("This is its secret. Copy it now: it is **not shown again**.", icon=":material/key:")
        st.code(made["secret"], language=None, wrap_lines=True)


@st.dialog("Change a destination", on_dismiss="rerun")
def _change(destination: Destination) -> None:
    with problems_in_words():
        with st.form("change", border=False):
            name = st.text_input("Name", destination["name"], max_chars=100)
            kept = "Leave empty to keep it"
            address = st.text_input("Address", type="password", placeholder=kept, help=ADDRESS_HELP)
            secret = (
                st.text_input("Secret", type="password", placeholder=kept)
                if destination["kind"] == "webhook"
                else ""
            )
            events = _ask_events(list(destination["events"]))
            change = st.form_submit_button("Yes, change", type="primary")
        if not change:
            return
        if not (name.strip() and events):
            st.error("Please enter a name and at least one event.")
            return
        changes: DestinationChange = {
            "name": name.strip(),
            "events": events,
            "expected_revision": destination["revision"],
        }
        if address.strip():
            changes["address"] = address.strip()
        if secret.strip():
            changes["secret"] = secret.strip()
        signed_in.gateway().change_destination(destination["id"], changes)
        st.rerun()


@st.dialog("Delete a destination")
def _delete(destination: Destination) -> None:
    with problems_in_words():
        st.markdown(f"**{plain(destination['name'])}** is not told of anything any more.")
        if destination["waiting"]:
            lost = plural(destination["waiting"], "notification")
            st.markdown(plain(f"{lost} that it has not got yet will not be delivered."))
        if st.button("Yes, delete", type="primary"):
            signed_in.gateway().delete_destination(destination["id"])
            st.rerun()


def _ask_events(chosen: list[EventType]) -> list[EventType]:
    return st.multiselect("Events", list(EVENTS), chosen, format_func=words.event)

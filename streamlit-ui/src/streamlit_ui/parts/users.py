"""The people who may sign in."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.client import Gateway
from streamlit_ui.contract.types import Role, User
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import plain
from streamlit_ui.times import ago

ROLES: tuple[Role, ...] = ("user", "engineer", "maintainer")
ROLE_HELP = (
    "A user predicts and gives feedback. An engineer also sees everybody's predictions and starts runs. "
    "A maintainer also promotes, rolls back, and manages users, keys and devices."
)


def show_users(gateway: Gateway) -> None:
    """List the users, and create new ones."""
    if st.button("Create a user", type="primary", icon=":material/person_add:"):
        _create()
    for user in gateway.users():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall", width="stretch"):
                st.markdown(f"**{plain(user['username'])}**")
                since = f" · created {ago(user['created_at'])}" if user.get("created_at") else ""
                st.caption(plain(user["role"] + since))
            own = is_own(user)
            with st.container(horizontal=True, width="content", wrap=False):
                if st.button("Change…", key=f"change {user['username']}"):
                    _change(user)
                why = "This is you." if own else None
                if st.button("Delete…", key=f"delete {user['username']}", disabled=own, help=why):
                    _delete(user)


def is_own(user: User) -> bool:
    """Say whether a user is the person on this page."""
    session = signed_in.session()
    return session is not None and user["username"] == session.username


@st.dialog("Create a user")
def _create() -> None:
    with problems_in_words():
        with st.form("user", border=False):
            username = st.text_input("Name of the user", autocomplete="off")
            password = st.text_input("Their password", type="password", autocomplete="new-password")
            role = st.selectbox("Role", ROLES, help=ROLE_HELP)
            create = st.form_submit_button("Yes, create", type="primary")
        if create:
            if not username.strip() or not password:
                st.error("Please enter a name and a password.")
                return
            signed_in.gateway().create_user(username.strip(), password, role)
            st.rerun()


@st.dialog("Change a user")
def _change(user: User) -> None:
    with problems_in_words():
        st.markdown(f"**{plain(user['username'])}**")
        with st.form("change", border=False):
            role = st.selectbox("Role", ROLES, index=ROLES.index(user["role"]), help=ROLE_HELP)
            password = st.text_input(
                "New password",
                type="password",
                placeholder="Leave empty to keep it",
                autocomplete="new-password",
            )
            # Whoever sits down at an open page must not take the account over.
            current = st.text_input("Your current password", type="password") if is_own(user) else ""
            change = st.form_submit_button("Yes, change", type="primary")
        if change:
            changes: dict[str, str] = {"role": role} if role != user["role"] else {}
            if password:
                changes["password"] = password
                changes |= {"current_password": current} if current else {}
            if changes:
                signed_in.gateway().change_user(user["username"], **changes)
            st.rerun()


@st.dialog("Delete a user")
def _delete(user: User) -> None:
    with problems_in_words():
        st.markdown(f"**{plain(user['username'])}** is signed out everywhere and can no longer sign in.")
        if st.button("Yes, delete", type="primary"):
            signed_in.gateway().delete_user(user["username"])
            st.rerun()

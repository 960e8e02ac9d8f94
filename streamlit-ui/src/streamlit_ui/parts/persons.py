"""Persons: who is known to a model, by which pictures, and what is kept about each."""

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import FacePicture, ModelDetail, Person
from streamlit_ui.parts.blank import blank
from streamlit_ui.parts.face_answer import show_details, show_image
from streamlit_ui.parts.person_form import MOST_MB, MOST_PICTURES, PICTURES, ask_person, store
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import plain, plural

AT_ONCE = 10
"""Persons on one page: each is shown with some pictures."""
_FACES, _FACE_PX = 6, 88
_SHOWN = "faces shown"


def show_persons(model: ModelDetail) -> None:
    """List the persons by name, with what can be done about each."""
    persons = signed_in.gateway().persons(model["name"])
    if st.button("Enrol somebody…", icon=":material/person_add:"):
        _enrol(model["name"])
    if not persons:
        blank(
            ":material/person_off:",
            "Nobody is enrolled",
            "Whoever is not recognised can be registered under Recognise; devices enrol over MQTT.",
        )
        return
    wanted = st.text_input("Find", placeholder="Part of a name", key="find person").strip().casefold()
    found = [one for one in persons if wanted in one["label"].casefold()]
    pictures = sum(picture["kind"] == "enrolled" for one in found for picture in one["pictures"])
    st.caption(f"{plural(len(found), 'person')}, {plural(pictures, 'picture')}")
    pages = max(1, -(-len(found) // AT_ONCE))
    number = st.pagination(pages, key=f"page of persons {pages}") if pages > 1 else 1
    shown = found[(number - 1) * AT_ONCE : number * AT_ONCE]
    faces = _faces(model["name"], shown)
    for person in shown:
        with st.container(border=True), problems_in_words():
            _show(model["name"], person, persons, faces)


def _faces(model: str, shown: list[Person]) -> dict[str, bytes]:
    """Return the faces that are shown, each asked for once; no other is kept: people are forgotten."""
    kept: dict[str, bytes] = st.session_state.get(_SHOWN, {})
    st.session_state[_SHOWN] = {
        picture["id"]: kept.get(picture["id"]) or signed_in.gateway().face(model, person["id"], picture["id"])
        for person in shown
        for picture in _shown(person)
    }
    found: dict[str, bytes] = st.session_state[_SHOWN]
    return found


def _shown(person: Person) -> list[FacePicture]:
    """Return the pictures of a person that are shown: the first ones, or all once somebody asked."""
    return person["pictures"][: None if st.session_state.get(_all_of(person)) else _FACES]


def _all_of(person: Person) -> str:
    return f"all pictures of {person['id']}"


def _show(model: str, person: Person, persons: list[Person], faces: dict[str, bytes]) -> None:
    st.markdown(f"**{plain(person['label'])}**")
    show_details(person)
    if pictures := person["pictures"]:
        with st.container(horizontal=True):
            for picture in _shown(person):
                _show_face(model, person, picture, faces[picture["id"]])
        if len(pictures) > len(_shown(person)):
            st.button(
                f"Show all {len(pictures)}",
                key=f"show all of {person['id']}",
                on_click=st.session_state.update,
                args=({_all_of(person): True},),
            )
    else:
        st.caption("No picture yet, so the person is not recognised.")
    with st.container(horizontal=True):
        if st.button("Add pictures…", key=f"add {person['id']}", icon=":material/add_a_photo:"):
            _add_pictures(model, person)
        if st.button("Change…", key=f"change {person['id']}", icon=":material/edit:"):
            _change(model, person, persons)
        if st.button("Forget…", key=f"forget {person['id']}", icon=":material/delete_forever:"):
            _forget(model, person)


def _show_face(model: str, person: Person, picture: FacePicture, face: bytes) -> None:
    label, impostor = plain(person["label"]), picture["kind"] == "impostor"
    with st.container(width=_FACE_PX, gap="xxsmall"):
        show_image(face, _FACE_PX, f"Not {person['label']}" if impostor else person["label"])
        if st.button("Remove…", key=f"remove {picture['id']}", type="tertiary"):
            _remove(model, person, picture)
        if impostor:
            st.caption(f"not {label}")


@st.dialog("Enrol somebody")
def _enrol(model: str) -> None:
    with problems_in_words():
        with st.form("enrol", border=False):
            files = _ask_pictures()
            entered = ask_person("of somebody new")
            sent = st.form_submit_button("Yes, enrol", type="primary")
        if sent and (fields := entered.read()):
            signed_in.gateway().enrol(model, fields.request(store(files)))
            st.rerun()


@st.dialog("Add pictures")
def _add_pictures(model: str, person: Person) -> None:
    with problems_in_words():
        st.markdown(f"**{plain(person['label'])}** is known by them from the next picture on.")
        files = _ask_pictures()
        if st.button("Yes, add", type="primary", disabled=not files):
            for image in store(files):
                signed_in.gateway().add_picture(model, person["id"], image)
            st.rerun()


def _ask_pictures() -> list[st.runtime.uploaded_file_manager.UploadedFile]:
    found = st.file_uploader(
        f"Pictures with one face each, at most {MOST_PICTURES}",
        PICTURES,
        accept_multiple_files=True,
        max_upload_size=MOST_MB,
        key="pictures to enrol",
    )
    return found[:MOST_PICTURES]


@st.dialog("Change a person")
def _change(model: str, person: Person, persons: list[Person]) -> None:
    others = {one["id"]: one["label"] for one in persons if one["id"] != person["id"]}
    with problems_in_words():
        with st.form("change", border=False):
            entered = ask_person(person["id"], person)
            merged = st.selectbox(
                "The same person as",
                list(others),
                index=None,
                format_func=others.__getitem__,
                placeholder="Nobody else here",
                help="The other's pictures go to this person, and the other entry is gone.",
            )
            sent = st.form_submit_button("Yes, change", type="primary")
        if sent and (fields := entered.read()):
            changes = fields.changes(person)
            if merged:
                changes["merge"] = merged
            if changes:
                signed_in.gateway().change_person(model, person["id"], changes)
            st.rerun()


@st.dialog("Forget a person")
def _forget(model: str, person: Person) -> None:
    with problems_in_words():
        st.markdown(
            f"**{plain(person['label'])}** is no longer recognised, from now on. The pictures, what is kept "
            "about the person, and what predictions and datasets have of them are deleted for good."
        )
        if st.button("Yes, forget", type="primary"):
            signed_in.gateway().forget_person(model, person["id"])
            st.rerun()


@st.dialog("Remove a picture")
def _remove(model: str, person: Person, picture: FacePicture) -> None:
    with problems_in_words():
        label = plain(person["label"])
        st.markdown(
            f"It is forgotten that this is somebody else than **{label}**."
            if picture["kind"] == "impostor"
            else f"**{label}** is no longer known by this picture."
        )
        if st.button("Yes, remove it", type="primary"):
            signed_in.gateway().take_out_picture(model, person["id"], picture["id"])
            st.rerun()

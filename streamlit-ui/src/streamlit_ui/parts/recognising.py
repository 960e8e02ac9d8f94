"""Recognising: a picture from a camera or a file, who it is, and a form for whoever is not known yet."""

import uuid
from typing import TypedDict

import streamlit as st

from streamlit_ui import signed_in
from streamlit_ui.contract.types import ModelDetail
from streamlit_ui.parts import models
from streamlit_ui.parts.answer import AnsweredInput
from streamlit_ui.parts.asking import ask_version
from streamlit_ui.parts.face_answer import FACE_PX, show_face_answer, show_image, show_kept
from streamlit_ui.parts.feedback import ask_feedback
from streamlit_ui.parts.person_form import MOST_MB, PICTURES, ask_person
from streamlit_ui.parts.problems import problems_in_words
from streamlit_ui.text import plain
from streamlit_ui.thumbnails import thumbnail

FILE, CAMERA = "File", "Camera"
_SOURCE, _LAST_SOURCE = "picture source", "last picture source"
NEW, KNOWN = "A new person", "Somebody known"


class _Asked(TypedDict):
    """What was asked last, and what became of it."""

    about: tuple[str, str | None]
    """The file and the version."""
    image: str
    shown: bytes | None
    answer: AnsweredInput
    told: str | None
    """Who was enrolled with the picture."""


def show_recognising(model: ModelDetail) -> None:
    """Ask for a picture, and show who is in it."""
    if not model["version"] and not model["versions"]:
        models.not_ready(model)
        return
    version = ask_version(model)
    # What is chosen in a tab is gone once another one is opened: this is chosen for more than one picture.
    st.session_state.setdefault(_SOURCE, st.session_state.get(_LAST_SOURCE, FILE))
    source = st.segmented_control("Picture from", [FILE, CAMERA], required=True, key=_SOURCE)
    st.session_state[_LAST_SOURCE] = source
    if source == CAMERA:
        taken = st.camera_input(
            "Look into the camera",
            key="camera",
            help="Browsers give the camera only to pages of this machine and to those over HTTPS.",
        )
    else:
        taken = st.file_uploader(
            "A picture with a face", PICTURES, key="picture file", max_upload_size=MOST_MB
        )
    kept = f"face asked of {model['name']}"
    if taken is None:
        st.session_state.pop(kept, None)
        st.caption("The face should be seen from the front and well lit; a smile does no harm.")
        return
    content, about = taken.getvalue(), (taken.file_id, version)
    asked: _Asked | None = st.session_state.get(kept)
    if asked is None or asked["about"] != about:
        st.session_state.pop(kept, None)
        # A picture that is refused is shown to nobody: the sentence says what is wrong with it.
        asked = st.session_state[kept] = _recognise(model, content, about)
    with st.container(border=True), st.grid(2, min_column_width=FACE_PX):
        show_image(asked["shown"])
        with st.container():
            show_face_answer(asked["answer"])
            if (person := asked["answer"].get("person")) and signed_in.may("engineer"):
                with problems_in_words():
                    show_kept(model["name"], person)
    if asked["told"]:
        _say_told(asked["told"], kept)
    elif asked["answer"].get("label") is None:
        with problems_in_words():
            _offer_enrolment(model, asked)
    ask_feedback(model, asked["answer"])


def _recognise(model: ModelDetail, content: bytes, about: tuple[str, str | None]) -> _Asked:
    gateway = signed_in.gateway()
    with st.spinner("Looking for the face …"):
        image = gateway.store_picture(content)
        inputs = {"image": image}
        given = gateway.predict(model["name"], [inputs], uuid.uuid4().hex, about[1])
    answer: AnsweredInput = {
        **given["predictions"][0],
        "version": given["version"],
        "inputs": inputs,
        "feedback": [],
    }
    return {
        "about": about,
        "image": image,
        "shown": thumbnail(content),
        "answer": answer,
        "told": None,
    }


def _say_told(name: str, kept: str) -> None:
    """Say who is known now, and let the same picture prove it."""
    st.success(f"**{plain(name)}** is known from the next picture on.", icon=":material/how_to_reg:")
    st.button(
        "Try it with this picture",
        icon=":material/refresh:",
        on_click=st.session_state.pop,
        args=(kept, None),
    )


def _offer_enrolment(model: ModelDetail, asked: _Asked) -> None:
    """Offer to register whoever is not recognised; for engineers also as a picture of somebody known."""
    known = {}
    if signed_in.may("engineer"):
        known = {one["id"]: one["label"] for one in signed_in.gateway().persons(model["name"])}
    who = NEW
    if known:
        who = st.segmented_control("This is", [NEW, KNOWN], default=NEW, required=True, key="who it is")
    told = _add(model["name"], known, asked) if who == KNOWN else _register(model["name"], asked)
    if told:
        asked["told"] = told
        st.rerun()


def _register(model: str, asked: _Asked) -> str | None:
    with st.form("register"):
        st.markdown("**Register this person**")
        entered = ask_person(asked["answer"]["id"])
        sent = st.form_submit_button("Register", type="primary", icon=":material/person_add:")
    if not sent or not (fields := entered.read()):
        return None
    return signed_in.gateway().enrol(model, fields.request([asked["image"]]))["label"]


def _add(model: str, known: dict[str, str], asked: _Asked) -> str | None:
    with st.form("add to"):
        person = st.selectbox(
            "Add to", list(known), index=None, format_func=known.__getitem__, placeholder="Choose a person"
        )
        st.caption("The person is known by this picture, too. It should have been recognised? Say so below.")
        sent = st.form_submit_button("Add the picture", type="primary", icon=":material/add_a_photo:")
    if not sent:
        return None
    if person is None:
        st.error("Please choose a person.", icon=":material/edit_note:")
        return None
    signed_in.gateway().add_picture(model, person, asked["image"])
    return known[person]

"""Whose face it is: the answer about a picture, the picture itself, and what is kept about the person."""

import streamlit as st

from streamlit_ui import signed_in, words
from streamlit_ui.client import GatewayError, SignedOut
from streamlit_ui.contract.types import Answer, Person
from streamlit_ui.person_fields import day
from streamlit_ui.text import plain, plural
from streamlit_ui.thumbnails import thumbnail

FACE_PX = 220


def show_face_answer(prediction: Answer) -> None:
    """Show whose face it is, or that nobody was recognised, and how near a call it was.

    There is no distance if nobody is enrolled, or if all who are were said not to be this face.
    """
    with st.container(gap="xsmall"):
        known = prediction.get("label") is not None
        st.caption("This is" if known else "Who is this?")
        st.markdown(f"# {plain(words.answer(prediction))}")
        if prediction.get("distance") is None:
            st.markdown("Nobody who is enrolled comes into question.")
        else:
            near = words.nearness(prediction)
            st.markdown(plain(near[:1].upper() + near[1:]))
        if (faces := prediction.get("faces") or 1) > 1:
            st.caption(f"There are {plural(faces, 'face')} in the picture; the largest one was taken.")


def show_kept(model: str, person: str) -> None:
    """Show what is kept about a person; nothing if the person was forgotten meanwhile."""
    try:
        show_details(signed_in.gateway().person(model, person))
    except SignedOut:
        raise
    except GatewayError as error:
        if error.transient:
            raise
        st.caption("This person is no longer known.")


def show_details(person: Person) -> None:
    """Show the contact, the free details and the dates that are kept about a person."""
    with st.container(gap="xxsmall"):
        if contact := person["contact"]:
            st.markdown(f":material/mail: {plain(contact)}")
        for name, value in person["details"].items():
            st.markdown(f"{plain(name)}: **{plain(value)}**")
        agreed, until = day(person["consent_at"]), day(person["keep_until"])
        consent = f"agreed on {agreed} to be recognised" if agreed else "no consent is noted"
        st.caption(plain(f"{consent} · known until {until}" if until else consent))


def show_image(shown: bytes | None, px: int = FACE_PX, alt: str = "The picture that was asked about") -> None:
    """Show a small picture, or that there is none to show, in a place of a given width."""
    if shown is None:
        st.caption("The picture cannot be shown.")
        return
    with st.container(width=px):
        st.image(shown, width="stretch", alt=alt)


def show_picture(image: str) -> None:
    """Show a stored picture, or say that it has expired; only engineers may read it."""
    try:
        show_image(thumbnail(signed_in.gateway().picture(image)))
    except SignedOut:
        raise
    except GatewayError as error:
        if error.transient:
            raise
        st.caption("The picture has expired.")

"""The menu: the pages of this person's role by section."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import Page

from streamlit_ui.parts import models


def show_menu(sections: Mapping[str, Sequence[Page]], about_a_model: Callable[[Page], bool]) -> None:
    """Show the links to the pages; those to pages about a model name the chosen one."""
    model = models.named()
    for section, pages in sections.items():
        with st.container(gap="xsmall"):
            st.caption(f"**{section}**")
            for page in pages:
                if page.visibility == "visible":
                    named = {models.PARAMETER: model} if model and about_a_model(page) else None
                    st.page_link(page, query_params=named)

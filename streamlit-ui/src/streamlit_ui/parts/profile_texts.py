"""The texts of a profile, by class: lengths, parts of speech, words and sequences of words, word clouds."""

import streamlit as st

from streamlit_ui.contract.types import Profile, TextGroup
from streamlit_ui.exploration import text_charts
from streamlit_ui.text import number, plain, plural

_ABREAST = 2
_LENGTHS = {"Words": 0, "Pairs": 1, "Triples": 2}


def show_texts(profile: Profile) -> None:
    """Show the columns of texts, one at a time."""
    texts = profile["texts"]
    text = texts[0]
    if len(texts) > 1:
        columns = [found["column"] for found in texts]
        text = texts[columns.index(st.selectbox("Column of texts", columns, key="profile text column"))]
    st.caption(plain(f"{plural(text['texts'], 'text')} in {text['column']}."))
    for note in text["notes"]:
        st.caption(plain(note))
    classes = profile["classes"]
    # The classes beside each other say more than all texts together, if there are classes.
    groups = [group for group in text["groups"] if group["label"] is not None] or text["groups"]
    if (chart := text_charts.lengths(text, groups, classes)) is not None:
        st.markdown("**Length of the texts**")
        st.altair_chart(chart, alt="The length of the texts of each class", key="lengths")
        st.caption(plain(" ".join(_lengths(group) for group in groups)))
    if (parts := text_charts.parts_of_speech(groups, classes)) is not None:
        st.markdown("**Parts of speech**")
        st.altair_chart(parts, alt="The parts of speech in each class", key="parts of speech")
    st.markdown("**Most frequent words**")
    chosen = st.segmented_control(
        "Words or sequences", list(_LENGTHS), default="Words", required=True, key="profile sequences"
    )
    _abreast(groups, classes, _LENGTHS[str(chosen or "Words")])
    st.markdown("**Word clouds**")
    for group in groups:
        if group["cloud"]:
            name, colour = text_charts.name_of(group), text_charts.colour_of(group, classes)
            st.caption(plain(name))
            cloud = text_charts.cloud(group["cloud"], colour)
            st.altair_chart(
                cloud, theme=None, width="content", alt=f"Word cloud of {name}", key=f"cloud {name}"
            )


def _abreast(groups: list[TextGroup], classes: list[str], which: int) -> None:
    for start in range(0, len(groups), _ABREAST):
        row = groups[start : start + _ABREAST]
        for place, group in zip(st.columns(len(row)), row, strict=True):
            with place:
                name = text_charts.name_of(group)
                st.caption(plain(name))
                if found := group["phrases"][which]:
                    colour = text_charts.colour_of(group, classes)
                    chart = text_charts.phrases(found, group["texts"], colour)
                    st.altair_chart(
                        chart, alt=f"The most frequent words of {name}", key=f"phrases {which} {name}"
                    )
                else:
                    st.caption("There are none.")


def _lengths(group: TextGroup) -> str:
    name, mean, median = text_charts.name_of(group), group["mean_words"], group["median_words"]
    return f"{name}: {number(mean, 1)} words on average; half of the texts have at most {number(median, 1)}."

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from canned_training import PREPARATION, parameter
from streamlit_ui import declarations


def declared(kind: str, default: Any, **more: Any) -> Any:
    return parameter("max_leaf_nodes", kind, default, **more)


@pytest.mark.parametrize(
    ("declaration", "step"),
    [
        (declared("integer", 31, low=2, high=1000), 1),
        (declared("number", 0.5, low=0, high=1), 0.1),
        (declared("number", 0.1, low=0.001, high=1, log=True), 0.1),
        (declared("number", 0.0, low=0, high=10, log=True), 1.0),
        (declared("number", 3.0), 0.1),
    ],
)
def test_a_click_changes_a_number_by_what_suits_it(declaration: Any, step: float) -> None:
    assert declarations.step(declaration) == pytest.approx(step)


@given(low=st.floats(-1e9, 1e9), width=st.floats(0, 1e9), log=st.booleans())
@example(low=5e-324, width=0.0, log=True)
@example(low=0.0, width=5e-322, log=False)
def test_any_declared_number_has_a_step(low: float, width: float, log: bool) -> None:
    found = declared("number", low, low=low, high=low + width, log=log)
    assert declarations.step(found) > 0


def test_help_names_the_range() -> None:
    found = declared("integer", 31, low=2, high=1000, nullable=True)
    assert declarations.help_text(found) == "More of it does more. From 2 to 1\u202f000. May be left empty."


def test_a_choice_that_may_be_none_offers_it_first() -> None:
    assert declarations.options(declared("choice", None, choices=["a"], nullable=True)) == [None, "a"]
    assert declarations.options(declared("choice", "a", choices=["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        ("own-category", "Own category"),
        (True, "Yes"),
        (0.5, "0.5"),
        ([1, 2], "1 to 2"),
        ("1-3", "1 to 3"),
    ],
)
def test_a_choice_is_shown_in_words(value: Any, words: str) -> None:
    assert declarations.shown(value) == words


def test_only_what_differs_from_the_default_is_kept() -> None:
    entered = {"numeric_missing": "mean", "scaling": "standard", "unknown": 1}
    found: Any = PREPARATION
    assert declarations.different(found, entered) == {"numeric_missing": "mean"}

from typing import Any

import pytest

from streamlit_ui import words
from streamlit_ui.contract.types import Answer


@pytest.mark.parametrize("name", ["collecting", "healthy", "degraded", "retraining", "watching", "paused"])
def test_each_state_has_its_own_meaning(name: str) -> None:
    word = words.state(name)
    assert word.label == name.capitalize()
    assert word.meaning.endswith(".")


def test_a_word_that_is_new_is_still_shown() -> None:
    assert words.state("on_holiday").label == "On holiday"
    assert words.status(None).label == "Unknown"
    assert words.trigger("full-moon") == "Full moon"
    assert words.metric("mcc") == "Mcc"


@pytest.mark.parametrize(
    ("flag", "phrase"),
    [
        ("education-num: missing", "Education num: left empty"),
        ("age: out of range (95; training saw 17 to 90)", "Age: out of range (95; training saw 17 to 90)"),
        ("workclass: unseen category 'a: b'", "Workclass: unseen category 'a: b'"),
        ("odd", "Odd"),
    ],
)
def test_a_flag_becomes_a_phrase(flag: str, phrase: str) -> None:
    assert words.flag(flag) == phrase


def test_columns_that_are_no_inputs_are_told_from_what_is_unusual() -> None:
    flags = ["age: missing", "id: no input of the model, ignored", "a: b: no input of the model, ignored"]
    assert words.oddities(flags) == ["age: missing"]
    assert words.ignored(flags) == ["id", "a: b"]


@pytest.mark.parametrize(
    ("given", "phrase"),
    [
        ({"correct": True}, "Right"),
        ({"correct": True, "label": "a"}, "Right"),
        ({"correct": False}, "Wrong"),
        ({"correct": False, "label": "a"}, "Wrong, it is a"),
        ({"correct": False, "label": None, "value": 2.5}, "Wrong, it is 2.5"),
        ({"correct": False, "value": 0.0}, "Wrong, it is 0"),
    ],
)
def test_feedback_becomes_a_phrase(given: Any, phrase: str) -> None:
    assert words.feedback(given) == phrase


def test_an_answer_is_a_label_or_a_number() -> None:
    assert words.answer({"label": "<=50K", "value": 3}) == "<=50K"
    assert words.answer({"value": 1234.5}) == "1\u202f234.5"
    assert words.answer({"label": None}) == "–"


def test_certainty_is_that_of_the_answered_class() -> None:
    answer: Answer = {"id": "x", "flags": [], "ask": False}
    assert words.certainty({**answer, "label": "b", "probabilities": {"a": 0.1, "b": 0.9}}) == "90 %"
    assert words.certainty({**answer, "value": 3}) == ""

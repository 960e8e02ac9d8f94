import time

import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.tasks.texts.explanation import MOST_PARTS, explain_text

WEIGHTS = {"idiot": 0.4, "stupid": 0.2, "thank": -0.1}


def ask(texts: list[str]) -> NDArray[np.float64]:
    """Answer like a model whose Shapley values are known: each word counts for itself."""
    return np.array([0.3 + sum(WEIGHTS.get(word, 0.0) for word in text.split()) for text in texts])


@pytest.mark.parametrize(
    "text", ["you stupid idiot", "thank you, you  stupid\n\tidiot who never\nreads a book"]
)
def test_every_word_gets_what_it_contributed_and_its_place(text: str) -> None:
    found = explain_text(ask, text)

    assert found.baseline == pytest.approx(0.3)
    assert found.value == pytest.approx(ask([text])[0])
    assert found.baseline + sum(part.contribution for part in found.parts) == pytest.approx(found.value)
    for part in found.parts:
        assert text[part.start : part.end] == part.text
        assert part.contribution == pytest.approx(WEIGHTS.get(part.text, 0.0), abs=1e-9)


def test_a_blank_text_has_nothing_to_take_apart() -> None:
    found = explain_text(ask, " \n ")

    assert (found.parts, found.value) == ((), found.baseline)


def test_a_slow_version_and_a_long_text_are_explained_in_time_by_groups_of_words() -> None:
    asked = []

    def slow(texts: list[str]) -> NDArray[np.float64]:
        asked.append(len(texts))
        time.sleep(0.001 * len(texts))
        return ask(texts)

    text = "a stupid idiot " * 500
    found = explain_text(slow, text)

    assert 0.001 * sum(asked) < 0.2  # what people are promised; a busy machine makes it longer, and asks less
    assert 1 < len(found.parts) <= MOST_PARTS
    assert "groups of the 1500 words" in found.method
    assert found.baseline + sum(part.contribution for part in found.parts) == pytest.approx(found.value)


def test_the_same_text_is_explained_alike() -> None:
    text = "thank you for being such an idiot about the stupid thing"

    assert explain_text(ask, text).parts == explain_text(ask, text).parts

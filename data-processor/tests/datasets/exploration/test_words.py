from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.datasets.exploration.clouds import HEIGHT, WIDTH, cloud
from data_processor.datasets.exploration.words import (
    LONGEST_WORD,
    are_english,
    clauses,
    count,
    parts_of_speech,
)


def test_a_text_is_taken_apart_at_the_ends_of_its_clauses() -> None:
    assert clauses("Don\u2019t go, he's HERE! (Really: 3 times.)") == [
        ["don't", "go"], ["he's", "here"], ["really"], ["3", "times"],
    ]  # fmt: skip


def test_a_number_stays_one_word() -> None:
    assert clauses("It cost 10,000.50, not 10.") == [["it", "cost", "10,000.50"], ["not", "10"]]


def test_what_is_too_long_for_a_word_is_none() -> None:
    assert clauses("see " + "x" * (LONGEST_WORD + 1)) == [["see"]]


def test_sequences_neither_cross_clauses_nor_end_in_stop_words() -> None:
    texts = [clauses("A waste of time. Time and money"), clauses("what a waste of time"), clauses("time")]
    often, in_texts = count(texts, 3)
    assert often == {"waste of time": 2, "time and money": 1}
    assert in_texts["waste of time"] == 2
    words, in_texts = count(texts, 1)
    assert words == {"time": 4, "waste": 2, "money": 1}
    assert in_texts["time"] == 3


def test_contractions_are_stop_words_too() -> None:
    assert count([clauses("It's what they don't know, I'm Trump's")], 1)[0] == {"know": 1, "trump's": 1}


def test_parts_of_speech_are_shares_of_the_words() -> None:
    found = parts_of_speech(["The old man slowly walked to the house.", "She sings!"])
    assert sum(found.values()) == pytest.approx(1)
    assert {"noun", "verb", "adjective", "adverb", "determiner", "pronoun"} <= set(found)
    assert max(found, key=lambda name: found[name]) in ("noun", "determiner", "verb")


def test_english_is_told_from_another_language() -> None:
    assert are_english([clauses("it is past time to move on and to focus on what is ahead of us")])
    assert not are_english([clauses("Der Hund läuft über die Straße und sieht den Mann nicht")])


@given(st.text(max_size=300))
def test_any_text_is_taken_apart_and_tagged(text: str) -> None:
    found = clauses(text)
    assert all(0 < len(word) <= LONGEST_WORD for part in found for word in part)
    assert count([found], 2)[0].total() <= sum(map(len, found))
    assert all(0 < share <= 1 for share in parts_of_speech([text]).values())


@given(
    st.dictionaries(st.text("abcdefg", min_size=1, max_size=LONGEST_WORD), st.integers(1, 500), max_size=80)
)
def test_the_words_of_a_cloud_stand_apart_on_its_ground(words: dict[str, int]) -> None:
    found = cloud(words)
    boxes = [(word.x, word.y - 0.78 * word.size, word.width, word.size) for word in found]
    for x, y, width, height in boxes:
        assert x >= 0
        assert y > -0.1
        assert x + width <= WIDTH + 0.1
        assert y + height <= HEIGHT + 0.1
    for (x, y, width, height), (x2, y2, width2, height2) in combinations(boxes, 2):
        apart = x + width <= x2 + 0.1 or x2 + width2 <= x + 0.1
        assert apart or y + height <= y2 + 0.1 or y2 + height2 <= y + 0.1


def test_frequent_words_are_larger_and_nearer_to_the_middle() -> None:
    words = {f"word{n}": 200 // (n + 1) for n in range(40)}
    found = cloud(words)
    assert [word.word for word in found] == list(words)
    assert found[0].size > found[1].size > found[-1].size
    assert abs(found[0].x + found[0].width / 2 - WIDTH / 2) < 5


def test_no_words_make_no_cloud() -> None:
    assert cloud({}) == []


def test_one_long_word_fits() -> None:
    assert [word.word for word in cloud({"w" * LONGEST_WORD: 3})] == ["w" * LONGEST_WORD]

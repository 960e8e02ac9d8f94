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
    assert count([clauses("It's what they don't know")], 1)[0] == {"know": 1}


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


def test_a_word_cloud_gives_frequent_words_more_room_and_keeps_them_on_the_ground() -> None:
    words = {f"word{n}": 200 // (n + 1) for n in range(40)}
    found = cloud(words)
    assert found[0].word == "word0"
    assert found[0].size > found[-1].size
    assert all(word.x >= 0 and word.x + word.width <= WIDTH + 2 for word in found)
    assert all(0 < word.y <= HEIGHT + 2 for word in found)
    assert cloud(words) == found


def test_no_words_make_no_cloud() -> None:
    assert cloud({}) == []


def test_one_long_word_fits() -> None:
    assert [word.word for word in cloud({"w" * LONGEST_WORD: 3})] == ["w" * LONGEST_WORD]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.tasks.candidates import Vectorizer
from data_processor.tasks.texts.declared import VECTORIZERS
from data_processor.tasks.texts.families import complete
from data_processor.tasks.texts.letters import PlainLower
from data_processor.tasks.texts.vectorizers import ANY_WORDS, PLAIN_WORDS, make_vectorizer, words_of

TEXTS = ["The cats were sleeping", "A CAT sleeps; cats sleep", "the dog barked at the cats"]


def terms(name: str, **params: object) -> set[str]:
    chosen = complete(Vectorizer(name=name, params={"min_df": 1, "ngrams": "1-1", **params}))
    return set(make_vectorizer(chosen, PLAIN_WORDS).fit(TEXTS).get_feature_names_out())


@pytest.mark.parametrize("name", [one.name for one in VECTORIZERS])
def test_every_declared_vectorizer_can_be_made_with_its_defaults(name: str) -> None:
    vectorizer = make_vectorizer(complete(Vectorizer(name=name)), PLAIN_WORDS)

    assert vectorizer.fit_transform(TEXTS).shape[0] == len(TEXTS)


def test_lemmas_join_the_forms_of_a_word() -> None:
    assert {"cat", "sleep", "be", "bark"} <= terms("tf-idf", lemmas="en")
    assert not {"cats", "sleeping", "were"} & terms("tf-idf", lemmas="en")


@pytest.mark.parametrize("lemmas", ["none", "en"])
def test_stop_words_are_left_out_before_their_lemmas_are_looked_up(lemmas: str) -> None:
    found = terms("bag-of-words", lemmas=lemmas, stop_words="english")

    assert not {"the", "were", "be", "at", "a"} & found
    assert "dog" in found


def test_what_is_set_decides_which_terms_there_are() -> None:
    assert "CAT" in terms("tf-idf", lowercase=False)
    assert "cats were" in terms("tf-idf", ngrams="2-2")
    assert terms("tf-idf", min_df=3) == {"cats"}
    assert "cats" not in terms("tf-idf", max_df=0.9)
    assert {" cat", "cats", "cats "} <= terms("character-tf-idf", ngrams="3-5")


def test_texts_of_another_script_keep_their_words() -> None:
    russian = ["Привет мир", "мир и дружба"]
    words = words_of(russian)

    assert words == ANY_WORDS
    found = make_vectorizer(complete(Vectorizer(name="tf-idf", params={"min_df": 1})), words).fit(russian)
    assert {"привет", "мир", "дружба"} <= set(found.get_feature_names_out())


def test_curly_quotes_and_rare_accents_do_not_make_a_text_foreign() -> None:
    assert words_of(["it\N{RIGHT SINGLE QUOTATION MARK}s \N{GRINNING FACE}"] * 99 + ["naïve"]) == PLAIN_WORDS


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_plain_letters_are_made_small_as_python_does(text: str) -> None:
    assert PlainLower()(text) == text.lower()


@given(st.text())
def test_no_other_letter_is_changed(text: str) -> None:
    changed = [(old, new) for old, new in zip(text, PlainLower()(text), strict=True) if old != new]

    assert all(old.isascii() and old.lower() == new for old, new in changed)

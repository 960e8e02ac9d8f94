import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables.words import LARGEST, MOST_TERMS, ReducedTerms, has_words, make_words
from many_values import only, sales, split_of, without

DRAW = np.random.default_rng(8)


@pytest.mark.parametrize("estimator", ["logistic-regression", "hist-gradient-boosting"])
def test_what_people_wrote_helps(estimator: str) -> None:
    split, schema = split_of(sales(3, target="dear"), "dear")
    right = []
    for some in (without(schema, "noise", "remark"), without(schema, "noise")):
        pipeline = fit(Candidate(estimator=estimator, params={}), only(split.allowed, some), some, 1)
        said = answer(pipeline, only(split.holdout, some).frame).argmax(axis=1)
        right.append((np.array(schema.classes, object)[said] == split.holdout.target).mean())

    assert right[1] > right[0] + 0.05


def test_every_sum_is_a_whole_number_that_32_bits_hold() -> None:
    texts = csr_matrix((DRAW.random((400, MOST_TERMS)) < 0.05).astype(np.float32))
    step = ReducedTerms().fit(texts)

    assert np.array_equal(step.projection_, np.rint(step.projection_))
    assert np.abs(step.projection_).sum(axis=0).max() < 2**24
    assert np.abs(step.projection_).max() <= LARGEST


def test_the_order_of_words_and_how_often_one_occurs_count_for_nothing() -> None:
    steps = make_words(1).fit(["a fine day", "a wet day", "a fine night", "a wet night"] * 3)
    found = steps.transform(["fine day", "DAY fine fine", "unheard of", ""])

    assert np.array_equal(found[0], found[1])
    assert not found[2:].any()


def test_texts_whose_words_never_repeat_become_nothing() -> None:
    assert not make_words(1).fit_transform([f"w{n}" for n in range(30)]).any()
    assert has_words(["?", "привет"])
    assert not has_words(["", "?!", "—"])


def test_many_texts_in_a_row_share_the_numbers_they_become() -> None:
    assert make_words(8).named_steps["reduced"].components == 8
    assert make_words(1).named_steps["reduced"].components == 16

import numpy as np
import pytest

from data_processor.features.schema import Column, Schema
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.texts.one_standard_error import choose, standard_error

SCHEMA = Schema(
    task="text-classification", target="t", columns=(Column(name="x", kind="text"),), classes=("no", "yes")
)


def scorer(rows: int) -> Scorer:
    return Scorer("roc_auc", np.array(["no", "yes"] * (rows // 2), object), SCHEMA)


def tried(by: Scorer, signal: float, seed: int) -> Tried:
    """Return a candidate that knows so much."""
    noise = np.random.default_rng(seed).normal(0, 1, len(by.truth))
    yes = 1 / (1 + np.exp(-(np.where(by.truth == "yes", signal, -signal) + noise)))
    outputs = np.stack([1 - yes, yes], axis=1)[None]
    candidate = Candidate(estimator="naive-bayes", params={"seed": seed})
    return by.tried(candidate, outputs, fit_seconds=1.0, ms_per_row=0.5, bytes=100)


def test_few_rows_leave_it_at_what_was_tried_first_and_many_do_not() -> None:
    few, many = scorer(60), scorer(6_000)

    first, better = tried(few, 0.5, 1), tried(few, 0.55, 2)
    assert choose([first, better], few) is first
    first, better = tried(many, 0.5, 1), tried(many, 0.6, 2)
    assert choose([first, better], many) is better


def test_what_is_clearly_worse_is_passed_over() -> None:
    by = scorer(400)
    bad, good, best = tried(by, 0.0, 1), tried(by, 1.0, 2), tried(by, 1.02, 3)

    assert choose([bad, good, best], by) in (good, best)
    assert choose([best, good], by) is best


def test_the_error_falls_with_the_number_of_rows() -> None:
    errors = [standard_error(tried(by, 0.5, 1), tried(by, 0.5, 2), by) for by in (scorer(100), scorer(1_600))]

    assert errors[0] / errors[1] == pytest.approx(4, rel=0.4)


def test_what_goes_on_is_better_than_what_was_tried_first() -> None:
    """The second is within a standard error of the best, but no better than the first."""
    by = scorer(2_000)
    first, alike, best = tried(by, 0.5, 1), tried(by, 0.5, 5), tried(by, 0.62, 3)
    assert choose([first, alike], by) is first
    assert choose([first, alike, best], by) is best

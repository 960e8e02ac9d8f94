import numpy as np
import pytest

from data_processor.features.schema import Column, Schema
from data_processor.tasks.candidates import Candidate, Vectorizer, members_of
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.texts.blending import blend

SCHEMA = Schema(
    task="text-classification", target="t", columns=(Column(name="x", kind="text"),), classes=("no", "yes")
)
TRUTH = np.array(["no", "yes"] * 200, object)
SCORER = Scorer("roc_auc", TRUTH, SCHEMA)


def tried(name: str, vectorizer: str, seed: int, divisions: int = 3) -> Tried:
    """Return a candidate that knows a little, its mistakes its own."""
    noise = np.random.default_rng(seed).normal(0, 1, len(TRUTH))
    yes = np.tile(1 / (1 + np.exp(-(np.where(TRUTH == "yes", 0.4, -0.4) + noise))), (divisions, 1))
    candidate = Candidate(estimator=name, params={"seed": seed}, vectorizer=Vectorizer(name=vectorizer))
    return SCORER.tried(
        candidate, np.stack([1 - yes, yes], axis=2), fit_seconds=1.0, ms_per_row=0.5, bytes=100
    )


def test_candidates_that_err_differently_are_better_together() -> None:
    several = [tried("a", "words", 1), tried("a", "characters", 2), tried("b", "words", 3)]
    found = blend(several, SCORER)

    assert found is not None
    assert found.metrics["roc_auc"] > max(one.metrics["roc_auc"] for one in several)
    assert (found.candidate.estimator, found.fit_seconds, found.bytes) == ("blend", 3.0, 300)
    assert {one.params["seed"] for one, _ in members_of(found.candidate)} == {1, 2, 3}
    assert found.answers.probabilities == pytest.approx(np.mean([one.outputs[0] for one in several], axis=0))
    assert Candidate.model_validate(found.candidate.as_json()) == found.candidate


def test_what_is_no_better_together_stays_alone() -> None:
    alike = [tried("a", "words", 1), tried("b", "words", 1)]

    assert blend(alike, SCORER) is None


def test_only_the_best_of_each_kind_and_what_was_measured_in_full_takes_part() -> None:
    several = [tried("a", "words", 1), tried("a", "words", 2), tried("b", "words", 3, divisions=1)]

    assert blend(several, SCORER) is None

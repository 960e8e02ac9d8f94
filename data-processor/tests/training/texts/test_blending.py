import numpy as np
import pytest

from data_processor.features.schema import Column, Schema
from data_processor.tasks.candidates import Candidate, Vectorizer, members_of
from data_processor.training.leaderboard import Tried, as_answers
from data_processor.training.texts.blending import blend
from data_processor.training.texts.measuring import Measured

SCHEMA = Schema(
    task="text-classification", target="t", columns=(Column(name="x", kind="text"),), classes=("no", "yes")
)
TRUTH = np.array(["no", "yes"] * 200, object)
MEASURED = Measured("roc_auc", TRUTH, SCHEMA)


def tried(name: str, vectorizer: str, seed: int, divisions: int = 3) -> tuple[Tried, np.ndarray]:
    """Return a candidate that knows a little, its mistakes its own."""
    noise = np.random.default_rng(seed).normal(0, 1, len(TRUTH))
    yes = np.tile(1 / (1 + np.exp(-(np.where(TRUTH == "yes", 0.4, -0.4) + noise))), (divisions, 1))
    said = np.stack([1 - yes, yes], axis=2)
    candidate = Candidate(estimator=name, params={"seed": seed}, vectorizer=Vectorizer(name=vectorizer))
    return Tried(candidate, as_answers(said[0], SCHEMA), MEASURED.of(said), 1.0, 0.5, 100), said


def test_candidates_that_err_differently_are_better_together() -> None:
    several = [tried("a", "words", 1), tried("a", "characters", 2), tried("b", "words", 3)]
    found = blend([one for one, _ in several], [said for _, said in several], MEASURED)

    assert found is not None
    assert found.metrics["roc_auc"] > max(one.metrics["roc_auc"] for one, _ in several)
    assert (found.candidate.estimator, found.fit_seconds, found.bytes) == ("blend", 3.0, 300)
    assert {one.params["seed"] for one, _ in members_of(found.candidate)} == {1, 2, 3}
    assert found.answers.probabilities == pytest.approx(np.mean([said[0] for _, said in several], axis=0))
    assert Candidate.model_validate(found.candidate.as_json()) == found.candidate


def test_what_is_no_better_together_stays_alone() -> None:
    alike = [tried("a", "words", 1), tried("b", "words", 1)]

    assert blend([one for one, _ in alike], [said for _, said in alike], MEASURED) is None


def test_only_the_best_of_each_kind_and_what_was_measured_in_full_takes_part() -> None:
    several = [tried("a", "words", 1), tried("a", "words", 2), tried("b", "words", 3, divisions=1)]

    assert blend([one for one, _ in several], [said for _, said in several], MEASURED) is None

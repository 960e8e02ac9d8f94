import numpy as np
import pytest

from data_processor.features.schema import Schema
from data_processor.features.split import Split
from data_processor.tasks.candidates import BLEND, Candidate, members_of
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer, blended
from data_processor.tasks.tables.blending import MOST_MEMBERS, blend, select

SCHEMA = Schema(task="tabular-classification", target="answer", columns=(), classes=("no", "yes"))
ROWS = 2_000
DRAW = np.random.default_rng(0)
TRUTH = np.where(DRAW.random(ROWS) < 0.4, "yes", "no").astype(object)
SCORER = Scorer("log_loss", TRUTH, SCHEMA)


def knows(seed: int, noise: float = 1.5) -> Tried:
    """Return a candidate that errs where no other does."""
    logit = 2.0 * (TRUTH == "yes") - 1.2 + np.random.default_rng(seed).normal(0, noise, ROWS)
    yes = 1 / (1 + np.exp(-logit))
    candidate = Candidate(estimator="logistic-regression", params={"C": float(seed)})
    outputs = np.stack([1 - yes, yes], axis=1)[None]
    return SCORER.tried(candidate, outputs, fit_seconds=1.0, ms_per_row=0.01, bytes=100)


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc", "accuracy"])
def test_candidates_that_err_differently_are_better_together(metric: str) -> None:
    tried = [knows(seed) for seed in range(1, 7)]
    joint = blend(tried, Scorer(metric, TRUTH, SCHEMA))  # type: ignore[arg-type]  # it is a metric

    assert joint is not None
    sign = -1 if metric == "log_loss" else 1
    assert sign * joint.metrics[metric] > max(sign * one.metrics[metric] for one in tried)
    members = members_of(joint.candidate)
    assert 2 <= len(members) <= MOST_MEMBERS
    assert sum(weight for _, weight in members) == pytest.approx(1)
    assert joint.fit_seconds == pytest.approx(len(members))
    assert joint.bytes == 100 * len(members)


def test_candidates_that_say_the_same_are_not_blended() -> None:
    assert blend([knows(1), knows(1), knows(1)], SCORER) is None
    assert blend([knows(1)], SCORER) is None


def test_noise_gets_no_weight() -> None:
    outputs = [knows(seed, noise).outputs[0] for seed, noise in ((1, 0.5), (2, 50.0))]
    assert select(outputs, SCORER) == {0: 1.0}


def test_a_blend_answers_with_the_weighted_mean_of_its_members(
    census_split: Split, price_split: Split
) -> None:
    for split, names in (
        (census_split, ("logistic-regression", "hist-gradient-boosting")),
        (price_split, ("ridge", "extra-trees")),
    ):
        members = [
            {"estimator": name, "params": {}, "weight": weight}
            for name, weight in zip(names, (0.25, 0.75), strict=True)
        ]
        candidate = Candidate(estimator=BLEND, params={"members": members})
        pipeline = fit(candidate, split.fitting, split.schema, 1)
        one, other = (
            answer(
                fit(Candidate(estimator=name, params={}), split.fitting, split.schema, 1),
                split.holdout.frame,
            )
            for name in names
        )

        said = answer(pipeline, split.holdout.frame)
        np.testing.assert_allclose(said, 0.25 * one + 0.75 * other)
        assert blended(pipeline)[1] == [0.25, 0.75]

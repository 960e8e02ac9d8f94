import numpy as np

from data_processor.features.schema import Schema
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.training.leaderboard import LENGTH, leaderboard

SCHEMA = Schema(task="tabular-classification", target="answer", columns=(), classes=("no", "yes"))
DRAW = np.random.default_rng(0)
TRUTH = np.where(DRAW.random(400) < 0.4, "yes", "no").astype(object)
SCORER = Scorer("log_loss", TRUTH, SCHEMA)


def answered(quality: float, estimator: str = "some", noise: int = 0) -> Tried:
    """Return a candidate that knows the truth as well as `quality` says."""
    draw = np.random.default_rng(noise)
    yes = np.clip(0.5 + quality * np.where(TRUTH == "yes", 0.4, -0.4) + draw.normal(0, 0.1, 400), 0.01, 0.99)
    candidate = Candidate(estimator=estimator, params={"quality": quality, "noise": noise})
    outputs = np.stack([1 - yes, yes], axis=1)[None]
    return SCORER.tried(candidate, outputs, fit_seconds=0.1, ms_per_row=0.01, bytes=100)


def test_a_candidate_that_cannot_be_told_from_the_best_is_tied() -> None:
    tried = [answered(0.8, noise=1), answered(0.8, noise=2), answered(0.1, noise=3)]
    rows = leaderboard(tried, SCORER, tried[0])

    assert [row.tied for row in rows] == [True, True, False]


def test_a_long_leaderboard_keeps_the_best_of_each_estimator() -> None:
    tried = [answered(0.8, "first", noise) for noise in range(LENGTH + 5)] + [answered(0.1, "last")]
    rows = leaderboard(tried, SCORER, tried[0])

    assert len(rows) == LENGTH + 1
    assert rows[-1].candidate.estimator == "last"


def test_the_one_that_was_chosen_comes_first_however_many_are_better() -> None:
    chosen = answered(0.8, "first", 1)
    tried = [chosen, *(answered(0.9, "first", noise) for noise in range(LENGTH + 5))]
    rows = leaderboard(tried, SCORER, chosen)

    assert rows[0].candidate == chosen.candidate
    assert [row.metrics["log_loss"] for row in rows[1:]] == sorted(
        row.metrics["log_loss"] for row in rows[1:]
    )
    assert len(rows) == LENGTH + 1
    assert sum(row.recommended for row in rows) == 1

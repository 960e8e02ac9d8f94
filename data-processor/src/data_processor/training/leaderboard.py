"""How candidates compare: on the validation rows, in what they cost, and which of them are tied."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer, Tried, tied

LENGTH = 20
"""How many rows a leaderboard shows, beside the best of each estimator."""


class LeaderboardRow(BaseModel):
    """One candidate that was tried."""

    model_config = ConfigDict(frozen=True)

    candidate: Candidate
    metrics: dict[str, float]
    """On the validation rows."""
    fit_seconds: float
    """Of one fit in the search, on its sample of the rows."""
    ms_per_row: float
    """To answer one row of many, before it is compiled."""
    bytes: int
    """What the fitted numbers take in memory."""
    tied: bool
    """A paired comparison with the best cannot tell them apart."""
    recommended: bool
    """Of those that are tied it is the cheapest: the quickest to answer, then the smallest."""


def leaderboard(tried: Sequence[Tried], scorer: Scorer, chosen: Tried) -> list[LeaderboardRow]:
    """Return the best candidates and the best of each estimator, best first but for the one that was chosen.

    That is the first, and meets the gate. Which of those tied with the best is the cheapest is for a person
    to weigh: a tie says that these rows cannot tell them apart, not that they are alike.
    """
    order = scorer.ranked(tried)
    best = scorer.losses(order[0].answers)
    estimators: set[str] = set()
    shown = []
    for place, one in enumerate(order):
        if place < LENGTH or one.candidate.estimator not in estimators or one is chosen:
            shown.append(one)
        estimators.add(one.candidate.estimator)
    shown.sort(key=lambda one: one is not chosen)
    return recommend(
        [
            LeaderboardRow(
                candidate=one.candidate,
                metrics=one.metrics,
                fit_seconds=round(one.fit_seconds, 4),
                ms_per_row=round(one.ms_per_row, 5),
                bytes=one.bytes,
                tied=tied(scorer.losses(one.answers), best),
                recommended=False,
            )
            for one in shown
        ]
    )


def recommend(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Return the rows with the cheapest of the tied ones recommended."""
    cheapest = min(
        (place for place, row in enumerate(rows) if row.tied),
        key=lambda place: (rows[place].ms_per_row, rows[place].bytes),
        default=None,
    )
    return [row.model_copy(update={"recommended": place == cheapest}) for place, row in enumerate(rows)]

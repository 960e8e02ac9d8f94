"""The score: the share of right answers among the last predictions with feedback, with its interval.

A prediction counts once: each rater's latest word, and of several raters what they agree on (`raters.py:
agreed`); where they stay divided it does not count. The score looks back over the last `policy.window` of
them, in the order in which they first got feedback: whoever gives feedback on an old prediction changes its
outcome, but does not make it recent.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from data_processor.statistics.clusters import effective_number
from data_processor.statistics.phrases import percent
from data_processor.statistics.raters import Voice, agreed, too_much, with_room
from data_processor.statistics.terms import ScoreTerms

Z_SHOWN = 1.959963984540054
"""The interval that is shown covers 95 %."""
PRECISION = 2.0**-23
"""Answers may be 32-bit floats: what is off by no more than one step of them, relatively, is not off."""
MOST_SLACK = 1e-5
"""So much of a tolerance at most, lest a step of 256 at 2 000 000 000 count as nothing beside it."""

Ratings = Mapping[str, Voice]
"""Whether one prediction was right, by rater."""


class FeedbackEntry(NamedTuple):
    """One person's feedback on one prediction, as far as it matters to the score."""

    prediction: str
    subject: str
    correct: bool
    asked: bool
    """The platform asked about this prediction; else the feedback was volunteered."""
    trusted: bool = False
    """The rater was trusted when they gave it."""
    own: bool = False
    """The rater asked for the prediction."""
    group: str | None = None
    """What the prediction is about, where rows belong together: an engine, a patient."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many right answers of so many predictions with feedback."""

    right: int
    n: int
    groups: int | None = None
    """How many groups the predictions are about, where rows belong together."""
    effective: float | None = None
    """How many independent answers they are then worth (`clusters.py`)."""

    @property
    def value(self) -> float | None:
        """The share, if there is anything to share."""
        return self.right / self.n if self.n else None

    def interval(self, z: float = Z_SHOWN) -> tuple[float, float] | None:
        """Return the Wilson interval that is `z` standard normal deviations wide on each side.

        Of answers in groups it is as wide as the independent answers that they are worth make it.
        """
        if not self.n:
            return None
        worth = self.n if self.effective is None else self.effective
        return wilson(self.right * worth / self.n, worth, z)


@dataclass(frozen=True, slots=True)
class Score:
    """What the feedback on one version says."""

    deciding: Share
    """What the controller decides by: the asked feedback once there is enough of it, else all of it."""
    asked: Share | None
    """Among the predictions that the platform asked about; none if it never asked."""
    volunteered: Share
    by_asked: bool
    """Whether the asked feedback alone decides."""
    raters: int
    """How many people gave feedback, as far back as it was read."""
    remark: str
    """What to bear in mind about it, in words; may be empty."""


def wilson(right: float, n: float, z: float = Z_SHOWN) -> tuple[float, float]:
    """Return Wilson's score interval for `right` of `n` > 0 (Brown, Cai & DasGupta 2001)."""
    share, z2 = right / n, z * z
    centre = share + z2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def within(answer: float, truth: float, tolerance: float) -> bool:
    """Say whether a regression's answer counts as right: |error| <= tolerance (the statistics' *Score*).

    An error of exactly the tolerance is right: 1.1 for 1.0 within 0.1, which 64-bit floats deny.
    """
    slack = PRECISION * abs(answer)
    return abs(answer - truth) <= tolerance + (min(slack, MOST_SLACK * tolerance) if tolerance else slack)


def summarise(entries: Iterable[FeedbackEntry], policy: ScoreTerms) -> Score:
    """Return the score of the feedback on one version, given in the order in which it came."""
    asked: dict[str, dict[str, Voice]] = {}
    every: dict[str, dict[str, Voice]] = {}
    groups: dict[str, str] = {}
    for one in entries:
        ratings = every.setdefault(one.prediction, {})
        ratings[one.subject] = Voice(one.correct, one.trusted, one.own)
        if one.asked:
            asked[one.prediction] = ratings
        if one.group is not None:
            groups[one.prediction] = one.group
    among_all = volunteered = _look_back(every, groups, policy)
    among_asked = None
    if asked:
        among_asked = _look_back(asked, groups, policy)
        others = {prediction: ratings for prediction, ratings in every.items() if prediction not in asked}
        volunteered = _look_back(others, groups, policy)
    by_asked = policy.ask_rate > 0 and among_asked is not None and among_asked.share.n >= policy.min_feedback
    deciding = among_asked if by_asked and among_asked else among_all
    return Score(
        deciding=deciding.share,
        asked=among_asked.share if among_asked else None,
        volunteered=volunteered.share,
        by_asked=by_asked,
        raters=len({subject for ratings in every.values() for subject in ratings}),
        remark=_remark(deciding, policy),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    share: Share
    most: float
    """How many of its predictions the busiest rater who is not trusted supplied."""
    raters: int = 0
    """How many people gave feedback."""
    left_out: int = 0
    """How many of the last predictions do not count, because one rater supplied too many."""


def _look_back(predictions: Mapping[str, Ratings], groups: Mapping[str, str], policy: ScoreTerms) -> _Window:
    """Count the newest predictions, `policy.window` of them, of no untrusted rater more than a rater's share.

    The share is of the predictions that count. So the cap is lowered until it fits what it leaves: it ends at
    the largest window that nobody dominates.
    """
    raters = len({subject for ratings in predictions.values() for subject in ratings})
    whole = _count(predictions, groups, policy.window, math.inf)
    if raters < policy.min_raters:
        return replace(whole, raters=raters)
    counted, cap = whole, math.inf
    while too_much(counted.most, counted.share.n, policy):
        cap = min(policy.max_rater_share * counted.share.n, cap)
        counted = _count(predictions, groups, policy.window, cap)
    return replace(counted, raters=raters, left_out=whole.share.n - counted.share.n)


def _count(predictions: Mapping[str, Ratings], groups: Mapping[str, str], window: int, cap: float) -> _Window:
    """Count the newest predictions when no rater who is not trusted may supply more than `cap` of them.

    A prediction with several raters is supplied by each in equal parts; a rater who has none left is ignored.
    """
    supplied: dict[str, float] = {}
    outcomes: dict[str, bool] = {}
    for prediction in reversed(list(predictions)):
        ratings = predictions[prediction]
        counting = ratings if cap == math.inf else _within_cap(ratings, supplied, cap)
        outcome = agreed(counting.values())
        if outcome is None:
            continue
        outcomes[prediction] = outcome
        if not any(voice.trusted for voice in counting.values()):
            for subject in counting:
                supplied[subject] = supplied.get(subject, 0.0) + 1 / len(counting)
        if len(outcomes) == window:
            break
    return _Window(_share(outcomes, groups), max(supplied.values(), default=0.0))


def _share(outcomes: Mapping[str, bool], groups: Mapping[str, str]) -> Share:
    """Return the share of right answers; a prediction whose group is unknown is on its own."""
    right, n = sum(outcomes.values()), len(outcomes)
    if not any(prediction in groups for prediction in outcomes):
        return Share(right, n)
    of = [(groups.get(prediction), prediction if prediction not in groups else "") for prediction in outcomes]
    return Share(right, n, len(set(of)), effective_number(list(outcomes.values()), of))


def _within_cap(ratings: Ratings, supplied: Mapping[str, float], cap: float) -> Ratings:
    if any(voice.trusted for voice in ratings.values()):
        return ratings
    return {rater: ratings[rater] for rater in with_room(tuple(ratings), supplied, cap)}


def _remark(window: _Window, policy: ScoreTerms) -> str:
    return " ".join(filter(None, (_remark_on_raters(window, policy), _remark_on_groups(window.share))))


def _remark_on_groups(share: Share) -> str:
    if share.groups is None or share.effective is None:
        return ""
    are = "one group" if share.groups == 1 else f"{share.groups} groups"
    return (
        f"These predictions are about {are}, which are right and wrong together: the interval is as wide as "
        f"for {share.effective:.0f} that are not."
    )


def _remark_on_raters(window: _Window, policy: ScoreTerms) -> str:
    if 0 < window.raters < policy.min_raters:
        who = "one person" if window.raters == 1 else f"{window.raters} people"
        return f"Fewer than {policy.min_raters} raters: all of this feedback comes from {who}."
    if window.left_out > 0:
        are = "prediction is" if window.left_out == 1 else "predictions are"
        return (
            f"{window.left_out} {are} left out, because no rater may supply more than "
            f"{percent(policy.max_rater_share)} of the score."
        )
    return ""

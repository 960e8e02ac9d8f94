"""The score: the share of right answers among the last judged predictions, with its interval.

One verdict per prediction: of each person the latest word, of the persons the majority; a tie is no
verdict. The score looks back over `policy.window` verdicts, in the order in which the predictions were first
judged: who judges an old prediction again changes its verdict and does not make it recent.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from data_processor.statistics.terms import ScoreTerms

Z_SHOWN = 1.959963984540054
"""The interval that is shown covers 95 %."""
PRECISION = 2.0**-23
"""Answers are 32-bit floats: what is off by no more than one step of them, relatively, is not off."""
_ROUNDING = 1e-9

Voices = Mapping[str, bool]
"""Who said of one prediction that it was right."""


class Judgement(NamedTuple):
    """What a person said of one prediction, as far as the score minds it."""

    prediction: str
    subject: str
    correct: bool
    asked: bool
    """The platform asked about this prediction; else the feedback was volunteered."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many right answers of so many judged predictions."""

    right: int
    n: int

    @property
    def value(self) -> float | None:
        """The share, if there is anything to share."""
        return self.right / self.n if self.n else None

    def interval(self, z: float = Z_SHOWN) -> tuple[float, float] | None:
        """Return the Wilson interval that is `z` standard normal deviations wide on each side."""
        return wilson(self.right, self.n, z) if self.n else None


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
    persons: int
    """How many have spoken, as far back as was looked."""
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
    return abs(answer - truth) <= tolerance + PRECISION * abs(answer)


def verdict(voices: Voices) -> bool | None:
    """Return what most persons say of a prediction; None if they are divided evenly: it is not judged."""
    balance = sum(1 if correct else -1 for correct in voices.values())
    return balance > 0 if balance else None


def summarise(judgements: Iterable[Judgement], policy: ScoreTerms) -> Score:
    """Return the score of the judgements on one version, given in the order in which they were made."""
    asked: dict[str, dict[str, bool]] = {}
    every: dict[str, dict[str, bool]] = {}
    for one in judgements:
        voices = every.setdefault(one.prediction, {})
        voices[one.subject] = one.correct
        if one.asked:
            asked[one.prediction] = voices
    among_all = volunteered = _look_back(list(every.values()), policy)
    among_asked = None
    if asked:
        among_asked = _look_back(list(asked.values()), policy)
        volunteered = _look_back([v for prediction, v in every.items() if prediction not in asked], policy)
    by_asked = policy.ask_rate > 0 and among_asked is not None and among_asked.share.n >= policy.min_feedback
    deciding = among_asked if by_asked and among_asked else among_all
    return Score(
        deciding=deciding.share,
        asked=among_asked.share if among_asked else None,
        volunteered=volunteered.share,
        by_asked=by_asked,
        persons=len({subject for voices in every.values() for subject in voices}),
        remark=_remark(deciding, policy),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    share: Share
    most: float
    """How many verdicts the busiest person supplied."""
    persons: int = 0
    """How many have spoken."""
    left_out: int = 0
    """How many of the last verdicts do not count, because one person supplied too many."""


def _look_back(predictions: Sequence[Voices], policy: ScoreTerms) -> _Window:
    """Count the newest verdicts, `policy.window` of them, and of no person more than a person's share.

    The share is of the verdicts that count. So the cap is lowered until it fits what it leaves: it ends at
    the largest window that nobody dominates.
    """
    persons = len({subject for voices in predictions for subject in voices})
    whole = _count(predictions, policy.window, math.inf)
    if persons < policy.min_raters:
        return replace(whole, persons=persons)
    counted, cap = whole, math.inf
    while counted.most > policy.max_rater_share * counted.share.n + _ROUNDING:
        cap = min(policy.max_rater_share * counted.share.n, cap)
        counted = _count(predictions, policy.window, cap)
    return replace(counted, persons=persons, left_out=whole.share.n - counted.share.n)


def _count(predictions: Sequence[Voices], window: int, cap: float) -> _Window:
    """Count the newest verdicts when no person may supply more than `cap` of them.

    A verdict of several persons is supplied by each in equal parts; whoever has no part left is not heard.
    """
    supplied: dict[str, float] = {}
    right = n = 0
    for voices in reversed(predictions):
        heard = voices if cap == math.inf else _heard(voices, supplied, cap)
        said = verdict(heard)
        if said is None:
            continue
        n += 1
        right += said
        for subject in heard:
            supplied[subject] = supplied.get(subject, 0.0) + 1 / len(heard)
        if n == window:
            break
    return _Window(Share(right, n), max(supplied.values(), default=0.0))


def _heard(voices: Voices, supplied: Mapping[str, float], cap: float) -> Voices:
    while voices:
        part = 1 / len(voices)
        fitting = {s: c for s, c in voices.items() if supplied.get(s, 0.0) + part <= cap + _ROUNDING}
        if len(fitting) == len(voices):
            break
        voices = fitting
    return voices


def _remark(window: _Window, policy: ScoreTerms) -> str:
    if 0 < window.persons < policy.min_raters:
        who = "one person" if window.persons == 1 else f"{window.persons} persons"
        return f"Few voices: {who} gave all of this feedback."
    if window.left_out > 0:
        return (
            f"{window.left_out} verdicts are left out, because one person may supply at most "
            f"{policy.max_rater_share:.0%} of the score."
        )
    return ""

"""Champion and challenger on one set of held-out rows: tested against each other, and described."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.statistics.measures import (
    Answers,
    Flags,
    Measure,
    SelectionMetric,
    gain,
    prepare,
    right,
    value,
)
from data_processor.statistics.paired import (
    FEWEST_ROWS,
    Comparison,
    compare_measured,
    compare_right,
    rows_needed,
    table,
)
from data_processor.statistics.receipt import ClassRecall, Pairs, SliceReport, Test
from data_processor.statistics.terms import GateTerms

ROUNDING = 1e-5
"""What the compiled form of a model may answer differently (`training/compile.py`), as a probability or as a
share of the target's spread: a difference of metrics that is no larger says nothing of two models."""


@dataclass(frozen=True, eq=False, slots=True)
class Slice:
    """Held-out rows and what both models answered on them."""

    labels: NDArray[Any]
    """The true labels or values, shape (rows,)."""
    champion: Answers | None
    challenger: Answers
    groups: NDArray[Any] | None = None
    """What each row belongs to, shape (rows,), if rows belong together."""

    @property
    def units(self) -> int:
        """How many rows count: a group counts once."""
        return len(self.labels) if self.groups is None else len(np.unique(self.groups))

    @property
    def enough(self) -> bool:
        """Whether there is anything to compare on; of groups, whether there are enough of them."""
        return self.units >= (1 if self.groups is None else FEWEST_GROUPS)

    def take(self, rows: Flags) -> "Slice":
        """Return some of the rows."""
        champion = None if self.champion is None else self.champion.take(rows)
        groups = None if self.groups is None else self.groups[rows]
        return Slice(self.labels[rows], champion, self.challenger.take(rows), groups)


@dataclass(frozen=True, slots=True)
class Terms:
    """By what two models are compared."""

    metric: SelectionMetric
    policy: GateTerms
    classes: tuple[str, ...]

    def test(self, rows: Slice) -> Test:
        """Return the paired test that suits the metric and the rows."""
        if self.metric != "accuracy":
            return "bootstrap"
        return "mcnemar" if rows.groups is None else "sign-flip"

    def compare(self, rows: Slice, alpha: float, seed: int) -> Comparison | None:
        """Test the two models against each other; None without a champion, rows, or enough groups."""
        if rows.champion is None or not rows.enough:
            return None
        if self.metric == "accuracy":
            was_right = self._right(rows.labels, rows.champion)
            is_right = self._right(rows.labels, rows.challenger)
            return compare_right(was_right, is_right, rows.groups, seed=seed)
        return compare_measured(
            self.metric,
            self._prepare(rows.labels, rows.champion),
            self._prepare(rows.labels, rows.challenger),
            rows=len(rows.labels),
            alpha=alpha,
            seed=seed,
            groups=rows.groups,
            margin=self._margin(rows.labels),
        )

    def rows_needed(self, compared: Comparison, rows: Slice, alpha: float) -> int | None:
        """Return how many rows would show this gain at level `alpha`; None if there is none to show.

        Of groups, as many as are in so many of them on average.
        """
        needed = rows_needed(compared, rows.units, alpha)
        if needed is None:
            return None
        if rows.groups is not None:
            return math.ceil(max(needed, FEWEST_GROUPS) * len(rows.labels) / rows.units)
        return max(needed, FEWEST_ROWS) if self.test(rows) == "bootstrap" else needed

    def report(self, rows: Slice) -> SliceReport:
        """Describe both models on a slice."""
        count = len(rows.labels)
        if not count:
            return SliceReport(rows=0, champion=None, challenger=None, gain=None, pairs=None)
        groups = None if rows.groups is None else rows.units
        would_be = self._value(rows.labels, rows.challenger)
        if rows.champion is None:
            return SliceReport(
                rows=count, groups=groups, champion=None, challenger=finite(would_be), gain=None, pairs=None
            )
        was = self._value(rows.labels, rows.champion)
        was_right = self._right(rows.labels, rows.champion)
        is_right = self._right(rows.labels, rows.challenger)
        classification = rows.challenger.values is None
        countable = classification or self.policy.tolerance > 0
        return SliceReport(
            rows=count,
            groups=groups,
            champion=finite(was),
            challenger=finite(would_be),
            gain=finite(float(gain(self.metric, np.array([would_be]), np.array([was]))[0])),
            pairs=Pairs(**asdict(table(was_right, is_right))) if countable else None,
            classes=_recalls(rows, was_right, is_right, self.policy) if classification else (),
        )

    def _margin(self, labels: NDArray[Any]) -> float:
        """Return `ROUNDING` in the unit of the metric."""
        in_units_of_target = self.metric in ("mae", "rmse")
        return ROUNDING * (float(np.std(labels.astype(np.float64))) if in_units_of_target else 1.0)

    def _prepare(self, labels: NDArray[Any], answers: Answers) -> Measure:
        return prepare(self.metric, labels, answers, self.classes, self.policy.tolerance)

    def _right(self, labels: NDArray[Any], answers: Answers) -> Flags:
        return right(labels, answers, self.policy.tolerance)

    def _value(self, labels: NDArray[Any], answers: Answers) -> float:
        return value(self._prepare(labels, answers), len(labels))


def constant(labels: NDArray[Any], like: Answers, classes: Sequence[str] = ()) -> Answers:
    """Return the same answer for every row: the majority class of these rows, or their mean."""
    rows = len(labels)
    if like.values is not None:
        return Answers(values=np.full(rows, labels.astype(np.float64).mean() if rows else 0.0))
    names = np.asarray(classes if len(classes) else np.unique(labels), object)
    shares = np.array([(labels == name).sum() for name in names]) / max(rows, 1)
    majority = names[shares.argmax()] if len(names) else ""
    return Answers(labels=np.full(rows, majority, object), probabilities=np.tile(shares, (rows, 1)))


def finite(number: float) -> float | None:
    """Return a number as JSON can say it: None if there is none."""
    return number if math.isfinite(number) else None


def _recalls(rows: Slice, was_right: Flags, is_right: Flags, policy: GateTerms) -> tuple[ClassRecall, ...]:
    """Compare the recall of every class that has enough rows, and enough groups."""
    compared = []
    for label in np.unique(rows.labels):
        here = rows.labels == label
        count, groups = int(here.sum()), None if rows.groups is None else rows.groups[here]
        if count < policy.min_class_rows or (groups is not None and len(np.unique(groups)) < FEWEST_GROUPS):
            continue
        pair = compare_right(was_right[here], is_right[here], groups)
        compared.append(
            ClassRecall(
                label=str(label),
                rows=count,
                champion=pair.champion,
                challenger=pair.challenger,
                p_worse=pair.p_worse,
                broken=-pair.gain > policy.max_recall_loss and pair.p_worse < policy.gate_alpha,
            )
        )
    return tuple(compared)

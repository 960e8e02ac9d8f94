"""After a promotion: whether the predecessor answers better after all.

Labelled inputs since the promotion are replayed through the predecessor. At 50, 100, 200 and 400 of them,
each time the first so many, one-sided McNemar asks whether it was right more often; p < 0.01 returns the
stage to it. Where too many judged answers have no label, those that have one may be a biased choice: then
people are told, and decide themselves. Either way that ends the watch: it acts once per promotion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_processor.models.policy import Policy
from data_processor.statistics.measures import Answers, Flags, right
from data_processor.statistics.paired import compare_right, table

Conclusion = Literal["continue", "passed", "roll_back", "alert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look found."""

    n: int
    """The labelled inputs it compared."""
    judged: int
    """The judged answers since the promotion, labelled or not."""
    both_right: int
    version_only: int
    predecessor_only: int
    both_wrong: int
    p_value: float
    """How likely so many more right answers of the predecessor are if it is no better."""
    alpha: float
    conclusion: Conclusion
    reason: str


def due(looks: Sequence[int], labelled: int, policy: Policy) -> int | None:
    """Return how many labelled inputs the next look compares, or None while there are not enough.

    `looks` are the sizes of those already taken, `labelled` is how many inputs there are now.
    """
    size = next((size for size in sorted(policy.watch_looks) if size not in looks), None)
    return size if size is not None and size <= labelled else None


def counted(
    truth: NDArray[Any], version: Answers, predecessor: Answers, policy: Policy
) -> tuple[Flags, Flags]:
    """Say of each input whether version and predecessor were right.

    A regression without a tolerance has no right answers: there the nearer one counts as right.
    """
    if version.values is None or predecessor.values is None or policy.tolerance > 0:
        return right(truth, version, policy.tolerance), right(truth, predecessor, policy.tolerance)
    true = truth.astype(np.float64)
    off, predecessor_off = np.abs(version.values - true), np.abs(predecessor.values - true)
    return off < predecessor_off, predecessor_off < off


def look(
    version_right: Flags, predecessor_right: Flags, *, judged: int, labelled: int, policy: Policy
) -> Look:
    """Compare both versions on the first labelled inputs since the promotion, as many as are due.

    `judged` and `labelled` count all judged and all labelled answers since the promotion.
    """
    counts = table(predecessor_right, version_right)
    compared = compare_right(predecessor_right, version_right)
    n, p_value = len(version_right), compared.p_worse
    conclusion: Conclusion = "passed" if n >= max(policy.watch_looks) else "continue"
    if p_value < policy.watch_alpha:
        unlabelled = (judged - labelled) / max(judged, 1)
        conclusion = "alert" if unlabelled > policy.max_unlabelled_share else "roll_back"
    words = {
        "continue": "Nothing speaks for going back; the watch goes on.",
        "passed": "Nothing speaks for going back; the watch ends.",
        "roll_back": "The predecessor is better beyond chance: it takes its place back.",
        "alert": (
            f"The predecessor seems better, but {judged - labelled} of {judged} judged answers have no "
            "label, so these may be a biased choice: a maintainer decides."
        ),
    }
    return Look(
        n=n,
        judged=judged,
        both_right=counts.both_right,
        version_only=counts.challenger_only,
        predecessor_only=counts.champion_only,
        both_wrong=counts.both_wrong,
        p_value=p_value,
        alpha=policy.watch_alpha,
        conclusion=conclusion,
        reason=(
            f"On {n} labelled inputs since the promotion this version was right {compared.challenger:.3f} "
            f"of the time and its predecessor {compared.champion:.3f} (p = {p_value:.2g}). "
            f"{words[conclusion]}"
        ),
    )

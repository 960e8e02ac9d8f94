"""After a promotion: whether the predecessor answers better after all.

Labelled inputs since the promotion are replayed through the predecessor. At 50, 100, 200 and 400 of them,
each time the first so many, one-sided McNemar (the test of their groups, where rows belong together) checks
whether it was right more often; p < 0.01 returns the stage to it. Where too much of the feedback has no
label, that which has one may be a biased sample: then people are alerted, and decide themselves. Either way
that ends the watch: it acts once per promotion.

No rater who is not trusted supplies more than their share of those inputs, and none of them returns the stage
alone (`statistics/raters.py: leaning_on`): while they are too few people are alerted, and where the result
leans on one of them the watch goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_processor.models.policy import Policy
from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.statistics.measures import Answers, Flags, right
from data_processor.statistics.paired import compare_right, count_groups, table
from data_processor.statistics.phrases import percent
from data_processor.statistics.raters import Leaning, Source, leaning_on, untrusted

Conclusion = Literal["continue", "passed", "roll_back", "alert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one check found; the records database keeps it under these names."""

    n: int
    """The labelled inputs it compared."""
    with_feedback: int
    """The predictions with feedback since the promotion, labelled or not."""
    both_right: int
    version_only: int
    predecessor_only: int
    both_wrong: int
    p_value: float
    """How likely so many more right answers of the predecessor are if it is no better."""
    alpha: float
    conclusion: Conclusion
    reason: str


def due(taken: Sequence[int], labelled: int, policy: Policy) -> int | None:
    """Return how many labelled inputs the next check compares, or None while there are not enough.

    `taken` are the sizes of the checks so far, `labelled` is how many inputs there are now.
    """
    size = next((size for size in sorted(policy.watch_looks) if size not in taken), None)
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


def _worse(predecessor_right: Flags, version_right: Flags, groups: NDArray[Any] | None, rows: Flags) -> float:
    """Return how likely so many more right answers of the predecessor are if it is no better.

    Of too few groups nothing follows, whatever they say.
    """
    of = None if groups is None else groups[rows]
    if not rows.any() or (count_groups(of) or FEWEST_GROUPS) < FEWEST_GROUPS:
        return 1.0
    return compare_right(predecessor_right[rows], version_right[rows], of).p_worse


def check(
    version_right: Flags,
    predecessor_right: Flags,
    *,
    sources: Sequence[Source],
    with_feedback: int,
    labelled: int,
    policy: Policy,
    groups: NDArray[Any] | None = None,
) -> Check:
    """Compare both versions on the first labelled inputs since the promotion, as many as are due.

    `sources` say who labelled each input, and `groups` what each is about, where rows belong together.
    `with_feedback` and `labelled` count all predictions since the promotion that have feedback, or a label.
    """
    counts = table(predecessor_right, version_right)
    compared = compare_right(predecessor_right, version_right)
    every = np.ones(len(version_right), np.bool_)
    n, p_value = len(version_right), _worse(predecessor_right, version_right, groups, every)
    last = n >= max(policy.watch_looks)
    conclusion: Conclusion = "passed" if last else "continue"
    leaning: Leaning | None = None
    unlabelled = (with_feedback - labelled) / max(with_feedback, 1)
    if p_value < policy.watch_alpha:

        def follows(rows: Flags) -> bool:
            return _worse(predecessor_right, version_right, groups, rows) < policy.watch_alpha

        leaning = leaning_on(sources, follows, len(untrusted(sources)), policy)
        if unlabelled > policy.max_unlabelled_share or (leaning and (leaning.rater is None or last)):
            conclusion = "alert"
        elif leaning is None:
            conclusion = "roll_back"
    words = {
        "continue": "There is no reason to roll back; the watch goes on.",
        "passed": "There is no reason to roll back; the watch ends.",
        "roll_back": "The predecessor is better by more than chance, so the stage returns to it.",
        "alert": (
            f"The predecessor seems to be better, but {with_feedback - labelled} of {with_feedback} "
            "predictions with feedback have no label, so those that have one may be a biased sample: a "
            "maintainer has to decide."
        ),
    }
    if leaning is not None:
        whose = f"{leaning.rater!r}" if leaning.rater else "raters who are not trusted, who are too few"
        words["alert"] = words["continue"] = (
            f"The predecessor seems to be better, but not without the {leaning.rows} inputs that {whose} "
            f"labelled: {'a maintainer has to decide' if conclusion == 'alert' else 'the watch goes on'}."
        )
    return Check(
        n=n,
        with_feedback=with_feedback,
        both_right=counts.both_right,
        version_only=counts.challenger_only,
        predecessor_only=counts.champion_only,
        both_wrong=counts.both_wrong,
        p_value=p_value,
        alpha=policy.watch_alpha,
        conclusion=conclusion,
        reason=(
            f"On {n} labelled inputs since the promotion this version was right in "
            f"{percent(compared.challenger)} and its predecessor in {percent(compared.champion)} of the "
            f"cases (p = {p_value:.2g}). "
            f"{words[conclusion]}"
        ),
    )

"""The gate: may a challenger take the champion's place? Decided row by row, on rows neither was fitted to.

| verdict | rule |
|---|---|
| `promote` | challenger better at p < alpha_k = `gate_alpha` / (k (k + 1)), no class is broken |
| `reject` | champion better at p < `gate_alpha`, or a class is broken |
| `hold` | else, with the number of deciding rows it would take |

The levels of all gates against one champion add up to `gate_alpha` (1/2 + 1/6 + 1/12 + … = 1): however often
a model is retried, an equal one takes its place with no more than that probability.

Which metric decides follows from what opened the run. A run that the score opened decides on recent rows by
what the score counts, right answers, so by McNemar's exact test; a regression's answers are right within its
tolerance. All other runs decide on holdout rows by what candidates are selected by: McNemar if that is
accuracy, else the paired bootstrap. Where rows belong together, their groups are what both tests count, and
fewer than ten of them decide nothing (`paired.py`).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.statistics.clusters import FEWEST_GROUPS
from data_processor.statistics.measures import Answers, SelectionMetric
from data_processor.statistics.paired import EXACT_GROUPS, FLIPS, RESAMPLES, Comparison
from data_processor.statistics.phrases import metric_name
from data_processor.statistics.receipt import Receipt, SliceName, SliceReport, Verdict
from data_processor.statistics.slices import Slice, Terms, constant, finite
from data_processor.statistics.terms import GateTerms

__all__ = ["Answers", "Receipt", "Slice", "decide", "level"]

_ROUNDING = 1e-9
"""A loss of exactly what is allowed, as a difference of two shares, is not more than that."""
SHOWN_AS: dict[SliceName, str] = {"recent": "recent test rows", "reference": "holdout rows"}


def level(policy: GateTerms, k: int) -> float:
    """Return the level of the k-th gate against one champion; raises `ValueError` for k < 1."""
    if k < 1:
        raise ValueError(f"Gates are counted from 1, and this is number {k}.")
    return policy.gate_alpha / (k * (k + 1))


def decide(
    *,
    slice: SliceName,  # noqa: A002  # its name on the public face
    labels: NDArray[Any],
    champion: Answers | None,
    challenger: Answers,
    metric: SelectionMetric,
    policy: GateTerms,
    k: int,
    seed: int,
    classes: Sequence[str] = (),
    groups: NDArray[Any] | None = None,
    other_slice: Slice | None = None,
) -> Receipt:
    """Return the receipt of the k-th gate against this champion.

    `labels`, shape (rows,), are the true labels or values of the deciding rows, and `groups` what each row
    belongs to, if rows belong together; `classes` are the model's, in the order of its probabilities. Without
    a champion the challenger must beat whoever always answers the same, the majority class or the mean.
    """
    labels = np.asarray(labels)
    terms, first = Terms(metric, policy, tuple(classes)), champion is None
    alpha = next_alpha = policy.gate_alpha
    if not first:
        alpha, next_alpha = level(policy, k), level(policy, k + 1)
    deciding = Slice(labels, champion or constant(labels, challenger, classes), challenger, groups)
    compared, report = terms.compare(deciding, alpha, seed), terms.report(deciding)
    slices: dict[SliceName, SliceReport] = {slice: report}
    if other_slice is not None:
        slices["reference" if slice == "recent" else "recent"] = terms.report(other_slice)

    verdict, why = _verdict(compared, slices, slice, policy, alpha, first=first)
    needed = None
    if not deciding.enough and deciding.units:
        needed = math.ceil(report.rows * FEWEST_GROUPS / deciding.units)
        why = (
            f"These are too few groups: {report.rows} {SHOWN_AS[slice]} of {deciding.units}, and nothing can "
            f"be proved with fewer than {FEWEST_GROUPS}."
        )
    if verdict == "hold" and compared is not None and compared.p_better >= alpha:
        needed = terms.rows_needed(compared, deciding, next_alpha)
        why = f"{why} {_wanted(needed, next_alpha)}"
    return Receipt(
        verdict=verdict,
        reason=" ".join(filter(None, (_numbers(slice, report, compared, terms, first=first), why))),
        slice=slice,
        metric=metric,
        test=terms.test(deciding),
        champion=None if first else report.champion,
        challenger=report.challenger,
        baseline=report.champion if first else None,
        p_value=compared.p_better if compared else None,
        p_worse=compared.p_worse if compared else None,
        alpha=alpha,
        k=k,
        n=report.rows,
        groups=report.groups,
        n_needed=needed,
        next_alpha=next_alpha,
        discordance=finite(compared.discordance) if compared else None,
        seed=seed,
        resamples=_draws(terms, deciding),
        slices=slices,
    )


def _verdict(
    compared: Comparison | None,
    slices: dict[SliceName, SliceReport],
    deciding: SliceName,
    policy: GateTerms,
    alpha: float,
    *,
    first: bool,
) -> tuple[Verdict, str]:
    """Return the verdict and the sentence that says which rule gave it."""
    if compared is None:
        return "hold", "There are no rows to decide on, so nothing can be proved."
    if not first and (broken := _broken(slices[deciding], policy)):
        return "reject", broken
    if compared.p_worse < policy.gate_alpha:
        who = "Always giving the same answer" if first else "The champion"
        return "reject", f"{who} is better: p = {compared.p_worse:.2g} < {policy.gate_alpha:.2g}."
    if compared.p_better >= alpha:
        return "hold", f"That may be chance: p = {compared.p_better:.2g} is not below alpha = {alpha:.2g}."
    better = f"That is more than chance: p = {compared.p_better:.2g} < alpha = {alpha:.2g}."
    if not first and (lost := _lost_on_holdout(slices.get("reference"), policy)):
        return "hold", f"{better} {lost} More test rows will not change that."
    return "promote", better


def _draws(terms: Terms, rows: Slice) -> int | None:
    """Return how many resamples, or ways of flipping signs, were drawn."""
    if terms.test(rows) == "bootstrap":
        return RESAMPLES
    return FLIPS if terms.test(rows) == "sign-flip" and rows.units > EXACT_GROUPS else None


def _broken(report: SliceReport, policy: GateTerms) -> str:
    """Say which class is broken worst, if one is."""
    broken = [c for c in report.classes if c.broken]
    if not broken:
        return ""
    worst = max(broken, key=lambda c: c.champion - c.challenger)
    return (
        f"Class {worst.label!r} is broken: its recall falls from {worst.champion:.3f} to "
        f"{worst.challenger:.3f} on {worst.rows} rows (p = {worst.p_worse:.2g}), and it may fall by at most "
        f"{policy.max_recall_loss:.2g}."
    )


def _lost_on_holdout(holdout: SliceReport | None, policy: GateTerms) -> str:
    """Say that too much is lost on the holdout rows, if the policy limits that and it is."""
    most = policy.max_reference_loss
    if most is None:
        return ""
    if holdout is None or holdout.gain is None:
        return f"But it may lose at most {most:.3g} on the holdout rows, where it was not measured."
    if -holdout.gain <= most + _ROUNDING:
        return ""
    return f"But on the holdout rows it loses {-holdout.gain:.3f}, and it may lose at most {most:.3g}."


def _numbers(
    slice: SliceName,  # noqa: A002  # as in `decide`
    report: SliceReport,
    compared: Comparison | None,
    terms: Terms,
    *,
    first: bool,
) -> str:
    """Say what was measured."""
    if compared is None:
        return ""
    if report.gain is None:
        return f"On {report.rows} {SHOWN_AS[slice]} the {metric_name(terms.metric)} cannot be computed."
    was = f"{compared.champion:.3f}"
    opponent = f"{was} for always giving the same answer" if first else f"the champion's {was}"
    counts, of_groups = "", f" of {report.groups} groups" if report.groups is not None else ""
    if terms.metric == "accuracy" and report.pairs is not None:
        counts = f", {report.pairs.challenger_only} rows won and {report.pairs.champion_only} lost"
    return (
        f"On {report.rows} {SHOWN_AS[slice]}{of_groups} the challenger's {metric_name(terms.metric)} is "
        f"{compared.challenger:.3f} against {opponent} (gain {compared.gain:+.3f}{counts})."
    )


def _wanted(needed: int | None, alpha: float) -> str:
    """Say how many rows it would take."""
    if needed is None:
        return "There is no gain to prove, so more rows will not help."
    return (
        f"About {needed} rows would prove a gain of this size four times out of five (at the next gate, with "
        f"alpha = {alpha:.2g})."
    )

"""The receipt of a gate: what was compared, on which rows, by which test, and what follows."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from data_processor.statistics.measures import SelectionMetric

Verdict = Literal["promote", "hold", "reject"]
Test = Literal["mcnemar", "sign-flip", "bootstrap"]
"""The paired tests: of right answers by rows, or by groups; of any other metric."""
SliceName = Literal["recent", "reference"]
"""The public names of the recent test rows and of the holdout rows."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pairs(_Frozen):
    """The table behind McNemar's test: rows by who answered them rightly."""

    both_right: int
    challenger_only: int
    champion_only: int
    both_wrong: int


class ClassRecall(_Frozen):
    """How well both models find the rows of one class."""

    label: str
    rows: int
    champion: float
    challenger: float
    p_worse: float
    """How likely so large a loss is if the challenger is no worse; exact one-sided McNemar."""
    broken: bool
    """It loses more than the policy allows, and not by chance."""


class SliceReport(_Frozen):
    """Both models on one set of held-out rows, by the metric that decides."""

    rows: int
    groups: int | None = None
    """How many groups the rows are of, if rows belong together."""
    champion: float | None
    challenger: float | None
    gain: float | None
    """By how much the challenger is better; negative if it is worse."""
    pairs: Pairs | None
    """Classification, and regression with a tolerance."""
    classes: tuple[ClassRecall, ...] = ()
    """Classification: the classes with enough rows to be compared."""


class Receipt(_Frozen):
    """What a gate concluded, with everything needed to compute it again."""

    verdict: Verdict
    reason: str
    slice: SliceName
    """Which rows decided."""
    metric: SelectionMetric
    test: Test
    champion: float | None
    """The champion's value of the metric on the deciding rows; none if there is no champion."""
    challenger: float | None
    baseline: float | None = None
    """Without a champion: what always giving the same answer would reach."""
    p_value: float | None
    """How likely so large a gain is if the challenger is no better; none without deciding rows."""
    p_worse: float | None
    """How likely so large a loss is if the challenger is no worse."""
    alpha: float
    """The level for this gate: `gate_alpha` / (k (k + 1))."""
    k: int
    """Which gate against this champion this is, from 1."""
    n: int
    """The deciding rows."""
    groups: int | None = None
    """How many groups they are of, if rows belong together: these are what the test counts."""
    n_needed: int | None
    """After a `hold`: the deciding rows it would take; none if more rows would not help."""
    next_alpha: float
    """The level of the next gate against this champion, for which `n_needed` is computed."""
    discordance: float | None
    """With the gain, what `n_needed` comes from: a row's second moment of the gain."""
    seed: int
    resamples: int | None
    """Bootstrap, and flipped signs of many groups: how many, drawn with `seed`."""
    slices: dict[SliceName, SliceReport]
    """Both slices, as far as they were measured."""

    def as_json(self) -> dict[str, Any]:
        """Return the receipt as the run, the ledger and `version.json` keep it."""
        return self.model_dump(mode="json")

"""The receipt of a gate: what was compared, on which rows, by which test, and what follows."""

from collections.abc import Mapping
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


class RaterLabels(_Frozen):
    """How much of what a gate saw one rater supplied."""

    rater: str
    trusted: bool
    """All of the labels it counts are trusted."""
    labels: int
    """Labels newer than the champion that the rater gave."""
    used: int
    """Those that count: of a rater who is not trusted at most their share."""
    deciding: int
    """The deciding rows among them."""


class WithoutRater(_Frozen):
    """What the gate would have concluded without the labels of one rater."""

    rater: str
    rows: int
    """The deciding rows that were left out."""
    verdict: Verdict
    p_value: float | None


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
    raters: tuple[RaterLabels, ...] = ()
    """Whose labels the run saw, those with most first; no more than are listed."""
    more_raters: int = 0
    """How many raters are not listed."""
    without: WithoutRater | None = None
    """Without whoever of the raters who are not trusted labelled most of the deciding rows."""
    waits: str | None = None
    """Why the platform does not promote what the gate accepts: a maintainer has to. None: it does."""

    def as_json(self) -> dict[str, Any]:
        """Return the receipt as the run, the ledger and `version.json` keep it."""
        return self.model_dump(mode="json")


def without_names(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored receipt for those who may not know who gave which feedback."""
    whose = ("raters", "more_raters", "without")
    shown = {name: value for name, value in receipt.items() if name not in whose}
    if shown.get("waits"):
        shown["waits"] = "A maintainer has to promote this version."
    return shown

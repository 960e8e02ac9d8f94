"""The numbers that the rules of the statistics depend on; a model's policy has all of them.

`models/policy.py: Policy` says what each means, and its default.
"""

from typing import Literal, Protocol

DriftVerdict = Literal["drift", "no_drift", "no_verdict"]
Direction = Literal["higher", "lower", "wider", "narrower", "more_missing", "fewer_missing", "shares", "none"]
"""Where a feature moved; `shares`: other categories are more frequent."""


class RaterTerms(Protocol):
    """How much one rater may count."""

    @property
    def max_rater_share(self) -> float:
        """The most of what is counted that one rater who is not trusted may supply."""

    @property
    def min_raters(self) -> int:
        """How many raters must have given feedback before that limit applies."""


class ScoreTerms(RaterTerms, Protocol):
    """What the score depends on."""

    @property
    def window(self) -> int:
        """The most predictions it looks back over."""

    @property
    def min_feedback(self) -> int:
        """How many asked predictions must have feedback before they alone decide."""

    @property
    def ask_rate(self) -> float:
        """The share of predictions that people are asked about."""


class GateTerms(Protocol):
    """What a verdict of the gate depends on."""

    @property
    def gate_alpha(self) -> float:
        """The level that all gates against one champion share."""

    @property
    def tolerance(self) -> float:
        """The absolute error up to which a value counts as right."""

    @property
    def max_recall_loss(self) -> float:
        """The most recall that a class may lose."""

    @property
    def min_class_rows(self) -> int:
        """How many deciding rows a class needs before its recall is compared."""

    @property
    def max_reference_loss(self) -> float | None:
        """The most that may be lost on the holdout rows, if that is limited."""

"""How much of a search's budget is left, and what a fit will take."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from time import monotonic

from data_processor.tasks.space import Cost


@dataclass(slots=True)
class Clock:
    """The clock of one search."""

    budget_s: float
    began: float = field(init=False)
    units: dict[Hashable, float] = field(default_factory=dict)
    """The most seconds that a unit of cost took, by kind."""

    def __post_init__(self) -> None:
        """Begin."""
        self.began = monotonic()

    @property
    def used(self) -> float:
        """The seconds since the search began."""
        return monotonic() - self.began

    def learn(self, cost: Cost, seconds: float) -> None:
        """Remember how long one fit took."""
        self.units[cost.kind] = max(seconds / cost.units, self.units.get(cost.kind, 0.0))

    def allows(self, cost: Cost, fits: int) -> bool:
        """Say whether so many fits will end in time; what was never tried counts as cheap."""
        return self.used + fits * self.units.get(cost.kind, 0.0) * cost.units <= self.budget_s

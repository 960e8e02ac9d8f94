"""How much of a search's budget is left, and what a fit will take."""

from dataclasses import dataclass, field
from time import monotonic

from data_processor.tasks.candidates import Candidate
from data_processor.tasks.tables.families import Arm


@dataclass(slots=True)
class Clock:
    """The clock of one search."""

    budget_s: float
    began: float = field(init=False)
    units: dict[tuple[str, bool, str], float] = field(default_factory=dict)
    """The most seconds per unit of cost, by estimator, whether only recent rows are fitted, and encoding."""

    def __post_init__(self) -> None:
        """Begin."""
        self.began = monotonic()

    @property
    def used(self) -> float:
        """The seconds since the search began."""
        return monotonic() - self.began

    def learn(self, arm: Arm, candidate: Candidate, seconds: float) -> None:
        """Remember how long one fit took."""
        key, unit = _key(candidate), seconds / arm.family.cost(candidate.params)
        self.units[key] = max(unit, self.units.get(key, 0.0))

    def allows(self, arm: Arm, candidate: Candidate, fits: int) -> bool:
        """Say whether so many fits will end in time; what was never tried counts as cheap."""
        expected = self.units.get(_key(candidate), 0.0) * arm.family.cost(candidate.params)
        return self.used + fits * expected <= self.budget_s


def _key(candidate: Candidate) -> tuple[str, bool, str]:
    categories = str(candidate.params.get("categories", "usual"))
    return candidate.estimator, candidate.recent_share == "only", categories

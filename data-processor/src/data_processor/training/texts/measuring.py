"""How good what was said of the validation rows is, over all divisions that a candidate was measured by."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features.schema import Schema
from data_processor.statistics.measures import SelectionMetric
from data_processor.training.leaderboard import as_answers, metrics


@dataclass(frozen=True, eq=False)
class Measured:
    """What answers are compared with."""

    metric: SelectionMetric
    """What candidates are ranked by."""
    truth: NDArray[Any]
    """The labels of the validation rows."""
    schema: Schema

    def of(self, said: NDArray[np.float64]) -> dict[str, float]:
        """Return the mean of each metric that has a value in every division: (divisions, rows, classes)."""
        each = [metrics(self.truth, as_answers(one, self.schema), self.schema) for one in said]
        names = [name for name in each[0] if all(name in one for one in each)]
        return {name: float(np.mean([one[name] for one in each])) for name in names}

"""The learning rate in force."""

import pytest

from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS
from data_processor.tasks.incremental.schedules import rate_in_force


@pytest.mark.parametrize(
    ("schedule", "epochs", "share"),
    [
        ("constant", 1000, 1.0),
        ("inverse-scaling", 0, 1.0),
        ("inverse-scaling", 3, 0.5),
        ("step", 9, 1.0),
        ("step", 10, 0.5),
        ("step", 25, 0.25),
    ],
)
def test_a_schedule_lowers_the_rate_by_epochs(schedule: str, epochs: int, share: float) -> None:
    assert rate_in_force(0.4, schedule, epochs) == pytest.approx(0.4 * share)


def test_every_declared_schedule_is_known() -> None:
    (declared,) = [one for one in LIVE_CLASSIFIERS[0].hyperparameters if one.name == "schedule"]
    assert all(rate_in_force(1.0, name, 100) > 0 for name in declared.choices or ())

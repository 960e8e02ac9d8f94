"""The learning rate in force, from what was set and how long ago."""

from collections.abc import Callable

HALVED_EVERY = 10
"""Epochs after which the schedule `step` halves the rate."""

_SHARES: dict[str, Callable[[int], float]] = {
    "constant": lambda _epochs: 1.0,
    "inverse-scaling": lambda epochs: (1 + epochs) ** -0.5,
    "step": lambda epochs: 0.5 ** (epochs // HALVED_EVERY),
}


def rate_in_force(rate: float, schedule: str, epochs: int) -> float:
    """Return the learning rate so many whole epochs after rate or schedule was last set."""
    return float(rate) * _SHARES[schedule](epochs)

"""How much a model is asked, how fast it answers, and what it could not answer.

Counts and latencies come from the recorded predictions, so they are those of all replicas and survive a
restart. Only refusals are counted in memory: by the replica that is asked, since it started.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from data_processor.predictions.records import PredictionStore
from data_processor.service.database import now

SAMPLE = 500
"""The most recorded latencies of an hour that its quantiles are computed from: the newest."""
HOUR_S = 3600


class Latency(BaseModel):
    """How long predictions took, in milliseconds, from the request's arrival until they were on disk."""

    p50: float = Field(description="Half of them took no longer.")
    p95: float
    p99: float


class TrafficHour(BaseModel):
    """One hour."""

    at: datetime = Field(description="When it begins.")
    predictions: int
    latency_ms: Latency | None = Field(description="Null for an hour without predictions.")


class Traffic(BaseModel):
    """What a model was asked lately."""

    model: str
    predictions: int = Field(description="Answered in all these hours.")
    latency_ms: Latency | None = Field(description="Over all these hours, of up to 500 predictions of each.")
    hours: list[TrafficHour] = Field(description="Oldest first; the last one is not over.")
    refused: dict[str, int] = Field(
        description="Requests without an answer, by reason, as the replica that was asked counted them."
    )
    refused_since: datetime = Field(description="When that replica started.")


class TrafficLog:
    """What the models of this stage were asked, as one replica tells it."""

    def __init__(self, predictions: PredictionStore, refusals: Callable[[str], dict[str, int]]) -> None:
        """Read recorded predictions, and what this replica did not answer of a model, by reason."""
        self._predictions = predictions
        self._refusals = refusals
        self._since = now()

    def of(self, model: str, hours: int, now_s: float | None = None) -> Traffic:
        """Return what a model was asked in the last hours, the one that is not over included."""
        last = int(now_s if now_s is not None else time.time()) // HOUR_S
        found, latencies = [], []
        for hour in range(last - hours + 1, last + 1):
            count, sample = self._predictions.latencies(model, hour * HOUR_S, (hour + 1) * HOUR_S, SAMPLE)
            at = datetime.fromtimestamp(hour * HOUR_S, UTC)
            found.append(TrafficHour(at=at, predictions=count, latency_ms=_latency(sample)))
            latencies += sample
        return Traffic(
            model=model,
            predictions=sum(hour.predictions for hour in found),
            latency_ms=_latency(latencies),
            hours=found,
            refused=self._refusals(model),
            refused_since=self._since,
        )


def _latency(sample: Sequence[float]) -> Latency | None:
    """Return quantiles by the nearest rank: each is a latency that somebody had."""
    if not sample:
        return None
    ranked = sorted(sample)
    p50, p95, p99 = (ranked[-(-len(ranked) * share // 100) - 1] for share in (50, 95, 99))
    return Latency(p50=p50, p95=p95, p99=p99)

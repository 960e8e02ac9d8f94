"""Aliases that somebody moved in MLflow, and that the stage moved back instead of adopting them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import select

from data_processor.database import Database
from data_processor.rows import AliasRefusalRow
from data_processor.service.database import now
from data_processor.service.signals import AnyMetric, Metric

Count = Callable[[str], None]
"""Counts a refusal in a metric, by model."""

REFUSALS = Metric(
    Counter,
    "loopkeeper_alias_refusals",
    "Times that an alias moved in MLflow was moved back instead of being adopted.",
    {"model": "models of this stage"},
)
METRICS: tuple[AnyMetric, ...] = (REFUSALS,)


def alias_counter(registry: CollectorRegistry) -> Count:
    """Return what counts refusals in a metric of a worker."""
    counter = REFUSALS.register(registry)
    return lambda model: counter.labels(model).inc()


class Refusals:
    """The refusals of one stage: one row for each version, however often an alias was moved to it."""

    def __init__(self, database: Database, stage: str, count: Count | None = None) -> None:
        """Keep them in the records."""
        self._database = database
        self._stage = stage
        self._count = count

    def record(self, model: str, version: str, reason: str) -> None:
        """Note that an alias was moved to a version and why that was refused."""
        with self._database.transaction() as session:
            row = session.get(AliasRefusalRow, (self._stage, model, version))
            if row is None:
                row = AliasRefusalRow(stage=self._stage, model=model, version=version, times=0)
                session.add(row)
            row.reason, row.times, row.at = reason, row.times + 1, now()
        if self._count is not None:
            self._count(model)

    def of(self, model: str) -> list[AliasRefusalRow]:
        """Return the refusals of a model, the last first."""
        mine = (AliasRefusalRow.stage == self._stage, AliasRefusalRow.model == model)
        query = select(AliasRefusalRow).where(*mine).order_by(AliasRefusalRow.at.desc())
        with self._database.reading() as session:
            return list(session.scalars(query))

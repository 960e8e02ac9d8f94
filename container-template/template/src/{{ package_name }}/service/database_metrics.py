"""How long a database takes, told as OpenTelemetry's semantic conventions for database clients say."""

from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Histogram
from sqlalchemy import Connection, Engine, ExceptionContext, event

from .registry import SECONDS
from .signals import AnyMetric, Metric

OPERATIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "other")
DURATION = Metric(
    Histogram,
    "db_client_operation_duration_seconds",
    "Time that the database took for one statement, or to commit.",
    {
        "db_system_name": ("sqlite", "postgresql"),
        "db_operation_name": OPERATIONS,
        "error_type": "kinds of SQLAlchemy's errors; empty if all went well",
    },
    SECONDS,
)
METRICS: tuple[AnyMetric, ...] = (DURATION,)
_BEGAN = "operation began"


class DatabaseMetrics:
    """The metric of one process's databases."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register it."""
        self._seconds = DURATION.register(registry)
        # labels() locks and builds tuples on each call; there are few label sets, so their children are kept.
        self._children: dict[tuple[str, str, str], Histogram] = {}

    def watch(self, engine: Engine) -> None:
        """Measure from now on what an engine's connections are asked."""
        system = engine.dialect.name

        def begin(connection: Connection, *_more: Any) -> None:
            connection.info[_BEGAN] = perf_counter()

        def end(connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
            self._observe(system, statement, "", connection.info.pop(_BEGAN))

        def fail(context: ExceptionContext) -> None:
            began = context.connection.info.pop(_BEGAN, None) if context.connection else None
            if began is not None and context.statement is not None:
                error = type(context.sqlalchemy_exception or context.original_exception).__name__
                self._observe(system, context.statement, error, began)

        event.listen(engine, "before_cursor_execute", begin)
        event.listen(engine, "after_cursor_execute", end)
        event.listen(engine, "handle_error", fail)
        commit = engine.dialect.do_commit

        def timed_commit(connection: Any) -> None:
            began = perf_counter()
            commit(connection)
            self._observe(system, "COMMIT", "", began)

        # No event tells when a commit has ended, and on SQLite that is when the disk has it.
        engine.dialect.do_commit = timed_commit  # type: ignore[assignment]

    def _observe(self, system: str, statement: str, error: str, began: float) -> None:
        seconds = perf_counter() - began
        first = statement.split(maxsplit=1)[0].upper()
        key = (system, first if first in OPERATIONS else "other", error)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._seconds.labels(*key)
        child.observe(seconds)

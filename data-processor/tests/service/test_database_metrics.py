from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from data_processor.service.database import Database
from data_processor.service.database_metrics import METRICS, DatabaseMetrics
from data_processor.service.signals import undeclared


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry(auto_describe=True)


@pytest.fixture
def database(tmp_path: Path, registry: CollectorRegistry) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'things.db'}")
    DatabaseMetrics(registry).watch(opened.engine)
    yield opened
    opened.close()


def _count(registry: CollectorRegistry, operation: str, error: str = "") -> float | None:
    labels = {"db_system_name": "sqlite", "db_operation_name": operation, "error_type": error}
    return registry.get_sample_value("db_client_operation_duration_seconds_count", labels)


def test_statements_are_counted_by_what_they_do_and_commits_with_them(
    database: Database, registry: CollectorRegistry
) -> None:
    with database.transaction() as session:
        session.execute(text("CREATE TABLE things (name TEXT)"))
        for name in ("a", "b"):
            session.execute(text("insert into things values (:name)"), {"name": name})
    with database.reading() as session:
        session.execute(text("SELECT * FROM things"))
    assert [_count(registry, name) for name in ("INSERT", "SELECT", "COMMIT", "other")] == [2, 1, 1, 1]
    assert _count(registry, "BEGIN") == 2
    assert undeclared(registry.collect(), METRICS, ()) == []


def test_a_statement_that_fails_is_counted_with_its_kind_of_error(
    database: Database, registry: CollectorRegistry
) -> None:
    with pytest.raises(OperationalError), database.reading() as session:
        session.execute(text("SELECT * FROM nothing"))
    assert _count(registry, "SELECT", "OperationalError") == 1
    assert _count(registry, "SELECT") is None

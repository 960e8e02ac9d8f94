import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import data_processor
from data_processor.database import Database
from data_processor.models.repository import (
    current_entries,
    current_entry,
    has_served,
    serving_version,
    serving_versions,
    stage_history,
)
from data_processor.rows import PromotionRow

ENTRIES = [("m", "main", "1"), ("m", "main", "2"), ("m", "staging", "3"), ("n", "main", "9")]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.create_tables()
    with database.transaction() as session:
        for seq, (model, stage, version) in enumerate(ENTRIES, 1):
            entry = {"id": f"e{seq}", "seq": seq, "kind": "promotion", "subject": "ann", "reason": "because"}
            session.add(PromotionRow(model=model, stage=stage, version=version, **entry))
    yield database
    database.close()


def test_a_stage_serves_the_version_of_its_last_entry(database: Database) -> None:
    with database.reading() as session:
        assert serving_version(session, "m", "main") == "2"
        assert serving_versions(session, "m") == {"main": "2", "staging": "3"}
        assert {model: entry.version for model, entry in current_entries(session, "main").items()} == {
            "m": "2",
            "n": "9",
        }
        assert serving_version(session, "n", "staging") is None
        assert current_entry(session, "n", "staging") is None


def test_what_a_stage_served_before_is_remembered_in_order(database: Database) -> None:
    with database.reading() as session:
        assert [entry.version for entry in stage_history(session, "m", "main")] == ["1", "2"]
        assert has_served(session, "m", "main", "1")
        assert not has_served(session, "m", "staging", "1")


def test_no_other_module_asks_the_ledger_s_table_what_a_stage_serves() -> None:
    sources = Path(data_processor.__file__).parent.rglob("*.py")
    asking = [path.name for path in sources if re.search(r"select\(\s*PromotionRow", path.read_text())]
    assert sorted(asking) == ["ledger.py", "repository.py"]

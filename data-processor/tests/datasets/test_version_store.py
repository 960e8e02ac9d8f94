from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import delete

from data_processor.adapters.dvc_repository import DvcRepository, TableVersion
from data_processor.database import Database
from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import LabelledRow, UnreadableTableError
from data_processor.datasets.version_store import (
    DamagedTableError,
    DatasetNotFoundError,
    TableRepository,
    VersionStore,
)
from data_processor.features.schema import Schema
from data_processor.features.split import FEEDBACK_COLUMN
from data_processor.rows import DatasetRow, DatasetVersionRow

# pygtrie, which dvc uses, warns of a change in itself.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

FRAME = pd.DataFrame({"age": [39, 50, 38], "job": ["a", None, "b"], "income": ["low", "high", "low"]})
FEEDBACK = [
    LabelledRow(3, "p1", {"age": 20, "job": "a"}, "high"),
    LabelledRow(7, "p2", {"age": 21, "job": None}, "low"),
]


class MemoryRepository:
    """A table repository that keeps everything in memory."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, int], bytes] = {}
        self.made: dict[str, list[TableVersion]] = {}

    def commit(self, dataset: str, table: bytes, facts: Mapping[str, Any], request: str) -> TableVersion:
        """Keep a table."""
        if made := self.find(dataset, request):
            return made
        versions = self.made.setdefault(dataset, [])
        version = TableVersion(len(versions) + 1, f"revision {len(versions) + 1}", request, dict(facts))
        versions.append(version)
        self.tables[dataset, version.number] = table
        return version

    def find(self, dataset: str, request: str) -> TableVersion | None:
        """Find the version that a request made."""
        return next((made for made in self.made.get(dataset, []) if made.request == request), None)

    def versions(self, dataset: str) -> list[TableVersion]:
        """Return every version."""
        return list(self.made.get(dataset, []))

    def read(self, dataset: str, number: int) -> bytes:
        """Return a table."""
        return self.tables[dataset, number]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    database.create_tables()
    yield database
    database.close()


@pytest.fixture
def repository() -> MemoryRepository:
    return MemoryRepository()


@pytest.fixture
def store(database: Database, repository: TableRepository) -> VersionStore:
    return VersionStore(database, repository)


@pytest.fixture
def schema() -> Schema:
    return infer_schema(FRAME, "income")


def forget_rows(database: Database) -> None:
    with database.transaction() as session:
        session.execute(delete(DatasetVersionRow))


def test_an_upload_is_a_version_and_makes_the_dataset_ready(
    store: VersionStore, database: Database, schema: Schema
) -> None:
    made = store.add_upload("people", FRAME, schema, request="upload 1")

    assert (made.version, made.kind, made.rows, made.feedback_seq) == (1, "upload", 3, 0)
    assert store.schema("people") == schema
    assert store.read("people", 1)["age"].tolist() == [39, 50, 38]
    with database.reading() as session:
        assert session.get_one(DatasetRow, "people").state == "ready"


def test_a_snapshot_is_the_last_upload_with_the_feedback_behind_it(
    store: VersionStore, schema: Schema
) -> None:
    store.add_upload("people", FRAME, schema, request="upload 1")
    store.add_upload("people", FRAME.iloc[:2], schema, request="upload 2")

    made = store.snapshot("people", FEEDBACK, request="run 1")
    table = store.read("people", made.version)

    assert (made.version, made.kind, made.rows, made.feedback_seq) == (3, "snapshot", 4, 7)
    assert table["age"].tolist() == [39, 50, 20, 21]
    assert table["income"].tolist() == ["low", "high", "high", "low"]
    assert table[FEEDBACK_COLUMN].tolist() == [0, 0, 3, 7]


def test_a_dataset_of_another_stack_is_taken_in_once(
    store: VersionStore, database: Database, schema: Schema
) -> None:
    store.add_upload("people", FRAME, schema, request="upload 1")
    store.snapshot("people", FEEDBACK, request="run 1")
    with database.transaction() as session:  # this stack never saw it
        session.execute(delete(DatasetVersionRow))
        session.execute(delete(DatasetRow))

    assert store.take_in("people", schema) == 2
    assert store.take_in("people", schema) == 0
    assert [(one.version, one.kind, one.feedback_seq) for one in store.versions("people")] == [
        (1, "upload", 0),
        (2, "snapshot", 0),
    ]
    assert store.snapshot("people", FEEDBACK, request="run 2").version == 2


def test_a_repeated_request_returns_its_version_whatever_came_since(
    store: VersionStore, schema: Schema
) -> None:
    store.add_upload("people", FRAME, schema, request="upload 1")
    made = store.snapshot("people", FEEDBACK[:1], request="run 1")
    store.snapshot("people", FEEDBACK, request="run 2")

    assert store.snapshot("people", FEEDBACK, request="run 1").version == made.version
    assert [version.version for version in store.versions("people")] == [1, 2, 3]


def test_a_version_whose_row_was_never_written_is_found_again(
    store: VersionStore, database: Database, schema: Schema
) -> None:
    first = store.add_upload("people", FRAME, schema, request="upload 1")
    made = store.snapshot("people", FEEDBACK, request="run 1")
    with database.transaction() as session:
        session.execute(delete(DatasetVersionRow).where(DatasetVersionRow.version == made.version))

    again = store.snapshot("people", [], request="run 1")

    assert (again.version, again.rows, again.feedback_seq, again.sha256) == (2, 5, 7, made.sha256)
    assert first.version == 1


def test_an_upload_that_was_interrupted_is_repeated_as_one_version(
    store: VersionStore, database: Database, schema: Schema
) -> None:
    made = store.add_upload("people", FRAME, schema, request="upload 1")
    forget_rows(database)

    again = store.add_upload("people", FRAME, schema, request="upload 1")

    assert (again.version, again.revision) == (made.version, made.revision)


def test_a_snapshot_without_anything_new_is_the_version_there_is(store: VersionStore, schema: Schema) -> None:
    store.add_upload("people", FRAME, schema, request="upload 1")
    made = store.snapshot("people", FEEDBACK, request="run 1")

    assert store.snapshot("people", FEEDBACK, request="run 2").version == made.version
    assert store.snapshot("people", [], request="run 3").version == made.version + 1
    assert len(store.versions("people")) == 3


def test_a_table_that_changed_since_it_was_stored_is_refused(
    store: VersionStore, repository: MemoryRepository, schema: Schema
) -> None:
    store.add_upload("people", FRAME, schema, request="upload 1")
    repository.tables["people", 1] += b"!"

    with pytest.raises(DamagedTableError, match="Version 1 of dataset 'people'"):
        store.read("people", 1)


def test_what_does_not_exist_is_named(store: VersionStore, schema: Schema) -> None:
    with pytest.raises(DatasetNotFoundError, match="no dataset 'people'"):
        store.schema("people")
    with pytest.raises(DatasetNotFoundError, match="no upload"):
        store.snapshot("people", [], request="run 1")
    store.add_upload("people", FRAME, schema, request="upload 1")
    with pytest.raises(DatasetNotFoundError, match="no version 2"):
        store.read("people", 2)


def test_a_table_that_cannot_be_kept_leaves_no_dataset(store: VersionStore, schema: Schema) -> None:
    with pytest.raises(UnreadableTableError, match="no rows"):
        store.add_upload("people", FRAME.iloc[:0], schema, request="upload 1")
    with pytest.raises(DatasetNotFoundError):
        store.schema("people")


def test_versions_go_through_a_real_repository(database: Database, schema: Schema, tmp_path: Path) -> None:
    repository = DvcRepository(tmp_path / "datasets", str(tmp_path / "datasets.git"), str(tmp_path / "store"))
    store = VersionStore(database, repository)
    store.add_upload("people", FRAME, schema, request="upload 1")

    made = store.snapshot("people", FEEDBACK, request="run 1")
    forget_rows(database)
    again = store.snapshot("people", FEEDBACK, request="run 1")

    assert (again.version, again.revision, again.sha256) == (2, made.revision, made.sha256)
    assert store.read("people", 2)["age"].tolist() == [39, 50, 38, 20, 21]

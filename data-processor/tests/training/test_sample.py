import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from data_processor.database import Database
from data_processor.datasets.census import make_table
from data_processor.datasets.version_store import repository
from data_processor.models.ledger import Ledger
from data_processor.rows import ModelRow, RunRow
from data_processor.runs.events import RunLog
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.settings import Settings
from data_processor.training.sample import NAME, SamplePlant, train_sample

Wait = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        service_token=SecretStr("t" * 16),
        caller_key=SecretStr("k" * 16),
        signing_key=SecretStr("s" * 16),
        state_dir=tmp_path / "state",
        mlflow_url="http://127.0.0.1:9",
        sample_model=True,
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    settings.runs_dir.mkdir(parents=True)
    opened = Database(settings.records_url)
    opened.create_tables()
    yield opened
    opened.close()


def end(database: Database, run: RunRow, status: str) -> None:
    journal = RunLog(database, run.id)
    journal.append("status", {"status": status}, status=status, finished_at=now())


def test_a_first_start_plants_the_model_and_opens_its_first_run(
    settings: Settings, database: Database
) -> None:
    plant = SamplePlant(settings, database, Ledger(database))
    plant.ensure()
    plant.ensure()
    [run] = Runs(database, "main").page()
    assert (run.model, run.trigger, run.status, run.subject) == (NAME, "initial", "queued", "loopkeeper")
    [version] = repository(settings)._versions(NAME)
    assert version.facts["rows"] == 30_000
    assert list(settings.runs_dir.iterdir()) == []


def planted(settings: Settings, database: Database) -> tuple[SamplePlant, RunRow]:
    """Return a plant that finds its model and first run there."""
    with database.transaction() as session:
        session.add(ModelRow(name=NAME, task="t", dataset=NAME, target="y", salt="s", policy={}))
    run = Runs(database, "main").open(None, NAME, trigger="initial", reason="x", subject="loopkeeper")
    return SamplePlant(settings, database, Ledger(database)), run


def test_a_first_run_that_failed_is_repeated_but_not_for_ever(settings: Settings, database: Database) -> None:
    plant, run = planted(settings, database)
    runs = Runs(database, "main")
    for attempt in (1, 2, 3):
        plant.ensure()
        found = runs.page()
        assert len(found) == attempt
        end(database, found[0], "failed")
    plant.ensure()
    assert plant.done
    assert len(runs.page()) == 3
    assert run.id in {row.id for row in runs.page()}


def test_a_first_run_that_somebody_cancelled_stays_so(settings: Settings, database: Database) -> None:
    plant, run = planted(settings, database)
    end(database, run, "cancelled")
    plant.ensure()
    assert len(Runs(database, "main").page()) == 1


def test_a_sample_model_that_somebody_deleted_stays_away(settings: Settings, database: Database) -> None:
    plant, run = planted(settings, database)
    end(database, run, "succeeded")
    with database.transaction() as session:
        session.delete(session.get_one(ModelRow, NAME))
    plant.ensure()
    assert plant.done
    assert len(Runs(database, "main").page()) == 1


def test_without_the_setting_nothing_is_planted(settings: Settings, database: Database) -> None:
    plant = SamplePlant(settings.model_copy(update={"sample_model": False}), database, Ledger(database))
    plant.ensure()
    assert Runs(database, "main").page() == []


def follow(database: Database, status: str, wait_until: Wait) -> threading.Thread:
    """Stand in for the worker: end the next run as soon as it is there."""

    def work() -> None:
        runs = Runs(database, "main")
        wait_until(lambda: len(runs.page()) == 1, 60)
        end(database, runs.page()[0], status)

    started = threading.Thread(target=work)
    started.start()
    return started


def test_real_data_from_a_csv_becomes_a_version_and_a_run(
    settings: Settings, database: Database, tmp_path: Path, wait_until: Wait, capsys: Any
) -> None:
    csv = tmp_path / "adult.csv"
    table = make_table(300, seed=1)
    table["income-per-year"] += "."  # as in UCI's test file
    table.to_csv(csv, index=False, na_rep="?")
    worker = follow(database, "succeeded", wait_until)
    train_sample(settings, csv)
    worker.join()
    [run] = Runs(database, "main").page()
    assert (run.trigger, run.reason) == ("upload", f"UCI Adult from {csv.name}.")
    assert repository(settings)._versions(NAME)[0].facts["rows"] == 300
    assert "STATUS status=succeeded" in capsys.readouterr().out


def test_a_run_that_fails_ends_the_command_with_its_error(
    settings: Settings, database: Database, tmp_path: Path, wait_until: Wait
) -> None:
    csv = tmp_path / "adult.csv"
    make_table(300, seed=1).to_csv(csv, index=False)
    worker = follow(database, "failed", wait_until)
    with pytest.raises(SystemExit, match="failed"):
        train_sample(settings, csv)
    worker.join()


def test_a_csv_that_is_something_else_is_refused(settings: Settings, tmp_path: Path) -> None:
    csv = tmp_path / "wine.csv"
    csv.write_text("age,taste\n7,dry\n")
    with pytest.raises(SystemExit, match="no column workclass, fnlwgt"):
        train_sample(settings, csv)


def test_a_csv_with_other_classes_is_refused(settings: Settings, tmp_path: Path) -> None:
    csv = tmp_path / "adult.csv"
    make_table(50, seed=1).assign(**{"income-per-year": "rich"}).to_csv(csv, index=False)
    with pytest.raises(SystemExit, match="has the values rich"):
        train_sample(settings, csv)

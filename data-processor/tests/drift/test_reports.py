"""From predictions to a report, on a served model, as a person and as the platform get one."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.adapters.object_store import FolderStore
from data_processor.adapters.stores import open_report_store
from data_processor.app import create_app
from data_processor.datasets.census import make_table, sample_rows, schema_of
from data_processor.datasets.version_store import VersionStore, repository
from data_processor.drift import schedule
from data_processor.drift.schedule import DriftSchedule
from data_processor.models.policy import Policy
from data_processor.rows import DestinationRow, DriftReportRow, ModelRow, NotificationRow, RunRow
from data_processor.service.database import now

M = "census-income"
PATH = f"/v1/models/{M}/drift-reports"


@pytest.fixture
def world(new_world: Callable[..., Any]) -> Any:
    made = new_world()
    table = make_table(400, seed=7)
    VersionStore(made.database, repository(made.settings)).add_upload(
        M, table, schema_of(table), request="one"
    )
    made.promote("1")
    return made


@pytest.fixture
def engineer(world: Any, acting_as: Any, wait_until: Callable[..., None]) -> Iterator[TestClient]:
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("eve", "engineer")
        wait_until(lambda: client.get(f"/v1/models/{M}").json()["ready"])
        yield client


@pytest.fixture
def due(world: Any) -> DriftSchedule:
    return DriftSchedule(
        world.settings, world.database, world.predictions, FolderStore(world.settings.state_dir / "reports")
    )


def predict(client: TestClient, rows: int, **changed: Any) -> None:
    inputs = [{**row["inputs"], **changed} for row in sample_rows(rows, 3)]
    assert client.post(f"/v1/models/{M}/predictions", json={"inputs": inputs}).status_code == 200


def runs(world: Any) -> list[RunRow]:
    with world.database.reading() as session:
        return list(session.query(RunRow).filter_by(kind="drift").order_by(RunRow.created_at))


@pytest.mark.usefixtures("tasks")
def test_a_report_is_made_on_request_and_can_be_downloaded(
    world: Any, engineer: TestClient, carry_out_runs: Callable[..., None]
) -> None:
    with world.database.transaction() as session:
        session.add(
            DestinationRow(
                id="d", name="ops", kind="webhook", address="", secret="", shown="", subject="mia",
                events=["drift.found"],
            )
        )  # fmt: skip
    predict(engineer, 300, age=25)
    begun = engineer.post(PATH)
    assert begun.status_code == 202
    assert engineer.post(PATH).json()["id"] == begun.json()["id"]
    carry_out_runs(world.settings, world.database, ["drift"])

    (short,) = engineer.get(PATH).json()
    assert (short["verdict"], short["drifted"], short["news"]) == ("drift", ["age"], ["age"])
    with world.database.reading() as session:
        (told,) = session.query(NotificationRow).all()
    assert (told.type, told.version) == ("drift.found", "1")
    assert "New: age." in told.message
    assert (short["rows"], short["reference_rows"], short["version"]) == (300, 400, "1")
    assert short["consequence"] == "The policy opens no run on drift (drift_run)."
    found = engineer.get(f"{PATH}/{short['id']}").json()
    age = next(one for one in found["features"] if one["feature"] == "age")
    assert (age["drifted"], age["direction"], age["n"], age["threshold"]) == (True, "lower", 300, 0.1)
    assert age["distance"] > 0.5 > age["p_value"]
    page = engineer.get(f"{PATH}/{short['id']}.html")
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert short["reason"] in page.text
    assert len(page.text) > 100_000
    assert engineer.get(f"/v1/runs/{short['id']}").json()["result"]["verdict"] == "drift"


@pytest.mark.usefixtures("tasks")
def test_answers_that_are_all_alike_are_drift_of_the_answers(
    new_world: Callable[..., Any],
    acting_as: Any,
    carry_out_runs: Callable[..., None],
    wait_until: Callable[..., None],
) -> None:
    world = new_world()
    table = make_table(1_000, seed=7)
    versions = VersionStore(world.database, repository(world.settings))
    versions.add_upload(M, table, schema_of(table), request="one")
    world.promote("1")
    row = sample_rows(1, 3)[0]["inputs"]
    with TestClient(create_app(world.settings)) as engineer:
        engineer.auth = acting_as("eve", "engineer")
        wait_until(lambda: engineer.get(f"/v1/models/{M}").json()["ready"])
        given = engineer.post(f"/v1/models/{M}/predictions", json={"inputs": [row] * 120}).json()
        report = engineer.post(PATH).json()["id"]
        carry_out_runs(world.settings, world.database, ["drift"])
        found = engineer.get(f"{PATH}/{report}").json()
        page = engineer.get(f"{PATH}/{report}.html").text
    answers = found["features"][0]
    assert (answers["feature"], answers["drifted"]) == ("income-per-year (answered)", True)
    assert answers["n"] == 120
    assert f"{given['predictions'][0]['label']!r} in 100.0 %" in answers["change"]
    assert "income-per-year (answered)" in found["news"]
    assert "income-per-year (answered)" in page


@pytest.mark.usefixtures("tasks")
def test_nobody_is_told_of_drift_on_eight_rows(
    world: Any, engineer: TestClient, carry_out_runs: Callable[..., None]
) -> None:
    predict(engineer, 8, age=90)
    engineer.post(PATH)
    carry_out_runs(world.settings, world.database, ["drift"])
    (short,) = engineer.get(PATH).json()
    assert (short["verdict"], short["drifted"], short["news"]) == ("no_verdict", [], [])
    assert "are 8 of the 100 recent predictions" in short["reason"]
    assert engineer.get(f"{PATH}/{short['id']}.html").status_code == 200


def test_unknown_models_and_reports_are_not_found(engineer: TestClient) -> None:
    assert engineer.get("/v1/models/wine/drift-reports").status_code == 404
    assert engineer.post("/v1/models/wine/drift-reports").status_code == 404
    assert engineer.get(f"{PATH}/none").status_code == 404
    assert engineer.get(f"{PATH}/none.html").status_code == 404


def test_a_run_is_queued_once_when_enough_was_predicted(
    world: Any, engineer: TestClient, due: DriftSchedule
) -> None:
    with world.database.transaction() as session:
        session.get_one(ModelRow, M).policy = Policy(drift_every=100).model_dump(mode="json")
    predict(engineer, 99)
    due.poll()
    assert runs(world) == []
    predict(engineer, 1)
    due.poll()
    due.poll()
    (run,) = runs(world)
    assert (run.trigger, run.reason) == ("drift", "100 predictions were made since the last comparison.")


def test_a_day_after_the_last_report_a_few_predictions_are_enough(
    world: Any, engineer: TestClient, due: DriftSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(engineer, 3)
    due.poll()
    assert runs(world) == []
    monkeypatch.setattr(schedule, "now", lambda: now() + timedelta(days=1))
    due.poll()
    assert [run.reason for run in runs(world)] == ["A day has passed since the last comparison."]


def test_without_new_predictions_nothing_is_compared_however_long(
    world: Any, due: DriftSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "now", lambda: now() + timedelta(days=9))
    due.poll()
    assert runs(world) == []


def test_the_oldest_reports_expire_with_their_pages(
    new_world: Callable[..., Any], store_settings: dict[str, Any]
) -> None:
    world = new_world(drift_reports_kept=2, **store_settings)
    store = open_report_store(world.settings)
    fields: dict[str, Any] = {"stage": "main", "version": "1", "verdict": "no_drift", "reason": "None did."}
    more: dict[str, Any] = {"rows": 1, "reference_rows": 1, "last_prediction": "", "consequence": ""}
    empty: dict[str, Any] = {"features": [], "left_out": {}, "news": []}
    with world.database.transaction() as session:
        for place, model in enumerate([M, M, M, "gone"]):
            key = f"drift/{model}/{place}.html"
            store.put(key, b"page", "text/html")
            at = now() + timedelta(seconds=place)
            session.add(
                DriftReportRow(id=str(place), model=model, page=key, at=at, **fields, **more, **empty)
            )
    DriftSchedule(world.settings, world.database, world.predictions, store).sweep()
    with world.database.reading() as session:
        assert sorted(row.id for row in session.query(DriftReportRow)) == ["1", "2"]
    kept = [store.get(f"drift/{model}/{place}.html") for place, model in enumerate([M, M, M, "gone"])]
    assert kept == [None, b"page", b"page", None]

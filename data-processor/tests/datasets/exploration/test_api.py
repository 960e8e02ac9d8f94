"""Profiles through `serve`, computed by child processes, or as they do, from tables under real DVC."""

from typing import Any

import pytest
from sqlalchemy import select

from data_processor.datasets.exploration.profiles import explore_stored
from data_processor.datasets.exploration.schemas import FORMAT
from data_processor.rows import DatasetProfileRow, DatasetRow, DatasetVersionRow, RunRow
from data_processor.runs.events import RunLog
from data_processor.runs.service import Runs

PATH = "/v1/datasets/people/profile"
PEOPLE = b"age,said,mood\n" + b"".join(
    f"{20 + n % 50},{said} number {n},{mood}\n".encode()
    for n, (said, mood) in enumerate([("what a lovely day", "calm"), ("go away you people", "angry")] * 60)
)


@pytest.fixture
def stored(desk: Any) -> Any:
    """Hand in a dataset and store it."""
    assert desk.upload(PEOPLE).status_code == 201
    assert desk.confirm(target="mood", columns={"said": {"kind": "text"}}).status_code == 202
    desk.keep()
    assert desk.read()["state"] == "ready"
    return desk


@pytest.fixture
def known(desk: Any) -> Any:
    """Let there be a dataset with a version, without any file."""
    with desk.database.transaction() as session:
        session.add(DatasetRow(name="people", task="tabular-classification", schema={}, state="ready"))
        for number in (1, 2):
            session.add(
                DatasetVersionRow(
                    dataset="people", version=number, revision="r", kind="upload", rows=3, sha256="s"
                )
            )
    return desk


def runs(desk: Any) -> list[RunRow]:
    with desk.database.reading() as session:
        query = select(RunRow).where(RunRow.kind == "profile").order_by(RunRow.created_at)
        return list(session.scalars(query))


def keep(desk: Any, version: int, form: int = FORMAT) -> None:
    with desk.database.transaction() as session:
        session.merge(
            DatasetProfileRow(dataset="people", version=version, format=form, profile="{}", report="<p>")
        )


@pytest.mark.usefixtures("tasks")
def test_a_stored_version_is_explored_in_the_background_and_read_until_it_is_deleted(stored: Any) -> None:
    [run] = runs(stored)
    assert (run.status, run.trigger, run.dataset_version) == ("queued", "upload", 1)
    waiting = stored.client.get(PATH)
    assert waiting.status_code == 202
    assert waiting.json() == {
        "state": "computing", "dataset": "people", "version": 1, "run": run.id, "progress": 0.0,
    }  # fmt: skip
    assert stored.client.get(f"{PATH}.html").json() == waiting.json()

    stored.explore()
    found = stored.client.get(PATH, params={"version": 1})
    assert found.status_code == 200, found.text
    profile = found.json()
    assert (profile["state"], profile["version"], profile["target"]) == ("ready", 1, "mood")
    assert profile["rows"] == {"total": 120, "sampled": 120}
    assert [group["label"] for group in profile["texts"][0]["groups"]] == [None, "angry", "calm"]
    report = stored.client.get(f"{PATH}.html")
    assert report.status_code == 200
    assert report.headers["content-disposition"] == 'attachment; filename="people-profile.html"'
    assert "Texts: said" in report.text
    log = stored.client.get(f"/v1/runs/{run.id}/logs").text
    assert "120 of 120 rows were sampled." in log

    assert stored.client.delete("/v1/datasets/people").status_code == 204
    with stored.database.reading() as session:
        assert list(session.scalars(select(DatasetProfileRow))) == []
    assert stored.client.get(PATH).status_code == 404


def test_the_first_look_at_a_version_queues_one_run(known: Any) -> None:
    first = known.client.get(PATH)
    assert (first.status_code, first.json()["version"]) == (202, 2)
    assert known.client.get(PATH, params={"version": 2}).json() == first.json()
    assert known.client.post(PATH).json() == first.json()
    [run] = runs(known)
    assert (run.trigger, run.subject, run.id) == ("manual", "eve", first.json()["run"])


def test_versions_are_explored_apart(known: Any) -> None:
    keep(known, 2)
    assert known.client.get(PATH).status_code == 200
    assert known.client.get(PATH, params={"version": 1}).status_code == 202


def test_progress_is_told(known: Any) -> None:
    run = known.client.get(PATH).json()["run"]
    RunLog(known.database, run).append("status", {"status": "running"}, status="running", progress=0.4)
    assert known.client.get(PATH).json()["progress"] == 0.4


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_run_that_came_to_nothing_is_told_and_can_be_asked_again(known: Any, status: str) -> None:
    run = known.client.get(PATH).json()["run"]
    why = "It ran out of memory." if status == "failed" else None
    RunLog(known.database, run).append("status", {"status": status}, status=status, error=why)
    refused = known.client.get(PATH)
    assert refused.status_code == 409
    assert refused.json()["run"] == run
    assert (why or "It was cancelled.") in refused.json()["detail"]
    again = known.client.post(PATH)
    assert again.status_code == 202
    assert again.json()["run"] != run
    assert known.client.get(PATH).json() == again.json()


def test_a_version_that_is_stored_once_more_is_not_looked_into_again(known: Any) -> None:
    keep(known, 1)
    queue = Runs(known.database, "main")
    for version in (1, 2, 2):
        with known.database.transaction() as session:
            explore_stored(queue, session, "people", version)
    assert [run.dataset_version for run in runs(known)] == [2]


def test_a_profile_of_an_older_release_is_made_anew(known: Any) -> None:
    keep(known, 2, FORMAT - 1)
    assert known.client.get(PATH).status_code == 202


def test_what_is_not_there_is_said(known: Any) -> None:
    assert known.client.get("/v1/datasets/nobody/profile").status_code == 404
    missing = known.client.get(PATH, params={"version": 7})
    assert (missing.status_code, missing.json()["detail"]) == (404, "Dataset 'people' has no version 7.")
    assert known.client.get(PATH, params={"version": 2**40}).status_code == 422
    assert known.client.get(PATH, params={"version": "x"}).status_code == 422


def test_a_dataset_can_be_deleted_while_it_is_looked_into(known: Any) -> None:
    waiting = known.client.get(PATH).json()["run"]
    under_way = known.client.get(PATH, params={"version": 1}).json()["run"]
    RunLog(known.database, under_way).append("status", {"status": "running"}, status="running")
    assert known.client.delete("/v1/datasets/people").status_code == 204
    found = {run.id: (run.status, run.cancel_requested) for run in runs(known)}
    assert found == {waiting: ("cancelled", True), under_way: ("running", True)}


@pytest.mark.usefixtures("tasks")
def test_a_dataset_that_is_not_stored_yet_has_no_profile(desk: Any) -> None:
    desk.upload(PEOPLE)
    refused = desk.client.get(PATH)
    assert refused.status_code == 409
    assert "no version yet" in refused.json()["detail"]
    assert runs(desk) == []

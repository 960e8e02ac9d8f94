"""Datasets through `serve`: files are read as child processes read them, versions are under real DVC."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, update

from data_processor.caller import Caller
from data_processor.datasets.api import _propose
from data_processor.datasets.deletion import Deletion
from data_processor.datasets.storing_run import StoringRun
from data_processor.datasets.warehouse import Warehouse
from data_processor.features.schema import Schema
from data_processor.rows import DatasetRow, DatasetUploadRow, RunEventRow, RunRow
from data_processor.runs.service import Runs
from data_processor.service.errors import BadRequest

PEOPLE = b"age;city;weight;bought\n" + b"".join(
    f"{20 + n % 50};{city};{60 + n % 7},{n % 10};{'no' if n % 5 else 'yes'}\n".encode()
    for n, city in enumerate(("Bern", "Wien", "?") * 66 + ("Bern", "Wien"))
)


def test_a_file_becomes_a_dataset_once_a_person_confirmed_its_columns(desk: Any) -> None:
    answer = desk.upload(PEOPLE)
    assert answer.status_code == 201, answer.text
    proposal = answer.json()
    assert (proposal["name"], proposal["rows"], proposal["state"]) == ("people", 200, "proposed")
    assert [(c["name"], c["kind"], c["missing"]) for c in proposal["columns"]] == [
        ("age", "numeric", 0),
        ("city", "categorical", 66),
        ("weight", "numeric", 0),
        ("bought", "categorical", 0),
    ]
    assert all(column["reason"] for column in proposal["columns"])
    assert proposal["source"] == {
        "format": "csv",
        "header": True,
        "encoding": "utf-8",
        "delimiter": ";",
        "decimal": ",",
        "notes": [],
        "choices": [],
    }
    assert desk.read()["classes"] == {"no": 160, "yes": 40}
    [upload] = desk.leftovers()
    raw = pq.read_table(desk.settings.uploads_dir / upload / "raw.parquet").to_pylist()

    confirmed = desk.confirm(target="bought", columns={"age": {"kind": "numeric", "name": "Age"}})
    assert (confirmed.status_code, confirmed.json()["state"]) == (202, "storing")
    assert desk.read()["state"] == "storing"
    desk.keep()

    found = desk.read()
    assert (found["state"], found["version"], found["rows"]) == ("ready", 1, 200), found["error"]
    assert found["task"] == "tabular-classification"
    assert found["classes"] == {"no": 160, "yes": 40}
    assert [column["name"] for column in found["columns"]] == ["Age", "city", "weight", "bought"]
    assert desk.leftovers() == []
    [version] = desk.client.get("/v1/datasets/people/versions").json()
    assert (version["version"], version["kind"], version["difference"]) == (1, "upload", None)

    with closing(sqlite3.connect(desk.settings.state_dir / "warehouse.db")) as warehouse:
        warehouse.row_factory = sqlite3.Row
        kept = [dict(row) for row in warehouse.execute("SELECT * FROM people_v1_raw ORDER BY rowid")]
        prepared = [dict(row) for row in warehouse.execute("SELECT * FROM people_v1_prepared ORDER BY rowid")]
    assert kept == raw
    assert prepared == [
        {
            "Age": row["age"],
            "city": None if row["city"] == "?" else row["city"],
            "weight": float(row["weight"].replace(",", ".")),
            "bought": row["bought"],
        }
        for row in raw
    ]

    assert desk.client.delete("/v1/datasets/people").status_code == 204
    assert desk.client.get("/v1/datasets/people").status_code == 404
    with closing(sqlite3.connect(desk.settings.state_dir / "warehouse.db")) as warehouse:
        assert warehouse.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == []


@pytest.mark.usefixtures("tasks")
def test_a_later_file_is_a_new_version_and_says_what_is_different(desk: Any) -> None:
    desk.upload(PEOPLE)
    desk.confirm(target="bought", columns={"age": {"name": "Age"}, "city": {"kind": "text"}})
    desk.keep()

    later = PEOPLE.replace(b";yes", b";no", 30) + b"99;Rom;80,5;yes\n"
    proposal = desk.upload(later).json()
    assert proposal["target"] == "bought"
    by_name = {column["name"]: column for column in proposal["columns"]}
    assert (by_name["city"]["kind"], by_name["city"]["reason"]) == ("text", "As in version 1.")
    assert by_name["age"]["renamed"] == "Age"
    difference = proposal["difference"]
    assert difference["rows"] == {"before": 200, "after": 201}
    assert (difference["added"], difference["removed"]) == ([], [])
    changed = {change["column"]: change for change in difference["changed"]}
    assert changed["Age"]["maximum"] == {"before": 69, "after": 99}
    assert changed["city"]["new_values"] == ["Rom"]
    assert changed["bought"]["shares"]["yes"] == {"before": 0.2, "after": 0.0547}
    assert desk.read()["version"] == 1  # which stays in use

    assert desk.confirm(target="bought").status_code == 202
    desk.keep()
    newest, first = desk.client.get("/v1/datasets/people/versions").json()
    assert (newest["version"], newest["rows"], newest["difference"]["version"]) == (2, 201, 1)
    assert first["difference"] is None
    assert [column["name"] for column in desk.read()["columns"]] == ["Age", "city", "weight", "bought"]


@pytest.mark.usefixtures("tasks")
def test_a_dataset_that_a_model_uses_keeps_what_the_model_needs(desk: Any) -> None:
    desk.upload(PEOPLE)
    desk.confirm(target="bought")
    desk.keep()
    created = desk.client.post("/v1/models", json={"name": "buyers", "dataset": "people"})
    assert created.status_code == 201, created.text

    assert desk.client.delete("/v1/datasets/people").status_code == 409
    desk.upload(PEOPLE)
    refused = desk.confirm(target="city", columns={"age": {"kind": "ignored"}})
    assert refused.status_code == 422
    assert [error["loc"] for error in refused.json()["errors"]] == [
        ["body", "target"],
        ["body", "columns", "age"],
        ["body", "columns", "bought"],
        ["body", "columns", "city"],
    ]
    assert desk.confirm(target="bought").status_code == 202
    desk.keep()
    assert desk.read()["version"] == 1  # the same table is the same version

    desk.upload(PEOPLE.replace(b"yes", b"maybe"))
    desk.confirm(target="bought")
    desk.keep()
    found = desk.read()
    assert (found["state"], found["version"]) == ("failed", 1)
    assert "'maybe'" in found["error"]
    assert "upload it as another dataset" in found["error"]


@pytest.mark.usefixtures("tasks")
def test_every_wrong_field_of_a_confirmation_is_named_at_once(desk: Any) -> None:
    desk.upload(PEOPLE)
    columns = {
        "city": {"kind": "numeric"},
        "age": {"kind": "datetime"},
        "nope": {"kind": "text"},
        "weight": {"name": "bought"},
    }
    refused = desk.confirm(target="bought", columns=columns)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    said = {tuple(error["loc"][1:]): error["message"] for error in refused.json()["errors"]}
    assert said.keys() == {
        ("columns", "city", "kind"),
        ("columns", "age", "kind"),
        ("columns", "nope"),
        ("columns", "bought"),
    }
    assert "'Bern'" in said["columns", "city", "kind"]
    assert desk.read()["state"] == "proposed"


@pytest.mark.usefixtures("tasks")
def test_a_target_with_one_class_is_refused(desk: Any) -> None:
    desk.upload(PEOPLE.replace(b";yes", b";no"))
    refused = desk.confirm(target="bought", columns={"bought": {"kind": "categorical"}})
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["loc"] == ["body", "target"]
    assert "only the value 'no'" in error["message"]
    assert desk.read()["version"] is None


@pytest.mark.usefixtures("tasks")
def test_a_file_without_a_header_gets_names_that_can_be_changed(desk: Any) -> None:
    proposal = desk.upload(PEOPLE.split(b"\n", 1)[1]).json()
    assert proposal["source"]["header"] is False
    assert [column["name"] for column in proposal["columns"]] == [f"column_{n}" for n in (1, 2, 3, 4)]
    names = {f"column_{n}": {"name": name} for n, name in enumerate(("age", "city", "weight", "bought"), 1)}
    assert desk.confirm(target="bought", columns=names).status_code == 202
    desk.keep()
    found = desk.read()
    assert (found["state"], found["target"], found["rows"]) == ("ready", "bought", 200)


YEARS = b"region,2021,2022,grew\n" + b"".join(
    b"r%d,%d,%d,%s\n" % (n % 4, n % 7, n % 5, b"up" if n % 3 else b"down") for n in range(40)
)


@pytest.mark.usefixtures("tasks")
def test_a_file_is_read_in_another_way_without_being_sent_again(desk: Any) -> None:
    def read_again(**fields: Any) -> Any:
        return desk.client.put("/v1/datasets/people/reading", json=fields)

    proposal = desk.upload(b"Report\n" + YEARS, delimiter=",").json()
    assert [column["name"] for column in proposal["columns"]] == ["region", "2021", "2022", "grew"]
    [choice] = proposal["source"]["choices"]
    assert (choice["field"], choice["value"]) == ("header", False)

    other = read_again(**{choice["field"]: choice["value"]})
    assert (other.status_code, other.json()["rows"], desk.read()["rows"]) == (200, 41, 41)
    [back] = other.json()["source"]["choices"]
    assert (back["field"], back["taken"], back["value"]) == ("header", False, True)

    # What was said before stays said, until it is to be detected again.
    assert read_again(skip_rows=21).json()["rows"] == 21
    assert read_again(header=None).json()["source"]["header"] is False
    assert read_again(skip_rows=None, delimiter=None).json()["rows"] == 40
    assert len(desk.leftovers()) == 1


@pytest.mark.usefixtures("tasks")
def test_what_cannot_be_read_again_is_refused_and_the_proposal_stays(desk: Any) -> None:
    def read_again(**fields: Any) -> Any:
        return desk.client.put("/v1/datasets/people/reading", json=fields)

    assert read_again().status_code == 404
    desk.upload(YEARS)
    refused = read_again(skip_rows=500)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["body", "skip_rows"]
    assert read_again(skip_rows=-1).status_code == 422
    assert (desk.read()["state"], len(desk.leftovers())) == ("proposed", 1)
    [folder] = desk.leftovers()
    (desk.settings.uploads_dir / folder / "source").unlink()
    gone = read_again()
    assert (gone.status_code, "upload it again" in gone.json()["detail"]) == (409, True)
    assert desk.leftovers() == [folder]


def test_a_reading_ends_when_its_sender_hangs_up(tmp_path: Path) -> None:
    stopped = []

    class Datasets:
        async def read(self, *_: Any) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stopped.append(True)
                raise

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    request: Any = SimpleNamespace(receive=receive)
    state: Any = SimpleNamespace(datasets=Datasets())
    with pytest.raises(BadRequest, match="hung up"):
        asyncio.run(_propose(request, state, tmp_path, "people", "a.csv", {}, Caller("eve", "engineer")))
    assert stopped == [True]


def test_of_a_bad_file_nothing_is_stored(desk: Any) -> None:
    refused = desk.upload(b"a,b\n1,2\n1,2,3\n")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    [error] = refused.json()["errors"]
    assert error["loc"] == ["body", "file"]
    assert "Row 3 has 3 cells" in error["message"]
    assert desk.leftovers() == []
    assert desk.client.get("/v1/datasets/people").status_code == 404


def test_a_form_is_checked_before_its_file_is_read(desk: Any) -> None:
    for fields, field in (
        ({"name": "No Name"}, "name"),
        ({"decimal": ";"}, "decimal"),
        ({"nope": "1"}, "nope"),
    ):
        refused = desk.upload(PEOPLE, **fields)
        assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["body", field])
    assert desk.client.post("/v1/datasets", data={"name": "people"}, files={}).status_code == 400
    assert desk.client.post("/v1/datasets", json={}).status_code == 400
    assert desk.leftovers() == []


@pytest.mark.usefixtures("tasks")
def test_a_confirmation_needs_a_file_that_waits_for_it(desk: Any) -> None:
    assert desk.confirm(target="bought").status_code == 404
    desk.upload(PEOPLE)
    desk.confirm(target="bought")
    assert desk.confirm(target="bought").status_code == 409
    assert desk.upload(PEOPLE).status_code == 409
    assert desk.client.delete("/v1/datasets/people").status_code == 409
    desk.keep()
    assert desk.confirm(target="bought").status_code == 409


@pytest.mark.usefixtures("tasks")
def test_storing_a_dataset_is_a_run_that_can_be_followed(desk: Any) -> None:
    desk.upload(PEOPLE)
    run = desk.confirm(target="bought").json()["run"]
    assert desk.read()["run"] == run
    [waiting] = desk.client.get("/v1/runs?kind=dataset&status=queued").json()
    assert (waiting["id"], waiting["model"], waiting["dataset"]) == (run, None, "people")
    assert (waiting["trigger"], waiting["subject"]) == ("upload", "eve")
    desk.keep()

    found = desk.client.get(f"/v1/runs/{run}").json()
    assert (found["status"], found["progress"], found["dataset_version"]) == ("succeeded", 1.0, 1)
    assert [step["step"] for step in found["steps"]] == ["prepare", "version", "warehouse"]
    assert found["result"]["tables"] == ["people_v1_raw", "people_v1_prepared"]
    events = desk.client.get(f"/v1/runs/{run}/events").json()
    assert events["closed"]
    assert "200 of 200 rows" in desk.client.get(f"/v1/runs/{run}/logs").text


@pytest.mark.usefixtures("tasks")
def test_a_run_that_cannot_store_says_why_and_leaves_the_file_to_be_confirmed_again(desk: Any) -> None:
    desk.upload(PEOPLE)
    run = desk.confirm(target="bought").json()["run"]
    [upload] = desk.leftovers()
    raw = desk.settings.uploads_dir / upload / "raw.parquet"
    content = raw.read_bytes()
    raw.write_bytes(b"no table")
    desk.keep()
    found = desk.client.get(f"/v1/runs/{run}").json()
    assert (found["status"], found["step"]) == ("failed", "prepare")
    assert desk.read()["state"] == "failed"
    assert desk.read()["error"] == found["error"]

    raw.write_bytes(content)
    assert desk.confirm(target="bought").json()["run"] != run
    desk.keep()
    assert (desk.read()["state"], desk.read()["error"]) == ("ready", None)


@pytest.mark.usefixtures("tasks")
def test_storing_that_is_cancelled_in_the_queue_can_be_begun_again(desk: Any) -> None:
    desk.upload(PEOPLE)
    run = desk.confirm(target="bought").json()["run"]
    assert desk.client.post(f"/v1/runs/{run}/cancel").json()["status"] == "cancelled"
    StoringRun(desk.settings, desk.database).mend()
    assert (desk.read()["state"], desk.read()["error"]) == ("failed", "Storing it was cancelled.")
    assert desk.confirm(target="bought").status_code == 202
    desk.keep()
    assert desk.read()["state"] == "ready"


@pytest.mark.usefixtures("tasks")
def test_an_upload_of_before_storing_was_a_run_gets_one(desk: Any) -> None:
    desk.upload(PEOPLE)
    run = desk.confirm(target="bought").json()["run"]
    with desk.database.transaction() as session:
        session.execute(update(DatasetUploadRow).values(run=None))
        session.execute(delete(RunEventRow).where(RunEventRow.run == run))
        session.execute(delete(RunRow).where(RunRow.id == run))
    StoringRun(desk.settings, desk.database).mend()
    desk.keep()
    assert desk.read()["state"] == "ready"
    [row] = desk.client.get("/v1/runs?dataset=people&kind=dataset").json()
    assert (row["status"], row["subject"]) == ("succeeded", "loopkeeper")


@pytest.mark.usefixtures("tasks")
def test_a_deletion_that_breaks_off_is_finished_by_the_next_start(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.upload(PEOPLE)
    desk.confirm(target="bought")
    desk.keep()

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Warehouse, "drop", die)
    deletion = Deletion(desk.settings, desk.database, Runs(desk.database, "main"))
    with pytest.raises(KeyboardInterrupt):
        deletion.delete("people")
    assert desk.client.get("/v1/datasets/people").status_code == 404
    assert [one["name"] for one in desk.client.get("/v1/datasets").json()] == ["census-income"]
    assert desk.upload(PEOPLE).status_code == 409
    monkeypatch.undo()

    deletion.sweep()
    with closing(sqlite3.connect(desk.settings.state_dir / "warehouse.db")) as warehouse:
        assert warehouse.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == []
    assert desk.upload(PEOPLE).json()["difference"] is None


@pytest.mark.usefixtures("tasks")
def test_how_columns_are_prepared_is_confirmed_with_them_and_kept_by_its_models(desk: Any) -> None:
    desk.upload(PEOPLE)
    wrong = desk.confirm(target="bought", preparation={"scaling": "huge", "numeric_gaps": "mean"})
    assert wrong.status_code == 422
    assert sorted(error["loc"][-1] for error in wrong.json()["errors"]) == ["numeric_gaps", "scaling"]
    desk.confirm(target="bought", preparation={"drop_duplicates": True, "numeric_missing": "mean"})
    desk.keep()

    def created(name: str, **fields: Any) -> Any:
        answer = desk.client.post("/v1/models", json={"name": name, "dataset": "people", **fields})
        assert answer.status_code == 201, answer.text
        return desk.client.get(f"/v1/models/{name}").json()["policy"]["preparation"]

    usual = {
        "numeric_missing": "mean",
        "categorical_missing": "own_category",
        "scaling": "standard",
        "datetime": "calendar",
    }
    assert created("as-confirmed") == usual
    assert created("its-own", preparation={"scaling": "none"}) == {
        **usual,
        "numeric_missing": "automatic",
        "scaling": "none",
    }
    bad = {"name": "bad", "dataset": "people", "preparation": {"datetime": "later"}}
    refused = desk.client.post("/v1/models", json=bad)
    assert [error["loc"] for error in refused.json()["errors"]] == [["body", "preparation", "datetime"]]


SALES = b"sold;price;code;outcome\n" + b"".join(
    f"{n % 12 + 1:02}/{n % 12 + 1:02}/2024;{n % 9},{n % 7}0;{code};{'yn'[n % 2]}\n".encode()
    for n, code in enumerate(("3.1", "3.10", "NA") * 40)
)


@pytest.mark.usefixtures("tasks")
def test_a_column_is_read_as_a_person_says_and_so_is_the_next_file(desk: Any) -> None:
    proposal = desk.upload(SALES).json()
    by_name = {column["name"]: column for column in proposal["columns"]}
    assert by_name["sold"]["reading"]["format"] == "%d/%m/%Y"
    assert by_name["price"]["reading"]["decimal"] == ","
    assert by_name["code"]["marks"] == {"NA": 40}
    codes = {(warning["code"], warning["column"]) for warning in proposal["warnings"]}
    assert {("ambiguous-dates", "sold"), ("missing-marks", "code"), ("same-number", "code")} <= codes

    columns = {"sold": {"format": "%m/%d/%Y"}, "code": {"kind": "categorical", "missing": []}}
    assert desk.confirm(target="outcome", columns={**columns, "price": {"nullable": True}}).status_code == 202
    desk.keep()
    with closing(sqlite3.connect(desk.settings.state_dir / "warehouse.db")) as warehouse:
        kept = warehouse.execute("SELECT sold, price, code FROM people_v1_prepared LIMIT 3").fetchall()
    assert kept == [("2024-01-01", 0.0, "3.1"), ("2024-02-02", 1.1, "3.10"), ("2024-03-03", 2.2, "NA")]

    later = SALES + b"12/31/2024;9,90;NA;y\n"
    by_name = {column["name"]: column for column in desk.upload(later).json()["columns"]}
    assert by_name["sold"]["reading"]["format"] == "%m/%d/%Y"
    assert by_name["code"]["reading"]["missing"] == []
    assert (by_name["price"]["nullable"], by_name["code"]["kind"]) == (True, "categorical")


@pytest.mark.usefixtures("tasks")
def test_cells_that_cannot_be_read_are_shown_and_decided_on(desk: Any) -> None:
    proposal = desk.upload(SALES.replace(b";1,10;", b";unknown;", 1)).json()
    price = next(column for column in proposal["columns"] if column["name"] == "price")
    assert (price["kind"], price["readings"][0]["unreadable"]) == ("numeric", 1)
    assert price["readings"][0]["cells"] == [{"row": 2, "text": "unknown"}]

    refused = desk.confirm(target="outcome")
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["loc"] == ["body", "columns", "price", "unreadable"]
    assert "One cell is no number: 'unknown' in row 2." in error["message"]
    assert desk.confirm(target="outcome", columns={"price": {"unreadable": "missing"}}).status_code == 202


@pytest.mark.usefixtures("tasks")
def test_rows_that_belong_together_are_found_and_held_out_together(desk: Any) -> None:
    rng = np.random.default_rng(1)
    unit, offset = np.arange(600) % 60, rng.normal(0, 3, 60)
    table = pd.DataFrame({"unit": unit, "heat": rng.normal(size=600).round(4)})
    table["wear"] = (offset[unit] + table["heat"] + rng.normal(0, 0.3, 600)).round(4)
    proposal = desk.upload(table.to_csv(index=False).encode()).json()
    assert (proposal["target"], proposal["holdout"]["target"]) == ("wear", "wear")
    assert proposal["holdout"]["suggested"] == {"by": "group", "column": "unit"}
    other = desk.client.get("/v1/datasets/people/holdout", params={"target": "heat"}).json()
    assert (other["target"], [one["column"] for one in other["audit"]]) == ("heat", ["unit"])
    assert other["audit"][0]["row_split"] != proposal["holdout"]["audit"][0]["row_split"]
    unknown = desk.client.get("/v1/datasets/people/holdout", params={"target": "hat"})
    assert (unknown.status_code, unknown.json()["errors"][0]["loc"]) == (422, ["query", "target"])

    by_unit = {"by": "group", "column": "unit"}
    refused = desk.confirm(target="wear", holdout={"by": "group", "column": "wear"})
    assert refused.json()["errors"][0]["loc"] == ["body", "holdout", "column"]
    assert desk.confirm(target="wear", holdout=by_unit).status_code == 202
    desk.keep()
    with desk.database.reading() as session:
        schema = Schema.model_validate(session.get_one(DatasetRow, "people").schema)
    assert (schema.holdout.by, schema.holdout.column) == ("group", "unit")
    assert [column.name for column in schema.inputs] == ["heat"]
    assert desk.client.get("/v1/datasets/people/holdout", params={"target": "heat"}).status_code == 409

    again = desk.upload(table.iloc[:500].to_csv(index=False).encode()).json()
    assert again["holdout"]["suggested"] == by_unit
    assert "As in version 1" in again["holdout"]["reason"]

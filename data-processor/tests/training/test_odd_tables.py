"""Tables of epoch times, of large targets, of odd names and rare classes: from the file to the answer."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app

pytestmark = pytest.mark.services
ROWS = 600
SINCE_1970 = 1_700_000_000_000


class Desk:
    """Uploads, trains and asks, as an engineer does."""

    def __init__(self, shop: Any, client: TestClient) -> None:
        """Work in a shop that has a worker."""
        self._shop, self._client = shop, client

    def trained(
        self, name: str, frame: pd.DataFrame, target: str, *, budget_s: float = 3, **schema: Any
    ) -> dict[str, Any]:
        """Return the version that a table became, promoted."""
        file = io.BytesIO()
        frame.to_parquet(file)
        files = {"file": (f"{name}.parquet", file.getvalue())}
        uploaded = self._client.post("/v1/datasets", data={"name": name}, files=files)
        assert uploaded.status_code == 201, uploaded.text
        confirmed = self._client.put(f"/v1/datasets/{name}/schema", json={"target": target, **schema})
        assert confirmed.status_code == 202, confirmed.text
        self._shop.finish(confirmed.json()["run"])
        asked = {"name": name, "dataset": name, "policy": {"budget_s": budget_s}}
        created = self._client.post("/v1/models", json=asked)
        assert created.status_code == 201, created.text
        self._shop.finish(created.json()["run"])
        [version] = self._client.get(f"/v1/models/{name}/versions").json()
        assert self._client.get(f"/v1/models/{name}").json()["version"] == version["version"]
        return dict(version)

    def asked(self, name: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Return the answers to rows of a table, sent as its JSON."""
        inputs = json.loads(frame.to_json(orient="records"))
        answer = self._client.post(f"/v1/models/{name}/predictions", json={"inputs": inputs, "version": "1"})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["predictions"])


@pytest.fixture
def desk(new_workshop: Callable[..., Any], as_engineer: Callable[[Any], Any]) -> Iterator[Desk]:
    shop = new_workshop()
    shop.start_worker()
    with TestClient(create_app(shop.settings)) as client:
        client.auth = as_engineer
        yield Desk(shop, client)


def test_epoch_milliseconds_are_learnt_from(desk: Desk) -> None:
    draw = np.random.default_rng(1)
    ms = draw.integers(0, 600_000, ROWS)
    frame = pd.DataFrame({"epoch_ms": SINCE_1970 + ms, "phase": np.where(ms > 300_000, "late", "early")})
    columns = {"epoch_ms": {"kind": "numeric"}}
    version = desk.trained("instants", frame, "phase", columns=columns)
    assert version["metrics"]["accuracy"] > 0.95
    said = desk.asked("instants", frame[["epoch_ms"]].head(50))
    assert np.mean([one["label"] for one in said] == frame["phase"].head(50)) > 0.95
    assert all(one["flags"] == [] for one in said)


def test_large_targets_are_answered_to_their_last_digits(desk: Desk) -> None:
    draw = np.random.default_rng(2)
    a = draw.integers(0, 700, ROWS)
    frame = pd.DataFrame({"a": a, "total": 2_000_000_000 + 37 * a + draw.integers(0, 5, ROWS)})
    # Time for more than the first candidate, also on a busy machine.
    version = desk.trained("totals", frame, "total", budget_s=15)
    assert version["metrics"]["rmse"] < 5
    said = [one["value"] for one in desk.asked("totals", frame[["a"]].head(50))]
    assert np.abs(np.array(said) - frame["total"].head(50)).max() < 20
    assert len(set(said)) == frame["a"].head(50).nunique()


def test_many_cities_and_remarks_are_learnt_from_and_ids_are_not_asked_for(desk: Desk) -> None:
    draw = np.random.default_rng(4)
    city, good, size = draw.integers(0, 250, ROWS), draw.integers(0, 2, ROWS), draw.normal(size=ROWS).round(3)
    words = np.array([["damp", "dirty", "noisy"], ["lovely", "superb", "bright"]])
    frame = pd.DataFrame(
        {
            "ticket": [f"T{n:05}" for n in draw.permutation(ROWS)],
            "town": [f"Town{one}" for one in city],
            "remark": [f"a {words[g, draw.integers(3)]} room, number {n}" for n, g in enumerate(good)],
            "size": size,
            "paid": np.where(draw.normal(0, 1, 250)[city] + 2 * good - 1 + size > 0, "much", "little"),
        }
    )
    version = desk.trained("rooms", frame, "paid")
    assert version["metrics"]["accuracy"] > 0.75
    prepared = {line["column"]: line for line in version["preparation"]["columns"]}
    assert prepared["town"]["encoding"] == "target-mean"
    assert prepared["remark"]["encoding"] == "words"
    said = desk.asked("rooms", frame.drop(columns=["ticket", "paid"]).head(20))
    assert all(one["flags"] == [] for one in said)
    [new] = desk.asked("rooms", frame.head(1).drop(columns=["paid"]).assign(town="Elsewhere"))
    assert new["flags"] == [
        f"town: unseen category 'Elsewhere' (training saw {frame['town'].nunique()} others)",
        "ticket: no input of the model, ignored",
    ]


def test_any_name_and_a_rare_class_work_from_the_file_to_the_answer(desk: Desk) -> None:
    draw = np.random.default_rng(3)
    names = ['width 5"', "path\\len", "line\nbreak", "a[0]<b>", "it's; DROP TABLE x--", "Größe 🚀", "c0"]
    frame = pd.DataFrame({name: draw.normal(size=ROWS).round(3) for name in names})
    target = 'class, "final"'
    frame[target] = np.where(frame['width 5"'] + frame["line\nbreak"] > 0, 'up"', "down\\")
    frame.loc[:2, target] = "odd"
    merged = {"rare_classes": {"action": "leave_out"}}
    version = desk.trained("names", frame, target, preparation=merged)
    assert version["metrics"]["accuracy"] > 0.9
    said = desk.asked("names", frame[names].tail(20))
    assert {one["label"] for one in said} <= {'up"', "down\\"}
    assert all(one["flags"] == [] for one in said)

"""A table that somebody uploads becomes a model that answers, with a real worker and a real MLflow."""

import csv
import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.datasets.census import IGNORED, TARGET, make_table

ROWS = 1500
SEED = 21


def until(condition: Callable[[], bool], explain: Callable[[], Any], seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.2)


@pytest.mark.services
def test_an_uploaded_table_is_trained_on_promoted_and_answers(
    new_workshop: Callable[..., Any], as_engineer: Callable[[Any], Any]
) -> None:
    shop = new_workshop()
    shop.start_worker()
    table = make_table(ROWS, SEED).rename(columns={"age": "column a"})
    content = table.to_csv(index=False, sep=";", decimal=",", na_rep="?").encode("utf-16")
    with TestClient(create_app(shop.settings)) as client:
        client.auth = as_engineer
        files = {"file": ("census.csv", content)}
        uploaded = client.post("/v1/datasets", data={"name": "people"}, files=files)
        assert uploaded.status_code == 201, uploaded.text
        assert uploaded.json()["target"] == TARGET
        columns = {"column a": {"kind": "numeric", "name": "age"}, IGNORED: {"kind": "ignored"}}
        confirmed = client.put("/v1/datasets/people/schema", json={"target": TARGET, "columns": columns})
        assert confirmed.status_code == 202, confirmed.text

        def dataset() -> Any:
            return client.get("/v1/datasets/people").json()

        until(lambda: dataset()["state"] != "storing", shop.worker_log)
        assert (dataset()["state"], dataset()["rows"]) == ("ready", ROWS), dataset()["error"]

        policy = {"budget_s": 1}
        asked = {"name": "people-income", "dataset": "people", "policy": policy}
        created = client.post("/v1/models", json=asked)
        assert created.status_code == 201, created.text
        shop.finish(created.json()["run"])
        until(lambda: client.get("/v1/models/people-income").json()["version"] == "1", shop.worker_log)

        row = table.iloc[0].rename({"column a": "age"}).drop([TARGET, IGNORED])
        inputs = json.loads(row.to_json())

        def predict() -> Any:
            return client.post("/v1/models/people-income/predictions", json={"inputs": [inputs]})

        until(lambda: predict().status_code == 200, lambda: predict().text, 30)
        [prediction] = predict().json()["predictions"]
        assert prediction["label"] in dataset()["classes"]

        as_written = list(csv.DictReader(io.StringIO(content.decode("utf-16")), delimiter=";"))[:300]
        whole: dict[str, Any] = {"inputs": as_written}
        answered = client.post("/v1/models/people-income/predictions", json=whole).json()["predictions"]
        usual = (": missing", ": no input of the model, ignored")
        assert {flag for one in answered for flag in one["flags"] if not flag.endswith(usual)} == set()
        # A row alone and one of many may differ in the last digit.
        assert answered[0]["probabilities"] == pytest.approx(prediction["probabilities"], abs=1e-5)
        given = client.post(f"/v1/predictions/{answered[0]['id']}/feedback", json={"correct": True})
        assert given.status_code == 201
        assert client.delete("/v1/datasets/people").status_code == 409

"""A confirmed upload is stored by a real worker, whatever happens to that in between."""

import signal
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.datasets.census import TARGET, make_table
from data_processor.rows import OPEN_RUN

POINTS = ["after version", "after warehouse"]
"""The worst moments: everything of the step is done, and the workflow does not remember it."""


@pytest.mark.services
def test_storing_that_is_killed_at_the_worst_moments_resumes_and_happens_once(
    new_workshop: Callable[..., Any], as_engineer: Callable[[Any], Any]
) -> None:
    shop = new_workshop()
    with TestClient(create_app(shop.settings)) as client:
        client.auth = as_engineer
        files = {"file": ("people.csv", make_table(300, 3).to_csv(index=False).encode())}
        assert client.post("/v1/datasets", data={"name": "people"}, files=files).status_code == 201
        run = client.put("/v1/datasets/people/schema", json={"target": TARGET}).json()["run"]
        crashes = 0
        while shop.row(run).status in OPEN_RUN or crashes < len(POINTS):
            worker = shop.start_worker(*POINTS)
            shop.wait(run, lambda row, worker=worker: worker.poll() is not None or row.status not in OPEN_RUN)
            if worker.poll() is None:
                break
            assert worker.wait() == -signal.SIGKILL, shop.worker_log()
            crashes += 1

        found = client.get("/v1/datasets/people").json()
        assert (found["state"], found["version"], found["rows"]) == ("ready", 1, 300), found["error"]
        assert len(client.get("/v1/datasets/people/versions").json()) == 1
        told = client.get(f"/v1/runs/{run}").json()
        assert (told["status"], told["progress"]) == ("succeeded", 1.0)
        events = client.get(f"/v1/runs/{run}/events").json()["events"]
        states = [(one["step"], one["state"]) for one in events if one["type"] == "step"]
        assert ("version", "resumed") in states
        assert ("warehouse", "resumed") in states

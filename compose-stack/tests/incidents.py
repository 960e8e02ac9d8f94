"""What happens to a running set while Prometheus looks: what alerts are about, and what panels show.

Each is caused as it comes about in use: nothing sets a metric.
"""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus

import httpx
import pytest

from compose_stack.client import Client, Refused
from compose_stack.credentials import Credentials
from compose_stack.instance import Instance
from compose_stack.settings import MLFLOW_USER
from compose_stack.traffic import MODEL, Labelled, sample_rows
from real_prometheus import Prometheus

PATIENCE_S = 300
POLL_S = 0.02
AT_ONCE = 24
EVALUATIONS = 4
DRIFTED_ROWS = 300
SLOW_S = 0.4
"""Longer than a prediction may take by the objective, which is 0.25 s."""
MANY, TOGETHER = 10_000, 1_000


def ask_oddly(admin: Client, row: Labelled) -> None:
    """Send what is missing, unseen and out of range, and what is refused."""
    admin.predict(MODEL, [{**row.inputs, "occupation": None, "workclass": "Juggler", "age": 117}])
    with pytest.raises(Refused):
        admin.predict(MODEL, [{**row.inputs, "age": "not a number"}])


def drift(admin: Client) -> None:
    """Ask about people who are older and work less than those of the training data, and compare both."""
    rows = sample_rows(DRIFTED_ROWS, seed=5, drift=0.0)
    admin.predict(
        MODEL, [{**row.inputs, "age": min(90, row.inputs["age"] + 25), "hours-per-week": 20} for row in rows]
    )
    admin.call("POST", f"/v1/models/{MODEL}/drift-reports")


def move_an_alias(mlflow: httpx.Client, stage: str) -> None:
    """Register a version by hand in MLflow, and point a stage's alias at it: no gate has seen it."""
    api = "/api/2.0/mlflow"
    alias = {"name": MODEL, "alias": stage}
    served = mlflow.get(f"{api}/registered-models/alias", params=alias).raise_for_status().json()
    like_it = {name: served["model_version"][name] for name in ("name", "source", "run_id")}
    made = mlflow.post(f"{api}/model-versions/create", json=like_it).raise_for_status().json()
    moved = {**alias, "version": made["model_version"]["version"]}
    mlflow.post(f"{api}/registered-models/alias", json=moved).raise_for_status()


def registry(instance: Instance) -> httpx.Client:
    """Return a client of an instance's MLflow, as its administrator."""
    password = Credentials.load_or_make(instance.settings.secrets_dir).mlflow_password
    url, user = instance.settings.mlflow_url, (MLFLOW_USER, password)
    return httpx.Client(base_url=url, auth=user, timeout=60, trust_env=False)


@contextmanager
def more_runs_than_are_done(admin: Client) -> Iterator[None]:
    """Let evaluations wait, of which one is done at a time; cancel what is left at the end."""
    version = admin.model(MODEL)["version"]
    with ThreadPoolExecutor(EVALUATIONS) as asking:
        for _ in range(EVALUATIONS):
            asking.submit(admin.call, "POST", f"/v1/models/{MODEL}/evaluations", json={"versions": [version]})
        try:
            yield
        finally:
            for run in admin.call("GET", "/v1/runs", params={"model": MODEL, "kind": "evaluation"}):
                if run["status"] in ("queued", "running"):
                    with suppress(Refused):  # it has just ended
                        admin.call("POST", f"/v1/runs/{run['id']}/cancel")


def answer_slowly(instance: Instance, admin: Client, row: Labelled, server: Prometheus, alert: str) -> None:
    """Let predictions wait, again and again, until the alert fires."""
    serve = instance.process("data-processor", "serve")
    deadline = time.monotonic() + PATIENCE_S
    with ThreadPoolExecutor(AT_ONCE) as asking:
        while not server.query(alert):
            assert time.monotonic() < deadline, f"{alert} does not fire"
            os.kill(serve.pid, signal.SIGSTOP)
            try:
                asked = [asking.submit(admin.predict, MODEL, [row.inputs]) for _ in range(AT_ONCE)]
                time.sleep(SLOW_S)
            finally:
                os.kill(serve.pid, signal.SIGCONT)
            for one in asked:
                one.result()


def fail(instance: Instance, admin: Client, row: Labelled, server: Prometheus, alert: str) -> None:
    """Kill what answers, and go on asking until it is back, again and again, until the alert fires."""
    deadline = time.monotonic() + PATIENCE_S
    while not server.query(alert):
        instance.process("data-processor", "serve").kill()
        while answers(admin, row):
            assert time.monotonic() < deadline, "a killed process still answers"
        while not answers(admin, row):
            assert time.monotonic() < deadline, f"{alert} does not fire"
            time.sleep(POLL_S)


def answers(admin: Client, row: Labelled) -> bool:
    """Ask for a prediction; if there is none, it is not the caller's fault."""
    try:
        admin.predict(MODEL, [row.inputs])
    except Refused as problem:
        if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return False
    return True


@contextmanager
def hanging(instance: Instance, process: str) -> Iterator[None]:
    """Stop a process of the data-processor without ending it."""
    pid = instance.process("data-processor", process).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def ask_what_nobody_asked_before(admin: Client, row: Labelled, many: int = MANY) -> None:
    """Ask for predictions of inputs that are all different, and of models that do not exist."""
    for start in range(0, many, TOGETHER):
        inputs = [
            {**row.inputs, "workclass": f"trade-{number}", "capital-gain": number + 0.5}
            for number in range(start, start + TOGETHER)
        ]
        admin.predict(MODEL, inputs)
        for number in range(start, start + TOGETHER, 20):
            with pytest.raises(Refused):
                admin.predict(f"trade-{number}", [row.inputs])

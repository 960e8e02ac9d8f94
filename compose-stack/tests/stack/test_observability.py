"""The layer of telemetry itself, if `OBSERVABILITY=true`: the demo is played, and Grafana is asked all.

`.github/workflows/observability.yml` runs this with the images of the layer, which come from a registry.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from compose_stack import demo
from compose_stack.observability.__main__ import DASHBOARDS
from compose_stack.observability.asking import Backends, Question, questions
from compose_stack.people import People
from compose_stack.settings import MLFLOW_USER
from compose_stack.stack.edge import edge_transport
from compose_stack.stack.layout import PLATFORM, STAGES, Stage, read_env
from compose_stack.traffic import MODEL, Labelled
from incidents import ask_oddly, drift, more_runs_than_are_done, move_an_alias
from stack.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("OBSERVABILITY") != "true",
        reason="OBSERVABILITY is not true: the layer of telemetry was not started, and not asked.",
    ),
]

STAGE: Stage = "staging"
SOURCES = ("mimir", "loki", "tempo")
PATIENCE_S = 600
UNCAUSED = "otelcol_exporter_send_failed"
"""What nobody causes here: a backend that takes nothing."""
WAITING = "loopkeeper_runs_oldest_queued_timestamp_seconds"


def through_the_edge(running: Stack, path: str = "", *, signed_in: bool = True) -> httpx.Client:
    """Return a client of Grafana, or of what it passes on to, as somebody's browser would reach it."""
    layout = running.layout
    password = read_env(layout.secrets(PLATFORM))["GRAFANA_PASSWORD"]
    return httpx.Client(
        transport=edge_transport(layout, running.platform),
        base_url=f"https://{layout.setting('GRAFANA_SITE')}:{layout.setting('HTTPS_PORT')}/{path}",
        auth=("loopkeeper", password) if signed_in else None,
        timeout=60,
    )


@pytest.fixture
def grafana(running: Stack) -> Iterator[httpx.Client]:
    with through_the_edge(running) as client:
        yield client


def registry(running: Stack) -> httpx.Client:
    """Return a client of MLflow, as its administrator."""
    layout = running.layout
    password = read_env(layout.secrets(PLATFORM))["MLFLOW_PASSWORD"]
    return httpx.Client(
        transport=edge_transport(layout, running.platform),
        base_url=f"https://{layout.setting('MLFLOW_SITE')}:{layout.setting('HTTPS_PORT')}",
        auth=(MLFLOW_USER, password),
        timeout=60,
    )


def until_answered(running: Stack, backends: Backends, asked: list[Question], since: float) -> None:
    """Ask until each question was answered once; say what the layer logged if that does not come about."""
    deadline = time.monotonic() + PATIENCE_S
    while asked := [one for one in asked if not backends.ask(one, since, time.time())]:
        if time.monotonic() > deadline:
            logged = running.platform("logs", "--no-color", "--tail", "30", "collector", *SOURCES).stdout
            pytest.fail("nothing answers\n" + "\n".join(map(str, asked)) + f"\n{logged}")
        time.sleep(5)


def test_every_query_of_every_panel_is_answered(running: Stack, rows: list[Labelled]) -> None:
    began = time.time()
    chosen = {"stage": STAGE, "model": MODEL, "__rate_interval": "1m", "__range": "1h", "site": ""}
    asked = [one for one in questions(DASHBOARDS, chosen) if UNCAUSED not in one.text]
    transport = edge_transport(running.layout, running.platform)
    with ExitStack() as opened:
        proxied = {name: through_the_edge(running, f"api/datasources/proxy/uid/{name}/") for name in SOURCES}
        backends = Backends({name: opened.enter_context(client) for name, client in proxied.items()})
        admin = opened.enter_context(running.sign_in(STAGE))
        ask_oddly(admin, rows[0])
        drift(admin)
        with registry(running) as mlflow:
            move_an_alias(mlflow, STAGE)
        with more_runs_than_are_done(admin):
            until_answered(running, backends, [one for one in asked if WAITING in one.text], began)
        with demo.short_cooldown(admin, print), People(admin, demo.PEOPLE, transport) as people:
            demo.play(admin, people, seed=7, tell=print)
        until_answered(running, backends, asked, began)


def test_grafana_has_the_dashboards_and_shows_the_rules_of_mimir(grafana: httpx.Client) -> None:
    found = grafana.get("api/search", params={"type": "dash-db"}).raise_for_status().json()
    assert {board["title"] for board in found} == {"Fleet", "Model", "Serving", "Training", "Platform"}
    rules = grafana.get("api/prometheus/mimir/api/v1/rules").raise_for_status().json()
    named = {group["name"] for group in rules["data"]["groups"]}
    assert named == {"objectives", "serving", "models", "platform"}


def test_nobody_sees_a_dashboard_without_signing_in(running: Stack) -> None:
    with through_the_edge(running, signed_in=False) as stranger:
        assert stranger.get("api/search").status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("stage", STAGES)
def test_only_who_knows_the_token_may_send(running: Stack, stage: Stage) -> None:
    send = (
        "import urllib.error, urllib.request as r\n"
        "q = r.Request('http://collector:4318/v1/logs', b'{}', {'Content-Type': 'application/json'})\n"
        "try: print(r.urlopen(q).status)\n"
        "except urllib.error.HTTPError as e: print(e.code)"
    )
    answered = running.services(stage)("exec", "-T", "pipeline-api", "python3", "-c", send).stdout.strip()
    assert answered == "401"

"""A real Prometheus scrapes the running set by the stack's own jobs while the demo plays; then all is asked.

What only a stack in containers says (collector, backends, Caddy, PostgreSQL) stands in `unanswered.py`. What
takes hours fires in promtool (`tests/rules`); here the worker hangs, and the alerts that say so are seen.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from compose_stack import demo
from compose_stack.client import Client, Refused
from compose_stack.instance import Instance, free_ports
from compose_stack.observability.__main__ import DASHBOARDS, SAMPLE
from compose_stack.observability.asking import Backends, questions
from compose_stack.observability.prometheus import configuration
from compose_stack.people import People
from compose_stack.traffic import MODEL, Labelled
from real_backends import LOKI, TEMPO, Running, collector, running
from real_prometheus import Prometheus, prometheus
from unanswered import UNANSWERED

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

MOST_SERIES = 5000
"""Of one target, after thousands of different inputs."""
CHOSEN = {"stage": "main", "model": MODEL, "__rate_interval": "30s", "__range": "15m", "site": ""}
HIDDEN_S = 60
"""Tempo answers no query about the last 30 s, and Loki takes what is sent a little later."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    """Start Loki and Tempo, if variables name their programs."""
    with ExitStack() as started:
        yield {
            program.name: started.enter_context(running(program, tmp_path_factory.mktemp(program.name)))
            for program in (LOKI, TEMPO)
            if LOKI.path and TEMPO.path
        }


@pytest.fixture(scope="module")
def instance(
    trained: Path, sources: dict[str, Running], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Start an instance whose worker can be scraped, too, and that sends to Loki and Tempo if they run."""
    state_dir = tmp_path_factory.mktemp("observed") / "var"
    shutil.copytree(trained, state_dir)
    (port,) = free_ports(1)
    environment = {"WORKER_PORT": str(port)}
    with ExitStack() as started:
        if sources:
            endpoint = started.enter_context(collector(sources["loki"], sources["tempo"]))
            environment["OTLP_ENDPOINT"] = endpoint
        yield started.enter_context(Instance(state_dir, environment))


@pytest.fixture(scope="module")
def observed(
    instance: Instance, rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Play the demo while Prometheus scrapes; yield it while both still run."""
    settings = instance.settings
    targets = {
        "gateway": {"pipeline-api.main": f"127.0.0.1:{settings.gateway_port}"},
        "serve": {"serve.main": f"127.0.0.1:{settings.processor_port}"},
        "work": {"work.main": f"127.0.0.1:{instance.environment['WORKER_PORT']}"},
        "pages": {"streamlit-ui.main": f"127.0.0.1:{settings.ui_port}"},
    }
    config = configuration(SAMPLE | {"MAIN_URL": settings.ui_url}, targets, every="1s")
    with prometheus(tmp_path_factory.mktemp("prometheus"), config) as server, instance.sign_in() as admin:
        server.until('up{job="gateway"} == 1')
        ask_oddly(admin, rows[0])
        with demo.short_cooldown(admin, print), People(admin, demo.PEOPLE) as people:
            demo.play(admin, people, seed=7, tell=print)
        yield server


def ask_oddly(admin: Client, row: Labelled) -> None:
    """Send what is missing, unseen and out of range, and what is refused."""
    admin.predict(MODEL, [{**row.inputs, "occupation": None, "workclass": "Juggler", "age": 117}])
    with pytest.raises(Refused):
        admin.predict(MODEL, [{**row.inputs, "age": "not a number"}])


def test_every_query_of_every_panel_is_answered_or_it_is_known_why_not(observed: Prometheus) -> None:
    asked = [one for one in questions(DASHBOARDS, CHOSEN) if observed.backends.knows(one)]
    deadline = time.monotonic() + 60
    while True:
        empty = [one for one in asked if not observed.backends.ask(one, observed.since, time.time() + 1)]
        left = [one for one in empty if not any(metric in one.text for metric in UNANSWERED)]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert left == [], "nothing answers\n" + "\n".join(map(str, left))
    assert len(asked) - len(empty) > 20


def test_every_query_to_logs_and_traces_is_answered(
    observed: Prometheus, sources: dict[str, Running]
) -> None:
    if not sources:
        pytest.skip("LOKI and TEMPO name no programs: queries to logs and traces were not asked here.")
    with ExitStack() as opened:
        clients = {
            name: opened.enter_context(httpx.Client(base_url=f"{it.url}/", timeout=60, trust_env=False))
            for name, it in sources.items()
        }
        backends = Backends(clients)
        asked = [one for one in questions(DASHBOARDS, CHOSEN) if backends.knows(one)]
        deadline = time.monotonic() + 2 * HIDDEN_S
        while empty := [one for one in asked if not backends.ask(one, observed.since, time.time())]:
            if time.monotonic() > deadline:
                break
            time.sleep(2)
        known = [one for one in empty if any(text in one.text for text in UNANSWERED)]
        assert empty == known, "nothing answers\n" + "\n".join(map(str, empty))


def test_targets_are_known_by_stage_service_and_instance_and_series_by_nothing_else(
    observed: Prometheus, instance: Instance
) -> None:
    up = {series["metric"]["job"]: series["metric"] for series in observed.query("up")}
    assert {job: (labels["service"], labels["stage"]) for job, labels in up.items()} == {
        "gateway": ("pipeline-api", "main"),
        "serve": ("serve", "main"),
        "work": ("work", "main"),
        "pages": ("streamlit-ui", "main"),
    }
    assert up["pages"]["site"] == instance.settings.ui_url
    series: list[dict[str, Any]] = observed.get("api/v1/series", **{"match[]": '{job!=""}'})
    assert not [one for one in series if any(label.startswith("exported_") for label in one)]
    assert {one["stage"] for one in series if "stage" in one} == {"main"}


def test_thousands_of_inputs_make_no_more_series(observed: Prometheus) -> None:
    for series in observed.query("max by (job) (max_over_time(scrape_samples_post_metric_relabeling[1h]))"):
        assert float(series["value"][1]) < MOST_SERIES, series["metric"]


def test_rules_are_evaluated_and_nothing_fires_that_should_not(observed: Prometheus) -> None:
    assert observed.unhealthy_rules() == []
    fired = {series["metric"]["alertname"] for series in observed.query('ALERTS{severity="page"}')}
    assert not fired & {"RequestsFail", "WorkerTakesNoRuns"}


def test_a_slow_answer_leads_to_its_trace(observed: Prometheus) -> None:
    asked = {
        "query": "http_server_request_duration_seconds_bucket",
        "start": str(observed.since),
        "end": str(time.time()),
    }
    found = observed.get("api/v1/query_exemplars", **asked)
    assert all(
        set(one["labels"]) <= {"trace_id", "span_id"} for series in found for one in series["exemplars"]
    )


def test_a_worker_that_hangs_is_noticed(observed: Prometheus, instance: Instance) -> None:
    worker = instance.process("data-processor", "work")
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        (down,) = observed.until('ALERTS{alertname="ServiceDown", job="work"}')
        assert down["metric"]["service"] == "work"
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    observed.until('up{job="work"} == 1')

"""A real Prometheus scrapes the running set by the stack's own jobs while the demo plays; then all is asked.

What only a stack in containers says (collector, backends, Caddy, PostgreSQL) stands in `unanswered.py`. Every
alert fires in promtool (`tests/rules`); here those fire, too, whose condition can be caused on one machine.
Prometheus has each alert twice: as it is, and with the label `at_once` without the time for which its
condition must hold.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
import yaml

from compose_stack import demo
from compose_stack.client import Client
from compose_stack.instance import Instance, free_ports
from compose_stack.observability.__main__ import DASHBOARDS, SAMPLE
from compose_stack.observability.asking import Backends, Question, questions
from compose_stack.observability.pictures.boards import picture
from compose_stack.observability.prometheus import FOLDER, RULES, configuration
from compose_stack.people import People
from compose_stack.traffic import MODEL, Labelled
from incidents import (
    MANY,
    answer_slowly,
    ask_oddly,
    ask_what_nobody_asked_before,
    drift,
    fail,
    hanging,
    more_runs_than_are_done,
    move_an_alias,
    registry,
)
from real_backends import LOKI, TEMPO, Running, collector, running
from real_prometheus import Prometheus, at_once, prometheus
from unanswered import UNANSWERED

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

MOST_SERIES = 3000
"""Of one target, after ten thousand different inputs."""
MOST_BYTES = 200_000
"""Of a picture in the docs."""
MOST_MORE = 100
"""How many of them the ten thousand may add: kinds of oddness and routes that were not seen before."""
CHOSEN = {"stage": "main", "model": MODEL, "__rate_interval": "30s", "__range": "15m", "site": ""}
PATIENCE_S = 300
HIDDEN_S = 60
"""Tempo answers no query about the last 30 s, and Loki takes what is sent a little later."""


@dataclass(frozen=True)
class Played:
    """Prometheus, and until when the demo went on and nothing else had happened."""

    server: Prometheus
    until: float


@pytest.fixture(scope="module")
def port() -> int:
    """Return where Prometheus is going to listen."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def sources(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    """Start Loki and Tempo, if variables name their programs; what Tempo counts it writes to Prometheus."""
    takes = f"http://127.0.0.1:{port}/api/v1/write"
    with ExitStack() as started:
        yield {
            program.name: started.enter_context(
                running(program, tmp_path_factory.mktemp(program.name), takes)
            )
            for program in (LOKI, TEMPO)
            if program.path
        }


@pytest.fixture(scope="module")
def instance(
    trained: Path, sources: dict[str, Running], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Start an instance whose worker can be scraped, too, and that sends every trace, and what it logs."""
    state_dir = tmp_path_factory.mktemp("observed") / "var"
    shutil.copytree(trained, state_dir)
    (port,) = free_ports(1)
    with collector(sources) as endpoint:
        environment = {"WORKER_PORT": str(port), "OTLP_ENDPOINT": endpoint, "TRACE_RATIO": "1"}
        with Instance(state_dir, environment) as started:
            yield started


@pytest.fixture(scope="module")
def played(
    instance: Instance,
    port: int,
    rows: list[Labelled],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Played]:
    """Play the demo while Prometheus scrapes; yield it while both still run.

    On pictures nothing is shown that is there only for the tests: S3 that does not answer, every alert twice.
    """
    settings = instance.settings
    pictures = request.config.getoption("--pictures") is not None
    (nobody,) = free_ports(1)
    targets = {
        "gateway": {"pipeline-api.main": f"127.0.0.1:{settings.gateway_port}"},
        "serve": {"serve.main": f"127.0.0.1:{settings.processor_port}"},
        "work": {"work.main": f"127.0.0.1:{instance.environment['WORKER_PORT']}"},
        "pages": {"streamlit-ui.main": f"127.0.0.1:{settings.ui_port}"},
        "s3": {} if pictures else {"s3": f"127.0.0.1:{nobody}"},
    }
    config = configuration(SAMPLE | {"MAIN_URL": settings.ui_url}, targets, every="1s")
    folder = tmp_path_factory.mktemp("prometheus")
    if not pictures:
        config["rule_files"].append(str(at_once(RULES, folder / "at-once.yaml")))
    with prometheus(folder, config, port) as server, instance.sign_in() as admin:
        server.until('up{job="gateway"} == 1')
        ask_oddly(admin, rows[0])
        with more_runs_than_are_done(admin):
            server.until('loopkeeper_runs_oldest_queued_timestamp_seconds{kind="evaluation"}', PATIENCE_S)
        drift(admin)
        with registry(instance) as mlflow:
            move_an_alias(mlflow, "main")
        server.until("loopkeeper_alias_refusals_total", PATIENCE_S)
        server.until('loopkeeper_drift_verdict{verdict="drift"} == 1', PATIENCE_S)
        with demo.short_cooldown(admin, print), People(admin, demo.PEOPLE) as people:
            demo.play(admin, people, seed=7, tell=print)
        yield Played(server, time.time())


@pytest.fixture
def admin(instance: Instance) -> Iterator[Client]:
    with instance.sign_in() as client:
        yield client


def until_answered(backends: Backends, since: float, patience_s: float) -> tuple[int, list[Question]]:
    """Return how many questions there are to these, and which nobody answers that are not known for it."""
    asked = left = [one for one in questions(DASHBOARDS, CHOSEN) if backends.knows(one)]
    deadline = time.monotonic() + patience_s
    while left := [one for one in left if not backends.ask(one, since, time.time() + 1)]:
        unknown = [one for one in left if not any(text in one.text for text in UNANSWERED)]
        if not unknown or time.monotonic() > deadline:
            return len(asked), unknown
        time.sleep(1)
    return len(asked), []


def test_every_query_of_every_panel_is_answered_or_it_is_known_why_not(played: Played) -> None:
    asked, left = until_answered(played.server.backends, played.server.since, 60)
    assert left == [], "nothing answers\n" + "\n".join(map(str, left))
    assert asked > 80


def test_what_is_known_to_have_no_answer_has_none(played: Played, sources: dict[str, Running]) -> None:
    told = {"traces_service_graph_request_total"} if "tempo" in sources else set()
    for question in questions(DASHBOARDS, CHOSEN):
        if question.source == "mimir" and any(text in question.text for text in UNANSWERED.keys() - told):
            assert not played.server.backends.ask(question, played.server.since, played.until), question


def test_every_query_to_logs_and_traces_is_answered(played: Played, sources: dict[str, Running]) -> None:
    if not sources:
        pytest.skip("LOKI and TEMPO name no programs: queries to logs and traces were not asked here.")
    with ExitStack() as opened:
        backends = Backends({name: client_of(it, opened) for name, it in sources.items()})
        asked, left = until_answered(backends, played.server.since, 2 * HIDDEN_S)
    assert left == [], "nothing answers\n" + "\n".join(map(str, left))
    assert asked >= 3 * len(sources)
    if "tempo" in sources:
        played.server.until("traces_service_graph_request_total")


def test_the_trace_of_a_run_leads_to_its_lines_as_grafana_asks_for_them(
    played: Played, sources: dict[str, Running]
) -> None:
    if set(sources) != {"loki", "tempo"}:
        pytest.skip("LOKI and TEMPO name no programs: from a trace to its lines was not tried here.")
    provisioned = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/backends.yaml").read_text())
    (tempo,) = (one for one in provisioned["datasources"] if one["uid"] == "tempo")
    text: str = tempo["jsonData"]["tracesToLogsV2"]["query"]
    text = text.replace("$${__tags}", 'service_name="data-processor"')
    of_runs = '{ resource.deployment.environment.name = "main" && kind = consumer }'
    with ExitStack() as opened:
        backends = Backends({name: client_of(it, opened) for name, it in sources.items()})

        def asked(source: str, query: str) -> list[dict[str, Any]]:
            return backends.answer(Question("", "", source, query), played.server.since, time.time())

        deadline = time.monotonic() + 2 * HIDDEN_S
        while True:
            traces = [one["traceID"].zfill(32) for one in asked("tempo", of_runs)]
            if any(asked("loki", text.replace("$${__trace.traceId}", trace)) for trace in traces):
                return
            assert time.monotonic() < deadline, f"no lines of {traces}"
            time.sleep(2)


def test_targets_are_known_by_stage_service_and_instance_and_series_by_nothing_else(
    played: Played, instance: Instance
) -> None:
    up = {series["metric"]["job"]: series["metric"] for series in played.server.query("up", played.until)}
    assert {job: (labels["service"], labels.get("stage")) for job, labels in up.items()} == {
        "gateway": ("pipeline-api", "main"),
        "serve": ("serve", "main"),
        "work": ("work", "main"),
        "pages": ("streamlit-ui", "main"),
        "s3": ("s3", None),
    }
    assert up["pages"]["site"] == instance.settings.ui_url
    series: list[dict[str, Any]] = played.server.get("api/v1/series", **{"match[]": '{job!=""}'})
    assert not [one for one in series if any(label.startswith("exported_") for label in one)]
    assert {one["stage"] for one in series if "stage" in one} == {"main"}


def test_ten_thousand_inputs_that_nobody_asked_before_make_no_more_series(
    played: Played, admin: Client, rows: list[Labelled]
) -> None:
    server = played.server
    count, answered = "scrape_samples_post_metric_relabeling", "sum(loopkeeper_predictions_total)"
    before = {one["metric"]["job"]: float(one["value"][1]) for one in server.query(count)}
    (predictions,) = server.query(answered)
    ask_what_nobody_asked_before(admin, rows[0])
    server.until(f"{answered} >= {float(predictions['value'][1]) + MANY}", PATIENCE_S)
    for one in server.query(count):
        job, series = one["metric"]["job"], float(one["value"][1])
        assert series < MOST_SERIES, job
        assert series <= before[job] + MOST_MORE, job
    assert not server.query('{__name__=~"loopkeeper_.+|http_.+", model=~"trade.*"}')


def test_rules_are_evaluated_and_nobody_is_paged_while_the_demo_plays(played: Played) -> None:
    assert played.server.unhealthy_rules() == []
    firing_then = 'ALERTS{alertstate="firing", severity="page", at_once=""}'
    fired = {one["metric"]["alertname"] for one in played.server.query(firing_then, played.until)}
    assert fired <= {"PredictionsAreSlow"}, "a busy machine may be slow, and nothing else"


def test_a_measured_request_leads_to_its_trace(played: Played, sources: dict[str, Running]) -> None:
    asked = {
        "query": 'http_server_request_duration_seconds_bucket{job="gateway"}',
        "start": str(played.server.since),
        "end": str(time.time()),
    }
    found = played.server.get("api/v1/query_exemplars", **asked)
    labels = [one["labels"] for series in found for one in series["exemplars"]]
    assert labels
    assert all(set(one) == {"trace_id"} and len(one["trace_id"]) == 32 for one in labels)
    if "tempo" in sources:
        with ExitStack() as opened:
            client_of(sources["tempo"], opened).get(f"api/traces/{labels[0]['trace_id']}").raise_for_status()


def test_every_dashboard_can_be_drawn(
    played: Played, sources: dict[str, Running], request: pytest.FixtureRequest
) -> None:
    folder: Path | None = request.config.getoption("--pictures")
    with ExitStack() as opened:
        backends = Backends(
            {"mimir": played.server.client, **{name: client_of(it, opened) for name, it in sources.items()}}
        )
        for path in sorted(DASHBOARDS.glob("*.json")):
            drawn = picture(path, backends, CHOSEN, played.server.since, played.until)
            said = "".join(ET.fromstring(drawn).itertext())  # noqa: S314  # our own
            assert all(panel["title"][:20] in said for panel in json.loads(path.read_text())["panels"])
            assert len(drawn) < MOST_BYTES
            if folder:
                (folder / f"dashboard-{path.stem}.svg").write_text(drawn)


def client_of(source: Running, opened: ExitStack) -> httpx.Client:
    return opened.enter_context(httpx.Client(base_url=f"{source.url}/", timeout=60, trust_env=False))


def firing(alert: str, **labels: str) -> str:
    """Return the query for an alert that fires, at once or after its time."""
    asked = {"alertname": alert, "alertstate": "firing", **labels}
    matched = ", ".join(f'{name}="{value}"' for name, value in asked.items())
    return f"ALERTS{{{matched}}}"


def test_drift_and_a_part_of_the_platform_that_does_not_answer_are_noticed(played: Played) -> None:
    for alert in (firing("InputsDrifted", model=MODEL), firing("TelemetryIncomplete", service="s3")):
        assert played.server.query(f"count_over_time({alert}[1h])"), alert


def test_requests_that_fail_are_noticed(
    played: Played, instance: Instance, admin: Client, rows: list[Labelled]
) -> None:
    paged = firing("RequestsFail", severity="page", service="pipeline-api")
    fail(instance, admin, rows[0], played.server, paged)
    assert played.server.query(paged)


def test_predictions_that_take_long_are_noticed(
    played: Played, instance: Instance, admin: Client, rows: list[Labelled]
) -> None:
    paged = firing("PredictionsAreSlow", severity="page", stage="main")
    answer_slowly(instance, admin, rows[0], played.server, paged)
    assert played.server.query(paged)


def test_a_worker_that_hangs_is_noticed(played: Played, instance: Instance) -> None:
    with hanging(instance, "work"):
        (down,) = played.server.until(firing("ServiceDown", job="work"))
        assert down["metric"]["service"] == "work"
        played.server.until(firing("NoWorkerLeads", stage="main"))
    played.server.until('up{job="work"} == 1')


def test_a_low_score_that_nobody_does_anything_about_is_noticed(played: Played, admin: Client) -> None:
    policy = admin.model(MODEL)["policy"]
    admin.set_policy(MODEL, threshold=0.999, cooldown_s=86_400)
    try:
        played.server.until(firing("ScoreLowAndNothingDone", model=MODEL))
    finally:
        admin.set_policy(MODEL, threshold=policy["threshold"], cooldown_s=policy["cooldown_s"])

"""What a collector gets of the running set: whole traces from a page to the worker's child, and log lines."""

import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser import browser_page
from compose_stack.client import Client
from compose_stack.instance import Instance, admin_password
from compose_stack.traffic import MODEL, Labelled
from compose_stack.training import follow
from declared_signals import lines_unlike, spans_unlike
from otlp_receiver import Receiver, Span, otlp_receiver
from pages import call_an_answer_wrong, sign_in

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

PREDICT, RATE = "/v1/models/{model}/predictions", "/v1/predictions/{prediction_id}/feedback"
TRAIN = "/v1/models/{model}/runs"
TRAINED_S = 400
OUTSIDE_SPAN = "b7ad6b7169203331"
RESOURCE = {
    "service.name",
    "service.version",
    "service.instance.id",
    "vcs.ref.head.revision",
    "deployment.environment.name",
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with otlp_receiver() as receiving:
        yield receiving


@pytest.fixture(scope="module")
def instance(
    trained: Path, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Start an instance that samples everything, and to which every request is slow: it leaves a line."""
    state_dir = tmp_path_factory.mktemp("traced") / "var"
    shutil.copytree(trained, state_dir)
    environment = {"OTLP_ENDPOINT": receiver.url, "TRACE_RATIO": "1", "SLOW_REQUEST_S": "0.000001"}
    with Instance(state_dir, environment) as started:
        yield started


@pytest.fixture(scope="module")
def page(instance: Instance) -> Iterator[Page]:
    """Open the pages as somebody who has signed in."""
    with browser_page() as opened:
        opened.goto(instance.settings.ui_url)
        sign_in(opened, admin_password(instance.settings))
        yield opened


@pytest.fixture(scope="module")
def run(page: Page, instance: Instance) -> dict[str, Any]:
    """Have a page train the model again, and wait until that has succeeded."""
    with instance.sign_in() as admin:
        before = {run["id"] for run in admin.runs(MODEL)}
        page.goto(f"{instance.settings.ui_url}/train?model={MODEL}")
        page.get_by_role("button", name="Train again").click()
        expect(page).to_have_url(re.compile(r"/run\?"))
        (queued,) = {run["id"] for run in admin.runs(MODEL)} - before
        ended = follow(admin, queued, lambda _: None, TRAINED_S).run
    assert ended["status"] == "succeeded", ended
    return ended


def named(span: Span) -> tuple[str, str, str]:
    return span.service, span.kind, span.name


def way_through_the_services(page: str, route: str) -> list[tuple[str, str, str]]:
    """Return the spans of a POST that somebody makes on a page, from there to `serve`."""
    return [
        ("streamlit-ui", "server", f"page {page}"),
        ("streamlit-ui", "client", "POST"),
        ("pipeline-api", "server", f"POST {route}"),
        ("pipeline-api", "client", "POST"),
        ("data-processor", "server", f"POST {route}"),
    ]


def lines_of(receiver: Receiver, trace_id: str, route: str) -> list[dict[str, Any]]:
    """Return what the gateway and `serve` wrote about a request."""

    def found(got: Receiver) -> list[dict[str, Any]]:
        lines = [line for line in got.lines_of(trace_id) if line.get("route") == route]
        return lines if len(lines) == 2 else []

    written: list[dict[str, Any]] = receiver.until(found)
    return written


def whole_trace(receiver: Receiver, trace_id: str) -> list[Span]:
    """Return the three spans of a call from outside: the gateway's, its own call's, and that of `serve`."""
    receiver.until(lambda got: len(got.trace(trace_id)) == 3)
    return receiver.trace(trace_id)


def in_trace(trace_id: str, flag: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-{OUTSIDE_SPAN}-{flag}"}


def predict(admin: Client, row: Labelled, trace_id: str, flag: str) -> str:
    """Return the trace id that a prediction is recorded with."""
    body = {"inputs": [row.inputs]}
    answer = admin.call(
        "POST", f"/v1/models/{MODEL}/predictions", json=body, headers=in_trace(trace_id, flag)
    )
    return str(admin.prediction(answer["predictions"][0]["id"])["trace_id"])


def test_what_somebody_does_on_a_page_is_one_trace_that_records_and_log_lines_name(
    page: Page, admin: Client, receiver: Receiver, instance: Instance
) -> None:
    call_an_answer_wrong(page)
    newest = admin.call("GET", f"/v1/models/{MODEL}/predictions", params={"limit": "1"})[0]
    recorded = admin.prediction(newest["id"])
    traces = {PREDICT: recorded["trace_id"], RATE: recorded["feedback"][-1]["trace_id"]}
    for route, trace_id in traces.items():
        way = receiver.way_to(trace_id, "data-processor", "server", f"POST {route}")
        # The form of feedback is a part of the page that runs alone: its trace begins with its call.
        began = 1 if route == RATE else 0
        assert [named(span) for span in way] == way_through_the_services("home", route)[began:]
        called, asked, passed_on, served = way[-4:]
        assert called.attributes["url.template"] == route
        for span in (asked, served):
            assert span.attributes["http.request.method"] == "POST"
            assert span.attributes["http.route"] == route
            assert span.attributes["http.response.status_code"] in (200, 201)
        assert passed_on.attributes["server.port"] == instance.settings.processor_port
        assert not any(span.failed for span in way)
        for line in lines_of(receiver, trace_id, route):
            assert (line["event"], line["trace_id"]) == ("request_slow", trace_id)


def test_a_run_that_is_queued_on_a_page_is_one_trace_down_to_the_child_of_the_worker(
    run: dict[str, Any], receiver: Receiver
) -> None:
    way = receiver.way_to(run["trace_id"], "data-processor", "internal", "search")
    assert [named(span) for span in way] == [
        *way_through_the_services("train", TRAIN),
        ("data-processor", "consumer", "search training"),
        ("data-processor", "internal", "search"),
    ]
    step = way[5].attributes
    assert (step["loopkeeper.model"], step["messaging.message.id"]) == (MODEL, run["id"])
    instances = {span.resource["service.instance.id"] for span in way}
    assert len(instances) == 4, "pages, gateway, serve and the worker, whose child is one with it"
    assert {span.resource["deployment.environment.name"] for span in way} == {"main"}
    (finished,) = receiver.until(
        lambda got: [line for line in got.lines_of(run["trace_id"]) if line["event"] == "run_finished"]
    )
    assert (finished["run"], finished["trace_id"]) == (run["id"], run["trace_id"])


def test_a_promotion_names_the_trace_of_the_request_that_made_it(
    run: dict[str, Any], admin: Client, receiver: Receiver
) -> None:
    found = admin.model(MODEL)
    other = next(one["version"] for one in found["versions"] if one["version"] != found["version"])
    assert run["version"] in (other, found["version"])
    trace_id = secrets.token_hex(16)
    body: dict[str, Any] = {"version": other, "stage": "main", "reason": "a test", "override": True}
    path = f"/v1/models/{MODEL}/promotions"
    admin.call("POST", path, json=body, headers=in_trace(trace_id, "00"))
    assert admin.ledger(MODEL)[0]["trace_id"] == trace_id
    receiver.until(lambda got: any(span.service == "data-processor" for span in got.trace(trace_id)))


def test_the_flag_of_a_caller_changes_nothing(
    admin: Client, receiver: Receiver, rows: list[Labelled]
) -> None:
    traces = []
    for flag in ("00", "01"):
        trace_id = secrets.token_hex(16)
        assert predict(admin, rows[0], trace_id, flag) == trace_id
        spans = whole_trace(receiver, trace_id)
        assert OUTSIDE_SPAN in {span.parent_id for span in spans}
        traces.append(sorted(named(span) for span in spans))
    assert traces[0] == traces[1]


def test_spans_and_log_lines_are_those_that_are_declared(admin: Client, receiver: Receiver) -> None:
    trace_id = secrets.token_hex(16)
    admin.call("GET", "/healthz")
    admin._http.get("/nowhere", headers=in_trace(trace_id, "00"))
    receiver.until(lambda got: got.trace(trace_id))
    assert spans_unlike(receiver.spans) == []
    assert lines_unlike(receiver.records) == []
    resources = [one.resource for one in receiver.spans] + [one.resource for one in receiver.records]
    assert all(set(resource) >= RESOURCE for resource in resources)


def test_where_nothing_is_sampled_the_flag_of_a_caller_makes_no_span(
    instance: Instance, receiver: Receiver, rows: list[Labelled]
) -> None:
    instance.stop()
    quiet = Instance(instance.state_dir, {**instance.environment, "TRACE_RATIO": "0"})
    trace_id = secrets.token_hex(16)
    with quiet, quiet.sign_in() as admin:
        assert predict(admin, rows[0], trace_id, "01") == trace_id
    # The set has ended, and sent what it had.
    assert receiver.lines_of(trace_id)
    assert receiver.trace(trace_id) == []

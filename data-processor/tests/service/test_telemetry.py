import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from data_processor.service.logging import LINES as LOG_LINES
from data_processor.service.middleware import LINES, SPANS
from data_processor.service.settings import ServiceSettings
from data_processor.service.signals import (
    DeclaredLine,
    DeclaredSpan,
    undeclared_fields,
    undeclared_spans,
)
from data_processor.service.spans import is_traced
from data_processor.service.telemetry import configure_telemetry

TRACE, CALLER, QUIET = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "f" * 32
# A process of its own, because exporting lasts as long as its process.
PROGRAM = """
import structlog
from starlette.testclient import TestClient
from data_processor.service.errors import NotReady
from data_processor.service.logging import configure_logging
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.middleware import ServiceApp, install_middleware
from data_processor.service.problem_responses import install_problem_handlers
from data_processor.service.settings import ServiceSettings
from data_processor.service.spans import traced
from data_processor.service.telemetry import configure_telemetry
from data_processor.service.trace_context import current_request

settings = ServiceSettings()
configure_logging(settings)
configure_telemetry(settings)
metrics = ServiceMetrics(settings)
app = ServiceApp()
install_problem_handlers(app)
install_middleware(app, settings, metrics)
app.include_router(metrics.router())

@app.get("/things/{thing}")
async def show(thing: str):
    with traced("look up", current_request.get().traceparent, attributes={"thing.kind": "toy"}):
        structlog.get_logger("things").info("shown", password="hunter2")

@app.get("/away")
async def away():
    raise NotReady("Away.")

@app.get("/healthz")
async def healthz():
    pass

client = TestClient(app)
sampled = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
client.get("/things/1", headers=sampled)
client.get("/away", headers=sampled)
client.get("/healthz", headers=sampled)
client.get("/nowhere", headers=sampled)
client.get("/things/2", headers={"traceparent": f"00-{'f' * 32}-b7ad6b7169203331-00"})
print(client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text)
"""
# 3000 sampled requests, more than can wait to be sent; it tells how long they took and when they were done.
BUSY = """
import asyncio
import json
import time
import structlog
from starlette.responses import Response
from data_processor.service.logging import configure_logging
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.middleware import ServiceMiddleware
from data_processor.service.settings import ServiceSettings
from data_processor.service.telemetry import configure_telemetry

settings = ServiceSettings(log_level="error")
configure_logging(settings)
configure_telemetry(settings)
log = structlog.get_logger("busy")

async def answer(scope, receive, send):
    log.error("answered")
    await Response("ok")(scope, receive, send)

async def send(message):
    if message["type"] == "http.response.start":
        statuses.append(message["status"])

async def ask():
    middleware = ServiceMiddleware(
        answer, metrics=ServiceMetrics(settings), max_body_bytes=1000, body_limits={}
    )
    headers = [(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    for _ in range(3000):
        began = time.perf_counter()
        await middleware({"type": "http", "method": "GET", "path": "/", "headers": headers}, None, send)
        waits.append(time.perf_counter() - began)

statuses, waits = [], []
asyncio.run(ask())
print(json.dumps({"answered": statuses.count(200), "median_s": sorted(waits)[1500], "ended": time.time()}))
"""


class Collector:
    """An OTLP/HTTP server: what it was sent, by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: dict[str, list[bytes]] = defaultdict(list)

    @property
    def spans(self) -> list[tuple[dict[str, str], Any]]:
        """Each span with the attributes of its resource."""
        return [
            ({each.key: each.value.string_value for each in told.resource.attributes}, span)
            for body in self.bodies["/v1/traces"]
            for told in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in told.scope_spans
            for span in scope.spans
        ]

    @property
    def records(self) -> list[Any]:
        """The log records."""
        return [
            record
            for body in self.bodies["/v1/logs"]
            for told in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in told.scope_logs
            for record in scope.log_records
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies[self.path].append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        found = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(params=["hangs", "absent"])
def broken(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a collector that takes connections and never answers, or of none."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _names(span: Any) -> list[str]:
    return [each.key for each in span.attributes]


def run(program: str, collector: str) -> str:
    environment = {
        "SERVICE_NAME": "specimen",
        "PORT": "0",
        "OTLP_ENDPOINT": collector,
        "INSTANCE_ID": "replica-1",
        "CODE_REVISION": "abc",
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environment, check=True, timeout=120, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def test_without_a_collector_nothing_is_set_up(settings: ServiceSettings) -> None:
    handlers = logging.getLogger().handlers[:]
    configure_telemetry(settings)
    assert not is_traced()
    assert logging.getLogger().handlers == handlers


def test_sampled_traces_and_all_logs_reach_the_collector(collector: Collector) -> None:
    shown = run(PROGRAM, collector.url)

    spans = {span.name: span for _, span in collector.spans}
    assert set(spans) == {"GET /things/{thing}", "look up", "GET /away", "GET"}
    request, below, failed = spans["GET /things/{thing}"], spans["look up"], spans["GET /away"]
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert request.parent_span_id.hex() == CALLER
    assert below.parent_span_id == request.span_id
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.request.method"].string_value == "GET"
    assert attributes["http.route"].string_value == "/things/{thing}"
    assert attributes["url.path"].string_value == "/things/1"
    assert attributes["http.response.status_code"].int_value == 200
    assert (request.kind, request.status.code) == (request.SPAN_KIND_SERVER, 0)
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    resource, _ = collector.spans[0]
    assert (resource["service.name"], resource["service.instance.id"]) == ("specimen", "replica-1")
    assert (resource["deployment.environment.name"], resource["vcs.ref.head.revision"]) == ("main", "abc")

    toy = DeclaredSpan("look up", "internal", "A span of this test.", ("thing.kind",))
    sent = [
        (span.name, span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(), _names(span))
        for _, span in collector.spans
    ]
    assert undeclared_spans(sent, (*SPANS, toy)) == []
    lines = [json.loads(record.body.string_value) for record in collector.records]
    assert undeclared_fields(lines, (*LOG_LINES, *LINES)) == []

    records = {
        (event["event"], event["trace_id"]): (record, event)
        for record in collector.records
        if "trace_id" in (event := json.loads(record.body.string_value))
    }
    record, _ = records["shown", TRACE]
    assert record.trace_id.hex() == TRACE
    assert record.span_id == below.span_id
    assert "hunter2" not in record.body.string_value
    unsampled, _ = records["shown", QUIET]
    assert unsampled.trace_id.hex() == QUIET
    _, failure = records["request_failed", TRACE]
    assert (failure["route"], failure["status"]) == ("/away", 503)

    assert f'trace_id="{TRACE}"' in shown
    assert QUIET not in shown


def test_what_is_not_declared_is_told() -> None:
    declared = (DeclaredSpan("{step} run", "consumer", "A step.", ("run",), ("error",)),)
    assert undeclared_spans([("fit run", "consumer", ["run", "error"])], declared) == []
    assert undeclared_spans([("fit run", "consumer", ["colour", "run"])], declared) == [
        "The span 'fit run' (consumer) with ['colour', 'run'] is not declared.",
        "No span '{step} run' (consumer) was sent.",
    ]
    lines = (DeclaredLine("", "Every line.", ("event", "level")), DeclaredLine("made", "Made.", ("what",)))
    assert undeclared_fields([{"event": "free", "level": "info", "more": 1}], lines) == []
    assert undeclared_fields([{"event": "made", "who": "me"}], lines) == [
        "A line of made lacks level.",
        "A line of made lacks what.",
        "A line of made has who.",
    ]


def test_no_request_waits_for_a_collector_and_a_process_ends_without_it(broken: str) -> None:
    told = json.loads(run(BUSY, broken).splitlines()[-1])
    assert told["answered"] == 3000
    assert told["median_s"] < 0.02
    assert time.time() - told["ended"] < 10

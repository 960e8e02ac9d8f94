import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from data_processor.service.settings import ServiceSettings
from data_processor.service.telemetry import configure_telemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
# A process of its own, because the tracer provider of a process can be set only once.
PROGRAM = """
import structlog
from starlette.testclient import TestClient
from data_processor.service.logging import configure_logging
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.middleware import ServiceApp, install_middleware
from data_processor.service.settings import ServiceSettings
from data_processor.service.telemetry import configure_telemetry

settings = ServiceSettings()
configure_logging(settings)
configure_telemetry(settings)
metrics = ServiceMetrics(settings)
app = ServiceApp(settings)
install_middleware(app, settings, metrics)

@app.get("/things/{thing}")
async def show(thing: str):
    structlog.get_logger("things").info("shown", password="hunter2")

@app.get("/healthz")
async def healthz():
    pass

client = TestClient(app)
client.get("/things/1", headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
client.get("/healthz")
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """An OTLP/HTTP server: its base URL and the bodies it got, by path."""
    bodies: dict[str, list[bytes]] = defaultdict(list)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies[self.path].append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        thread.join()


def test_without_a_collector_nothing_is_set_up(settings: ServiceSettings) -> None:
    before = trace.get_tracer_provider()
    configure_telemetry(settings)
    assert trace.get_tracer_provider() is before


def test_spans_and_logs_reach_the_collector(collector: tuple[str, dict[str, list[bytes]]]) -> None:
    url, bodies = collector
    environment = {"SERVICE_NAME": "specimen", "PORT": "0", "OTLP_ENDPOINT": url}
    command = [sys.executable, "-c", PROGRAM]
    subprocess.run(command, env=environment, check=True, timeout=60)

    spans = [
        span
        for body in bodies["/v1/traces"]
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert "GET /things/{thing}" in {span.name for span in spans}
    assert not any("healthz" in span.name for span in spans)
    assert {span.trace_id.hex() for span in spans} == {TRACE}

    records = [
        record
        for body in bodies["/v1/logs"]
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    shown = next(record for record in records if "shown" in record.body.string_value)
    assert shown.trace_id.hex() == TRACE
    assert "hunter2" not in shown.body.string_value

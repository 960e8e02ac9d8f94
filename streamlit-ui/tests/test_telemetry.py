"""A run of a page, as a collector and the gateway see it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from streamlit_ui.service.signals import undeclared_spans
from streamlit_ui.telemetry import SPANS

TOKEN = "a-token-of-the-pages"
# A process of its own, because exporting lasts as long as its process.
PROGRAM = """
import logging
from streamlit_ui.client import Gateway, connect
from streamlit_ui.service.pages_log import configure_logging
from streamlit_ui.settings import settings
from streamlit_ui.telemetry import configure_telemetry, page_run

configure_logging("streamlit-ui", "info", None)
configure_telemetry(settings())
with page_run("predict"):
    Gateway(connect(settings().gateway_url, 5)).alive()
    logging.getLogger("pages").warning("shown")
"""


class Outside:
    """The gateway and the collector in one server: what they got."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Any] = []
        self.spans: dict[str, Any] = {}
        self.logs: list[Any] = []


@pytest.fixture
def outside() -> Iterator[Outside]:
    found = Outside()

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.headers)
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                for told in ExportTraceServiceRequest.FromString(body).resource_spans:
                    found.spans |= {span.name: span for scope in told.scope_spans for span in scope.spans}
            else:
                for record in ExportLogsServiceRequest.FromString(body).resource_logs:
                    found.logs += [one for scope in record.scope_logs for one in scope.log_records]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def show_a_page(outside: Outside, ratio: str) -> str:
    environment = {**os.environ, "GATEWAY_URL": outside.url, "OTLP_ENDPOINT": outside.url}
    environment |= {"TRACE_RATIO": ratio, "PAGES_TOKEN": TOKEN}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, check=True, timeout=60, text=True, stderr=subprocess.PIPE)
    return done.stderr


def test_a_run_of_a_page_is_a_trace_that_goes_on_in_the_gateway(outside: Outside) -> None:
    logged = show_a_page(outside, "1")
    page, call = outside.spans["page predict"], outside.spans["GET"]
    assert (page.parent_span_id, call.parent_span_id) == (b"", page.span_id)
    attributes = {each.key: each.value for each in call.attributes}
    assert attributes["url.template"].string_value == "/healthz"
    assert attributes["http.response.status_code"].int_value == 200
    sent = [
        (span.name, kind, [each.key for each in span.attributes])
        for kind, span in (("server", page), ("client", call))
    ]
    assert undeclared_spans(sent, SPANS) == []
    [asked] = outside.asked
    assert asked["traceparent"] == f"00-{page.trace_id.hex()}-{call.span_id.hex()}-01"
    assert asked["X-Loopkeeper-Visitor"] == TOKEN
    [record] = [one for one in outside.logs if "shown" in one.body.string_value]
    assert (record.trace_id, record.span_id) == (page.trace_id, page.span_id)
    assert f"shown trace_id={page.trace_id.hex()}" in logged


def test_a_run_that_is_not_sampled_has_a_trace_id_all_the_same(outside: Outside) -> None:
    show_a_page(outside, "0")
    assert outside.spans == {}
    [asked] = outside.asked
    assert asked["traceparent"].endswith("-00")
    assert outside.logs[0].trace_id.hex() == asked["traceparent"].split("-")[1]

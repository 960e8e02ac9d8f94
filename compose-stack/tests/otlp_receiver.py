"""An OTLP/HTTP receiver that keeps and decodes what it is sent, instead of a collector."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Span:
    """A span, and the attributes of the process that made it."""

    resource: dict[str, Any]
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty at the root of a trace."""
    attributes: dict[str, Any]
    failed: bool

    @property
    def service(self) -> str:
        return str(self.resource["service.name"])

    def __str__(self) -> str:
        return f"{self.service}: {self.name}"


@dataclass(frozen=True)
class LogRecord:
    """A log line."""

    resource: dict[str, Any]
    trace_id: str
    """Empty outside of a trace."""
    text: str

    @property
    def service(self) -> str:
        return str(self.resource["service.name"])


@dataclass
class Receiver:
    """What arrived, oldest first."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    records: list[LogRecord] = field(default_factory=list)

    def until(self, found: Callable[["Receiver"], Any], patience_s: float = PATIENCE_S) -> Any:
        """Return the first answer that is true; spans and lines arrive in batches, every few seconds."""
        deadline = time.monotonic() + patience_s
        while not (answer := found(self)):
            assert time.monotonic() < deadline, "\n".join(
                ["what was waited for did not arrive:", *map(str, self.spans)]
            )
            time.sleep(0.1)
        return answer

    def trace(self, trace_id: str) -> list[Span]:
        """Return what has arrived of a trace."""
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def lines_of(self, trace_id: str) -> list[dict[str, Any]]:
        """Return the lines of services that have arrived of a trace; those of the pages are plain text."""
        return [
            json.loads(record.text)
            for record in list(self.records)
            if record.trace_id == trace_id and record.service != "streamlit-ui"
        ]

    def way_to(self, trace_id: str, service: str, kind: str, name: str) -> list[Span]:
        """Return the spans from the root of a trace to one of them, once none is missing."""

        def found(got: Receiver) -> list[Span]:
            known = {span.span_id: span for span in got.trace(trace_id)}
            way = [
                span
                for span in known.values()
                if (span.service, span.kind, span.name) == (service, kind, name)
            ]
            while way and way[0].parent_id:
                if way[0].parent_id not in known:
                    return []
                way.insert(0, known[way[0].parent_id])
            return way

        way: list[Span] = self.until(found)
        return way

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for told in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = _values(told.resource.attributes)
                self.spans += [_span(resource, span) for scope in told.scope_spans for span in scope.spans]
            return
        for said in ExportLogsServiceRequest.FromString(body).resource_logs:
            resource = _values(said.resource.attributes)
            self.records += [
                LogRecord(resource, record.trace_id.hex(), record.body.string_value)
                for scope in said.scope_logs
                for record in scope.log_records
            ]


@contextlib.contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    """Receive on a free port of this machine."""
    receiver = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _span(resource: dict[str, Any], sent: Sent) -> Span:
    return Span(
        resource=resource,
        name=sent.name,
        kind=Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        attributes=_values(sent.attributes),
        failed=sent.status.code == sent.status.STATUS_CODE_ERROR,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}

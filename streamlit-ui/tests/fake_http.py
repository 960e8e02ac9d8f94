"""Real HTTP for a fake gateway: one function answers, a problem is raised."""

import json
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

Answer = tuple[int, Any]
Handlers = dict[str, Callable[..., Answer]]
"""An operation of the contract, as `GET /v1/models/{model}`, → what answers it."""


class Refused(Exception):
    """Answer with a problem."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = more.pop("headers", {})
        self.body = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, **more}


def find(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    for row in rows:
        if row[key] == value:
            return row
    raise Refused(404, f"There is no {value!r}.")


def form(content_type: str, body: bytes) -> dict[str, Any]:
    """Take a multipart form apart: fields as texts, the file as its name and its bytes."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content: Any = part.get_payload(decode=True)
        filename = part.get_filename()
        found[str(name)] = (filename, content) if filename else content.decode()
    return found


class Answering(Protocol):
    """What answers a request."""

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer: ...


def handler(gateway: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            more: dict[str, str] = {}
            try:
                status, given = gateway.answer(self.command, self.path, headers, body)
                kind = "application/json"
            except Refused as refused:
                status, given, more, kind = (
                    refused.status,
                    refused.body,
                    refused.headers,
                    "application/problem+json",
                )
            content = (
                b""
                if given is None
                else given
                if isinstance(given, bytes)
                else given.encode()
                if isinstance(given, str)
                else json.dumps(given).encode()
            )
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        # The names are those of the standard library.
        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # as above

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler

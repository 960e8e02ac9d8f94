"""A data-processor that only pretends: it is a service of its own, and here the gateway is tested."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

SERVICE_TOKEN = "service-token-of-the-tests"
CALLER_KEY = "caller-key-of-the-tests"
PROBLEM = "application/problem+json"
EVENTS = 1000
"""The most events in one answer."""


@dataclass
class Call:
    """One request as the processor got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    caller: dict[str, Any] | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    status: int = 200
    body: bytes | list[bytes] = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    delay_s: float = 0


Rule = Callable[[Call], Reply | Awaitable[Reply]]

MODEL_PATH = "/v1/models/census-income"
SCHEMA = {
    "type": "object",
    "properties": {
        "age": {"type": ["integer", "null"]},
        "hours-per-week": {"type": ["number", "null"]},
        "workclass": {"type": ["string", "null"]},
    },
    "required": [],
    "additionalProperties": False,
}
MODEL = {
    "name": "census-income",
    "task": "tabular-classification",
    "version": "2",
    "ready": True,
    "stage": "main",
    "score": None,
    "state": "collecting",
    "schema": SCHEMA,
    "target": "income-per-year",
    "classes": ["<=50K", ">50K"],
    "policy": {},
    "versions": [{"version": "2"}, {"version": "1"}],
}


class FakeProcessor:
    """Answers like the data-processor, as far as the gateway can tell; remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.rules: dict[tuple[str, str], Rule] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.finished: set[str] = set()

    def on(self, method: str, path: str, rule: Rule | Reply) -> None:
        """Answer a path (a regular expression) by a rule of the test's own."""
        self.rules[method, path] = rule if callable(rule) else lambda _call: rule

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return  # a request that broke off asks for nothing
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        call = Call(scope["method"], target, headers, body, verified_caller(headers))
        self.calls.append(call)
        reply = await self._reply(call, scope["path"])
        await asyncio.sleep(reply.delay_s)
        chunks = reply.body if isinstance(reply.body, list) else [reply.body]
        head = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
        if not isinstance(reply.body, list):
            head.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _reply(self, call: Call, path: str) -> Reply:
        for (method, pattern), rule in self.rules.items():
            if method == call.method and re.fullmatch(pattern, path):
                made = rule(call)
                return made if isinstance(made, Reply) else await made
        if path == "/readyz":
            return Reply(body=b'{"status":"ok","checks":{"model":"ok"}}')
        if call.caller is None:
            return problem(401, "The service token is missing or wrong.")
        if path.endswith("/events"):
            return await self._follow(call, path)
        if path.endswith("/predictions") and call.method == "POST":
            return predict(call, path)
        return as_json(MODEL if path == MODEL_PATH else {"target": call.target, "caller": call.caller})

    async def _follow(self, call: Call, path: str) -> Reply:
        run = path.split("/")[3]
        if run not in self.events:
            return problem(404, f"There is no run '{run}'.")
        after, wait = re.findall(r"=([0-9.]+)", call.target)
        deadline = time.monotonic() + float(wait)
        while True:
            newer = [event for event in self.events[run] if event["seq"] > int(after)]
            found, closed = newer[:EVENTS], run in self.finished and len(newer) <= EVENTS
            if found or closed or time.monotonic() >= deadline:
                return as_json({"events": found, "closed": closed})
            await asyncio.sleep(0.02)


async def _lifespan(receive: Any, send: Any) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})


def as_json(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode())


def problem(status: int, detail: str, **more: Any) -> Reply:
    body = {"type": "about:blank", "title": "", "status": status, "detail": detail, **more}
    return Reply(status, json.dumps(body).encode(), {"content-type": PROBLEM})


def predict(call: Call, path: str) -> Reply:
    """Answer each row with who asked and what, so that a mixed-up answer shows."""
    assert call.caller is not None
    answers = [
        {
            "id": f"p-{index}",
            "label": ">50K" if (row.get("age") or 0) > 40 else "<=50K",
            "probabilities": {"<=50K": 0.75, ">50K": 0.25},
            "flags": [f"{call.caller['sub']} asked {json.dumps(row, sort_keys=True)}"],
            "ask": False,
        }
        for index, row in enumerate(call.json["inputs"])
    ]
    model = path.split("/")[3]
    version = call.json.get("version", "2")
    return as_json({"model": model, "version": version, "stage": "main", "predictions": answers})


def verified_caller(headers: dict[str, str]) -> dict[str, Any] | None:
    """Check service token and signature as the data-processor does; return the caller's claims."""
    if headers.get("authorization") != f"Bearer {SERVICE_TOKEN}":
        return None
    signed, _, signature = headers.get("x-loopkeeper-caller", "").rpartition(".")
    expected = hmac.digest(CALLER_KEY.encode(), signed.encode(), hashlib.sha256)
    if not hmac.compare_digest(unpadded(signature), expected):
        return None
    claims: dict[str, Any] = json.loads(unpadded(signed.removeprefix("v1.")))
    return claims if 0 < claims["exp"] - time.time() <= 120 else None


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

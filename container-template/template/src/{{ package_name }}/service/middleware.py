"""What every request passes through: ids, body limit, security headers, metrics, an answer to a crash.

One pure-ASGI class in one pass: it runs for every prediction, so it must cost microseconds.
"""

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import INTERNAL_ERROR, NotReady, Problem, TooLarge
from .metrics import UNMATCHED, ServiceMetrics
from .problem_responses import problem_of, problem_response
from .settings import ServiceSettings
from .signals import DeclaredLine, DeclaredSpan
from .spans import Span, close_span, is_traced, open_span
from .trace_context import (
    RequestIds,
    Sampling,
    Traceparent,
    current_request,
    follow,
    parse_traceparent,
    request_ids,
)

ROUTE_KEY = "service.route"
"""Scope key under which raw ASGI code stores its route template for the metrics."""
WAITING_KEY = "service.waiting"
"""Scope key of a request that was asked to wait for something: then it is not slow."""
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that machines ask again and again: they are no traces, and their answer says what is wrong."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_LENGTH_DIGITS = 18
_FIRST_FAILURE = 500
_OVERRIDABLE = frozenset({b"content-security-policy", b"cache-control"})
_ATTRIBUTES = ("http.request.method", "url.path", "url.scheme", "http.response.status_code")
SPANS = (
    DeclaredSpan("{method} {route}", "server", "A request.", (*_ATTRIBUTES, "http.route"), ("error.type",)),
    DeclaredSpan("{method}", "server", "A request that no route matches.", _ATTRIBUTES, ("error.type",)),
)
LINES = (
    DeclaredLine(
        "request_failed",
        "A request was answered with a status from 500 on; with its traceback, if it crashed.",
        ("method", "route"),
        ("status", "seconds"),
    ),
    DeclaredLine(
        "request_slow",
        "A request took longer than `SLOW_REQUEST_S`.",
        ("method", "route", "status", "seconds"),
    ),
    DeclaredLine(
        "storage_failed",
        "A request could not be answered, because a database or disk cannot be used.",
        ("method", "route", "reason", "error"),
    ),
)
log = structlog.get_logger(__name__)


def install_middleware(
    app: FastAPI,
    settings: ServiceSettings,
    metrics: ServiceMetrics,
    body_limits: Mapping[str, int] | None = None,
    sampling: Sampling = follow,
) -> None:
    """Wrap the app; `body_limits` gives exact paths, such as an upload's, a limit of their own in bytes.

    `sampling` decides which requests are traced: where traces enter the platform, a `HeadSampling`.
    """
    app.add_middleware(
        ServiceMiddleware,
        metrics=metrics,
        max_body_bytes=settings.max_body_bytes,
        body_limits=dict(body_limits or {}),
        slow_s=settings.slow_request_s,
        sampling=sampling,
    )


class ServiceApp(FastAPI):
    """FastAPI without its own outermost layers: they cost an eighth of a short answer.

    They answer a crash, report it to a tracer and bound bodies, all of which `ServiceMiddleware` does.
    """

    def __init__(self, **more: Any) -> None:
        """Make the app; `more` goes to FastAPI."""
        # Signals are the service's own, and asking for a tracer each time takes microseconds.
        telemetry: Any = {"tracing": False, "metrics": False, "logs": False}
        super().__init__(docs_url=None, redoc_url=None, telemetry=telemetry, **more)

    def build_middleware_stack(self) -> ASGIApp:
        """Return the layers a request passes through, starting with the service's own."""
        layers: Any = super().build_middleware_stack()
        if self.user_middleware:
            first: Any = self.user_middleware[0].cls
            while not isinstance(layers, first):
                layers = layers.app
        stack: ASGIApp = layers
        return stack


class ServiceMiddleware:
    """Name each request, bound its body, secure and measure its answer, and turn a crash into a 500."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: ServiceMetrics,
        max_body_bytes: int,
        body_limits: Mapping[str, int],
        slow_s: float = 1.0,
        sampling: Sampling = follow,
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.max_body_bytes = max_body_bytes
        self.body_limits = body_limits
        self.slow_s = slow_s
        self.sampling = sampling

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        traceparent = request_id = length = None
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = value
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                request_id = value.decode("ascii")
        parent = parse_traceparent(traceparent)
        span = self._begin_span(scope, parent, request_id) if is_traced() else None
        ids = span.ids if span else request_ids(parent, request_id)
        current_request.set(ids)
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.body_limits.get(scope["path"], self.max_body_bytes)
        exchange = _Exchange(scope, receive, send, ids, limit)
        active = self.metrics.active(scope["method"])
        active.inc()
        started = perf_counter()
        try:
            if length is not None and _exceeds(length, limit):
                await exchange.answer(_too_large(limit))
            else:
                await self._serve(scope, exchange)
        finally:
            active.dec()
            ended, status, route = perf_counter(), exchange.status, _route_template(scope)
            seconds = ended - started
            self.metrics.observe(scope["method"], route, status, seconds, ids.trace_id if span else None)
            if span:
                _end_span(span, scope["method"], route, status)
            failed = status >= _FIRST_FAILURE and not exchange.told and scope["path"] not in PROBES
            slow = ended - (exchange.heard_at or started) > self.slow_s and not exchange.unfinished
            if failed or (slow and WAITING_KEY not in scope):
                log.warning(
                    "request_failed" if failed else "request_slow",
                    method=scope["method"],
                    route=route,
                    status=status,
                    seconds=round(seconds, 3),
                )

    def _begin_span(self, scope: Scope, parent: Traceparent | None, request_id: str | None) -> Span | None:
        traceable = scope["type"] == "http" and scope["path"] not in PROBES
        if not (traceable and self.sampling(parent, scope["headers"])):
            return None
        return open_span(
            scope["method"],
            parent,
            "server",
            {
                "http.request.method": scope["method"],
                "url.path": scope["path"],
                "url.scheme": scope.get("scheme", "http"),
            },
            request_id,
        )

    async def _serve(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as error:
            if exchange.started:
                raise
            problem = problem_of(error, scope["path"])
            if problem is None:
                exchange.told = True
                log.exception("request_failed", method=scope["method"], route=_route_template(scope))
                problem = Problem(INTERNAL_ERROR, trace_id=exchange.ids.trace_id)
            elif problem is not error and problem.status == NotReady.status:
                # Without the error itself: a database's names the values that it could not store.
                exchange.told = True
                log.error(  # noqa: TRY400  # see above
                    "storage_failed",
                    method=scope["method"],
                    route=_route_template(scope),
                    reason=problem.detail,
                    error=type(error).__name__,
                )
            await exchange.answer(problem)


class _Exchange:
    """One request and its answer: counts the bytes that come in, adds headers to the answer."""

    __slots__ = (
        "_limit",
        "_receive",
        "_scope",
        "_send",
        "heard_at",
        "ids",
        "received",
        "started",
        "status",
        "told",
        "unfinished",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: RequestIds, limit: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self.ids = ids
        self.received = 0
        self.started = False
        self.status = 500
        self.told = False
        """The log has a line on its failure."""
        self.heard_at: float | None = None
        """When the last piece of its body arrived: a client that sends slowly makes no slow request."""
        self.unfinished = False
        """The client has sent some of the body and not its end."""

    async def receive(self) -> Message:
        """Return the next message; stop a body that exceeds the limit, whatever its head promised."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            self.heard_at, self.unfinished = perf_counter(), message.get("more_body", False)
            if self.received > self._limit:
                # The framework's own error: its body parser hides any other as "cannot parse".
                problem = _too_large(self._limit)
                raise HTTPException(problem.status, problem.detail, problem.headers)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on; add the request id and the security headers to the head."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers if name in _OVERRIDABLE}
            if b"content-security-policy" not in present:
                headers.append((b"content-security-policy", _API_POLICY))
            if b"cache-control" not in present:
                headers.append((b"cache-control", b"no-store"))
            headers.append((b"x-request-id", self.ids.request_id.encode()))
            headers.extend(_HEADERS)
            message["headers"] = headers
        await self._send(message)

    async def answer(self, problem: Problem) -> None:
        """Send a problem as the whole answer."""
        await problem_response(problem, self._scope["path"])(self._scope, self._receive, self.send)


def _end_span(span: Span, method: str, route: str, status: int) -> None:
    if route:
        span.name = f"{method} {route}"
        span.attributes["http.route"] = route
    span.attributes["http.response.status_code"] = status
    close_span(span, str(status) if status >= _FIRST_FAILURE else None)


def _exceeds(length: bytes, limit: int) -> bool:
    """Tell whether a Content-Length exceeds the limit; the server refuses one that is not a number."""
    # Python refuses to read numbers with thousands of digits; 19 digits already exceed every limit.
    return length.isdigit() and (len(length) > _LENGTH_DIGITS or int(length) > limit)


def _too_large(limit: int) -> TooLarge:
    # The rest of the body is not read, so the connection cannot be used again.
    return TooLarge(f"The request body is larger than {limit} bytes.", headers={"Connection": "close"})


def _route_template(scope: Scope) -> str:
    """Return the template of the matched route, e.g. `/v1/models/{model}`, or `UNMATCHED`."""
    route: Any = scope.get(ROUTE_KEY)
    if route is not None:
        return str(route)
    # FastAPI keeps the template with its routers' prefixes here, the route object has only its own part.
    context = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template = getattr(context, "path_format", None)
    return template if isinstance(template, str) else UNMATCHED

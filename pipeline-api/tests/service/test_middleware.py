import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from pipeline_api.service.errors import NotReady
from pipeline_api.service.metrics import ServiceMetrics
from pipeline_api.service.middleware import (
    WAITING_KEY,
    ServiceApp,
    ServiceMiddleware,
    install_middleware,
)
from pipeline_api.service.problem_responses import install_problem_handlers
from pipeline_api.service.settings import ServiceSettings
from pipeline_api.service.trace_context import current_trace_id

Chunks = Callable[[int, int], Iterator[bytes]]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def routes(app: FastAPI) -> None:
    @app.post("/echo")
    @app.post("/upload")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.post("/form")
    async def form(body: dict[str, Any]) -> int:
        return len(body)

    @app.get("/trace")
    async def trace() -> str | None:
        return current_trace_id()


def test_a_body_within_the_limit_is_read(client: TestClient, chunks: Chunks) -> None:
    assert client.post("/echo", content=b"x" * 1000).json() == 1000
    assert client.post("/echo", content=chunks(10, 100)).json() == 1000


def test_a_declared_body_over_the_limit_is_refused_unread(client: TestClient) -> None:
    response = client.post("/echo", content=b"x" * 1001)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "The request body is larger than 1000 bytes."


@pytest.mark.parametrize("length", ["9" * 19, "9" * 5000])
def test_a_declared_length_beyond_all_measure_is_refused(client: TestClient, length: str) -> None:
    assert client.post("/echo", content=b"x", headers={"Content-Length": length}).status_code == 413


@pytest.mark.parametrize("path", ["/echo", "/form"])
def test_a_streamed_body_over_the_limit_is_refused(client: TestClient, chunks: Chunks, path: str) -> None:
    response = client.post(path, content=chunks(11, 100), headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["connection"] == "close"


def test_a_path_may_have_a_limit_of_its_own(client: TestClient, chunks: Chunks) -> None:
    assert client.post("/upload", content=b"x" * 5000).json() == 5000
    assert client.post("/upload", content=chunks(50, 100)).json() == 5000
    assert client.post("/upload", content=b"x" * 5001).status_code == 413


def test_the_callers_request_id_comes_back(client: TestClient) -> None:
    assert client.get("/trace", headers={"X-Request-Id": "order-17"}).headers["x-request-id"] == "order-17"


@pytest.mark.parametrize("request_id", ["", "two words", "x" * 129, "line\x0bbreak"])
def test_a_request_id_that_could_do_harm_is_replaced(client: TestClient, request_id: str) -> None:
    response = client.get("/trace", headers={"X-Request-Id": request_id})
    assert response.headers["x-request-id"] == response.json()


def test_the_callers_trace_goes_on(client: TestClient) -> None:
    assert client.get("/trace", headers={"traceparent": TRACEPARENT}).json() == TRACEPARENT[3:35]


def test_each_request_without_a_trace_gets_its_own(client: TestClient) -> None:
    first, second = client.get("/trace").json(), client.get("/trace").json()
    assert first != second
    assert len(first) == len(second) == 32


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for response in (client.get("/trace"), client.get("/nowhere"), client.post("/echo", content=b"x" * 2000)):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response.headers["cache-control"] == "no-store"


def test_a_route_may_set_its_own_policy_and_caching(app: FastAPI, client: TestClient) -> None:
    @app.get("/page")
    async def page() -> Response:
        return Response(
            headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"}
        )

    response = client.get("/page")
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert response.headers.get_list("cache-control") == ["max-age=60"]


async def _body() -> Message:
    return {"type": "http.request", "body": b"{}", "more_body": False}


def _middleware(settings: ServiceSettings, app: Callable[[Scope, Receive, Send], Any]) -> ServiceMiddleware:
    return ServiceMiddleware(app, metrics=ServiceMetrics(settings), max_body_bytes=1000, body_limits={})


def _scope() -> Scope:
    headers = [(b"host", b"a"), (b"content-length", b"2"), (b"traceparent", TRACEPARENT.encode())]
    return {"type": "http", "method": "POST", "path": "/", "headers": headers}


def test_a_crash_after_the_head_was_sent_is_not_hidden(settings: ServiceSettings) -> None:
    sent: list[Message] = []

    async def breaks(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ClientDisconnect

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ClientDisconnect):
        asyncio.run(_middleware(settings, breaks)(_scope(), _body, send))
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_a_client_that_hangs_up_is_no_defect(
    app: FastAPI, client: TestClient, log_lines: Callable[[], list[Any]]
) -> None:
    @app.post("/gone")
    async def gone() -> None:
        raise ClientDisconnect

    assert client.post("/gone").status_code == 400
    assert [line["event"] for line in log_lines() if line["event"] == "request_failed"] == []


def test_a_request_costs_microseconds(settings: ServiceSettings) -> None:
    async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(_message: Message) -> None:
        pass

    async def best_of(rounds: int, requests: int) -> float:
        middleware = _middleware(settings, answer)
        best = float("inf")
        for _ in range(rounds):
            started = perf_counter()
            for _ in range(requests):
                await middleware(_scope(), _body, send)
            best = min(best, (perf_counter() - started) / requests)
        return best

    # About 8 µs on a quiet machine; the best of many short rounds ignores what else runs.
    assert asyncio.run(best_of(rounds=40, requests=50)) < 30e-6


def test_the_service_itself_is_outermost(settings: ServiceSettings) -> None:
    app = ServiceApp()
    install_middleware(app, settings, ServiceMetrics(settings))
    assert isinstance(app.build_middleware_stack(), ServiceMiddleware)


def test_a_request_that_fails_or_is_slow_leaves_a_line_with_its_trace(
    settings: ServiceSettings, log_lines: Callable[[], list[Any]]
) -> None:
    app = ServiceApp()
    install_problem_handlers(app)
    install_middleware(app, settings.model_copy(update={"slow_request_s": 1e-6}), ServiceMetrics(settings))

    @app.get("/away")
    async def away() -> None:
        raise NotReady("Away.")

    @app.get("/slow")
    async def slow() -> None:
        pass

    @app.post("/orders")
    async def orders(request: Request) -> int:
        return len(await request.body())

    @app.get("/waiting")
    async def waiting(request: Request) -> None:
        request.scope[WAITING_KEY] = True

    client = TestClient(app)
    for path in ("/away", "/slow", "/waiting"):
        client.get(path, headers={"traceparent": TRACEPARENT})
    asyncio.run(_give_up(app))
    lines = [line for line in log_lines() if line["event"].startswith("request_")]
    told = [(line["event"], line["route"], line["status"], line["trace_id"]) for line in lines]
    trace_id = TRACEPARENT[3:35]
    assert told == [("request_failed", "/away", 503, trace_id), ("request_slow", "/slow", 200, trace_id)]


async def _give_up(app: FastAPI) -> None:
    """Send half a body and leave."""
    half: Message = {"type": "http.request", "body": b"{", "more_body": True}
    messages = iter([half, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    async def send(_message: Message) -> None:
        pass

    scope = {**_scope(), "path": "/orders", "query_string": b"", "root_path": "", "http_version": "1.1"}
    await app(scope, receive, send)


def test_what_fails_no_request_and_is_fast_leaves_no_line(
    client: TestClient, log_lines: Callable[[], list[Any]]
) -> None:
    client.get("/trace")
    client.get("/nowhere")
    assert not [line for line in log_lines() if line["event"].startswith("request_")]


def test_an_app_without_layers_of_its_own_keeps_those_of_the_framework() -> None:
    assert not isinstance(ServiceApp().build_middleware_stack(), ServiceMiddleware)

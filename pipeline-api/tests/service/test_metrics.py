import asyncio

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from pipeline_api.service.metrics import METRICS, ServiceMetrics
from pipeline_api.service.middleware import ROUTE_KEY, ServiceMiddleware
from pipeline_api.service.registry import LIBRARY
from pipeline_api.service.settings import ServiceSettings
from pipeline_api.service.signals import Metric, undeclared

COUNT = "http_server_request_duration_seconds_count"


def _labels(route: str) -> dict[str, str]:
    return {"http_request_method": "GET", "http_route": route, "http_response_status_code": "200"}


def _series(client: TestClient, metric: str) -> list[str]:
    return [line for line in client.get("/metrics").text.splitlines() if line.startswith(metric + "{")]


def _add_things(app: FastAPI) -> None:
    inner = APIRouter(prefix="/things")

    @inner.get("/{thing}")
    async def show(thing: str) -> str:
        return thing

    outer = APIRouter(prefix="/v1")
    outer.include_router(inner)
    app.include_router(outer)


def test_requests_are_counted_by_the_whole_route_template(app: FastAPI, client: TestClient) -> None:
    _add_things(app)
    for thing in range(50):
        client.get(f"/v1/things/{thing}")
    [counted] = _series(client, COUNT)
    assert 'http_response_status_code="200",http_route="/v1/things/{thing}"' in counted
    assert counted.endswith("} 50.0")


def test_paths_and_methods_that_callers_make_up_add_no_series(client: TestClient) -> None:
    for number in range(50):
        client.get(f"/made-up/{number}")
        client.request(f"METHOD{number}", "/made-up")
    assert [line.removeprefix(COUNT) for line in _series(client, COUNT)] == [
        '{http_request_method="GET",http_response_status_code="404",http_route=""} 50.0',
        '{http_request_method="_OTHER",http_response_status_code="404",http_route=""} 50.0',
    ]


def test_ten_thousand_paths_and_methods_that_callers_make_up_add_two_series(
    settings: ServiceSettings,
) -> None:
    metrics = ServiceMetrics(settings)
    middleware = ServiceMiddleware(
        Response("Nothing.", 404), metrics=metrics, max_body_bytes=1000, body_limits={}
    )

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Message) -> None:
        pass

    async def make_up() -> None:
        for number in range(10_000):
            method = "GET" if number % 2 else f"METHOD{number}"
            scope = {"type": "http", "method": method, "path": f"/made-up/{number}", "headers": []}
            await middleware(scope, receive, send)

    asyncio.run(make_up())
    shown = generate_latest(metrics.registry).decode()
    counted = [line for line in shown.splitlines() if line.startswith(f"{COUNT}{'{'}")]
    assert [line.rsplit(" ", 1)[1] for line in counted] == ["5000.0", "5000.0"]


def test_requests_under_way_are_counted(app: FastAPI, client: TestClient) -> None:
    during = []

    @app.get("/during")
    async def look() -> None:
        during.extend(_series(client, "http_server_active_requests"))

    client.get("/during")
    assert 'http_server_active_requests{http_request_method="GET"} 2.0' in during
    assert 'http_server_active_requests{http_request_method="GET"} 1.0' in client.get("/metrics").text


def test_raw_asgi_code_names_its_own_template(settings: ServiceSettings) -> None:
    metrics = ServiceMetrics(settings)

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE_KEY] = "/raw/{id}"
        await Response("ok")(scope, receive, send)

    middleware = ServiceMiddleware(raw, metrics=metrics, max_body_bytes=1000, body_limits={})
    TestClient(middleware).get("/raw/1")
    assert metrics.registry.get_sample_value(COUNT, _labels("/raw/{id}")) == 1


def test_a_crash_is_counted_as_a_500(app: FastAPI, client: TestClient) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError

    client.get("/crash")
    assert (
        'http_request_method="GET",http_response_status_code="500",http_route="/crash"} 1.0'
        in client.get("/metrics").text
    )


def test_the_build_and_the_process_are_shown(client: TestClient, settings: ServiceSettings) -> None:
    text = client.get("/metrics").text
    build = f'service_instance_id="{settings.instance_id}",service_version="unknown"'
    assert "target_info{" + build + ',vcs_ref_head_revision="unknown"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_the_format_follows_the_scrapers_wish(client: TestClient) -> None:
    plain = client.get("/metrics", headers={"Accept": "text/plain"})
    open_metrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert open_metrics.text.endswith("# EOF\n")


def test_exemplars_lead_to_the_trace(settings: ServiceSettings) -> None:
    metrics = ServiceMetrics(settings)
    metrics.observe("GET", "/", 200, 0.01, "0af7651916cd43dd8448eb211c80319c")
    app = FastAPI()
    app.include_router(metrics.router())
    text = (
        TestClient(app)
        .get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        .text
    )
    assert '# {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.01' in text


def test_two_apps_of_one_process_do_not_share_figures(settings: ServiceSettings) -> None:
    first, second = ServiceMetrics(settings), ServiceMetrics(settings)
    first.observe("GET", "/", 200, 0.01)
    assert first.registry.get_sample_value(COUNT, _labels("/")) == 1
    assert second.registry.get_sample_value(COUNT, _labels("/")) is None


def test_what_is_shown_is_what_is_declared(client: TestClient) -> None:
    client.get("/made-up")
    shown = list(text_string_to_metric_families(client.get("/metrics").text))
    assert undeclared(shown, METRICS, LIBRARY) == []


def test_a_family_label_or_value_that_is_not_declared_is_told() -> None:
    shown = list(text_string_to_metric_families('of_nobody 1.0\nkept{kind="odd"} 1.0\nbare{at="1"} 1.0\n'))
    declared = [
        Metric(Gauge, "kept", "Kept.", {"kind": ("even",)}),
        Metric(Gauge, "bare", "Bare."),
        Metric(Gauge, "missing", "Missing."),
    ]
    assert undeclared(shown, declared, ()) == [
        "of_nobody is shown and not declared.",
        "kept has kind='odd', which is not declared.",
        "bare has the labels ['at'], not [].",
        "bare has at='1', which is not declared.",
        "missing is declared and has no series.",
    ]

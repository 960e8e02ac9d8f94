from fastapi import APIRouter, FastAPI, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from pipeline_api.service.metrics import ServiceMetrics
from pipeline_api.service.middleware import ROUTE_KEY, ServiceMiddleware
from pipeline_api.service.settings import ServiceSettings


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
    assert _series(client, "http_requests_total") == [
        'http_requests_total{method="GET",route="/v1/things/{thing}",status="200"} 50.0'
    ]
    assert 'route="/v1/things/{thing}"' in _series(client, "http_request_duration_seconds_count")[0]


def test_paths_and_methods_that_callers_make_up_add_no_series(client: TestClient) -> None:
    for number in range(50):
        client.get(f"/made-up/{number}")
        client.request(f"METHOD{number}", "/made-up")
    assert len(_series(client, "http_requests_total")) == 2
    assert (
        'http_requests_total{method="OTHER",route="unmatched",status="404"} 50.0'
        in client.get("/metrics").text
    )


def test_raw_asgi_code_names_its_own_template(settings: ServiceSettings) -> None:
    metrics = ServiceMetrics(settings)

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE_KEY] = "/raw/{id}"
        await Response("ok")(scope, receive, send)

    middleware = ServiceMiddleware(raw, metrics=metrics, max_body_bytes=1000, body_limits={}, exemplars=False)
    TestClient(middleware).get("/raw/1")
    labels = {"method": "GET", "route": "/raw/{id}", "status": "200"}
    assert metrics.registry.get_sample_value("http_requests_total", labels) == 1


def test_a_crash_is_counted_as_a_500(app: FastAPI, client: TestClient) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError

    client.get("/crash")
    assert 'http_requests_total{method="GET",route="/crash",status="500"} 1.0' in client.get("/metrics").text


def test_the_build_and_the_process_are_shown(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert (
        'service_build_info{revision="unknown",service="specimen",stage="main",version="unknown"} 1.0' in text
    )
    assert "process_resident_memory_bytes" in text


def test_the_format_follows_the_scrapers_wish(client: TestClient) -> None:
    plain = client.get("/metrics", headers={"Accept": "text/plain"})
    open_metrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert open_metrics.text.endswith("# EOF\n")


def test_exemplars_lead_to_the_trace(settings: ServiceSettings) -> None:
    traced = settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:9"})
    metrics = ServiceMetrics(traced)
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
    labels = {"method": "GET", "route": "/", "status": "200"}
    assert second.registry.get_sample_value("http_requests_total", labels) is None

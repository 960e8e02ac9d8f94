from collections.abc import Callable

import pytest

from fake_processor import FakeProcessor, as_json
from pipeline_api.routes import OPERATIONS
from running import Gateway

PAGE = "https://pages.example"


def test_every_answer_carries_the_security_headers(gateway: Gateway) -> None:
    for path in ("/healthz", "/v1/models", "/nothing", "/v2/health/live", "/metrics"):
        headers = gateway.client.get(path, headers=gateway.admin).headers

        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["cache-control"] == "no-store", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-request-id"], path


def test_cors_is_closed_unless_configured(gateway: Gateway) -> None:
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}

    answers = [
        gateway.client.options("/v1/models", headers=preflight),
        gateway.client.get("/v1/models", headers=gateway.admin | {"Origin": PAGE}),
    ]

    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


def test_cors_is_open_to_the_origins_of_the_settings_only(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    del processor
    gateway = open_gateway(cors_origins=f"{PAGE}/, https://other.example")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}

    allowed = gateway.client.options("/v1/models", headers=asked | {"Origin": PAGE})
    refused = gateway.client.options("/v1/models", headers=asked | {"Origin": "https://evil.example"})

    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, PAGE)
    assert "access-control-allow-credentials" not in allowed.headers
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (400, False)


def test_a_page_reads_problems_too(open_gateway: Callable[..., Gateway], processor: FakeProcessor) -> None:
    del processor
    gateway = open_gateway(cors_origins=PAGE)

    answer = gateway.client.get("/v1/models", headers={"Origin": PAGE})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PAGE


def test_requests_are_counted_by_template(gateway: Gateway) -> None:
    gateway.client.get("/v1/models/some-model/score", headers=gateway.admin)
    gateway.client.get("/v1/models/%2e%2e", headers=gateway.admin)
    gateway.client.delete("/v1/auth/keys/0123456789abcdef", headers=gateway.admin)

    metrics = gateway.client.get("/metrics").text

    counted = 'http_server_request_duration_seconds_count{http_request_method="GET",'
    answered = f"{counted}http_response_status_code="
    assert f'{answered}"200",http_route="/v1/models/{{model}}/score"}} 1.0' in metrics
    assert f'{answered}"404",http_route=""}} 1.0' in metrics
    assert 'http_route="/v1/auth/keys/{key_id}"' in metrics
    assert "some-model" not in metrics


def test_sign_ins_are_counted(gateway: Gateway) -> None:
    gateway.client.post("/v1/auth/token", data={"username": "admin", "password": "wrong"})

    metrics = gateway.client.get("/metrics").text

    assert 'loopkeeper_sign_ins_total{outcome="accepted"} 1.0' in metrics
    assert 'loopkeeper_sign_ins_total{outcome="refused"} 1.0' in metrics


def test_the_documentation_is_served_with_all_public_operations(gateway: Gateway) -> None:
    assert gateway.client.get("/docs").status_code == 200
    document = gateway.client.get("/openapi.json").json()

    assert all(operation.method.lower() in document["paths"][operation.path] for operation in OPERATIONS)


def test_it_is_alive_whatever_happens(open_gateway: Callable[..., Gateway]) -> None:
    gateway = open_gateway(processor_url="http://127.0.0.1:1")

    assert gateway.client.get("/healthz").json()["status"] == "ok"


def test_it_is_ready_once_a_model_is_served(gateway: Gateway) -> None:
    answer = gateway.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "data-processor": "ok"}}


def test_it_says_what_the_processor_waits_for(gateway: Gateway, processor: FakeProcessor) -> None:
    checks = {"records": "ok", "model": "No version is served yet.", "disk": "Full."}
    processor.on("GET", "/readyz", as_json({"status": "unavailable", "checks": checks}, 503))

    answer = gateway.client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "data-processor": "model: No version is served yet. disk: Full.",
    }


def test_it_is_not_ready_without_a_processor(open_gateway: Callable[..., Gateway]) -> None:
    gateway = open_gateway(processor_url="http://127.0.0.1:1")

    answer = gateway.client.get("/readyz")

    assert answer.status_code == 503
    assert "cannot be reached" in answer.json()["checks"]["data-processor"]


def test_probes_of_strangers_do_not_reach_the_processor_each_time(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    for _ in range(20):
        gateway.client.get("/readyz")

    assert len(processor.calls) <= 2


@pytest.mark.parametrize("name", ["service_token", "caller_key"])
def test_a_short_secret_is_refused(gateway_settings: Callable[..., object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        gateway_settings(**{name: "short"})

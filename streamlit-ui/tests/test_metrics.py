import json
import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fake_gateway import FakeGateway
from streamlit_ui.client import Gateway, GatewayError, Unreachable, connect
from streamlit_ui.metrics import METRICS, PagesMetrics
from streamlit_ui.server import say_sorry
from streamlit_ui.service.registry import LIBRARY
from streamlit_ui.service.signals import rendered, undeclared
from streamlit_ui.telemetry import SIGNALS, page_run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> PagesMetrics:
    """The metrics of pages that have just started."""
    fresh = PagesMetrics("replica-1", "abc")
    monkeypatch.setattr("streamlit_ui.telemetry.pages_metrics", lambda: fresh)
    monkeypatch.setattr("streamlit_ui.server.pages_metrics", lambda: fresh)
    return fresh


def count(metrics: PagesMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_what_is_shown_is_what_is_declared(counted: PagesMetrics, gateway: Gateway) -> None:
    with page_run("predict"):
        gateway.models()
    shown = text_string_to_metric_families(generate_latest(counted.registry).decode())
    assert undeclared(shown, METRICS, LIBRARY) == []


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [(ValueError, "failed"), (KeyboardInterrupt, "interrupted")],
    ids=["an error", "what stops the script"],
)
def test_a_run_of_a_page_is_counted_by_how_it_ends(
    counted: PagesMetrics, raised: type[BaseException], outcome: str
) -> None:
    with pytest.raises(raised), page_run(""):
        raise raised
    with page_run(""):
        pass
    runs = "loopkeeper_page_run_duration_seconds_count"
    assert count(counted, runs, page="home", outcome=outcome) == 1
    assert count(counted, runs, page="home", outcome="shown") == 1


def test_calls_are_counted_by_their_route_whatever_names_are_in_their_path(
    counted: PagesMetrics, gateway: Gateway, fake: FakeGateway
) -> None:
    for number in range(20):
        with pytest.raises(GatewayError):
            gateway.run(f"../{number}")
    gateway.model("rents")
    calls = [
        sample.labels
        for family in counted.registry.collect()
        for sample in family.samples
        if sample.name == "http_client_request_duration_seconds_count"
    ]
    assert {"url_template": "/v1/runs/{run}", "error_type": "404"}.items() <= calls[0].items()
    assert {"url_template": "/v1/models/{model}", "error_type": ""}.items() <= calls[1].items()
    assert len(calls) == 2
    assert len(fake.requests) == 21


def test_a_gateway_that_is_not_there_has_no_status(counted: PagesMetrics) -> None:
    with connect("http://127.0.0.1:1", 1) as http, pytest.raises(Unreachable):
        Gateway(http).alive()
    labels = {"http_request_method": "GET", "url_template": "/healthz", "http_response_status_code": ""}
    name = "http_client_request_duration_seconds_count"
    assert count(counted, name, **labels, error_type="connection") == 1


def test_each_apology_is_counted(counted: PagesMetrics) -> None:
    say_sorry(ValueError("odd"))
    assert count(counted, "loopkeeper_page_failures_total") == 1


def test_every_route_is_one_of_the_contract() -> None:
    known = json.loads((ROOT / "contracts/pipeline-api.json").read_text())["paths"]
    source = "".join(path.read_text() for path in (ROOT / "src/streamlit_ui").glob("*client.py"))
    called = set(re.findall(r'"(/v\d[^"]*)"', source))
    assert len(called) > 30
    assert called <= set(known)


def test_the_contract_of_signals_is_what_the_code_says() -> None:
    assert (ROOT / "signals.json").read_text() == rendered(SIGNALS), "run make contract"

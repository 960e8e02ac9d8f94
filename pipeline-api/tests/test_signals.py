from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from fake_processor import FakeProcessor, problem
from pipeline_api.service.registry import LIBRARY
from pipeline_api.service.signals import rendered, undeclared
from pipeline_api.signals import SIGNALS
from running import Gateway


def test_metrics_shows_what_is_declared(gateway: Gateway, processor: FakeProcessor) -> None:
    gateway.client.get("/v1/models/some-model/score", headers=gateway.admin)
    processor.on("GET", "/v1/models/other/score", problem(503, "Starting."))
    gateway.client.get("/v1/models/other/score", headers=gateway.admin)

    shown = text_string_to_metric_families(gateway.client.get("/metrics").text)

    assert undeclared(shown, SIGNALS["pipeline-api"].metrics, LIBRARY) == []


def test_the_contract_of_signals_is_what_the_code_says() -> None:
    written = (Path(__file__).parents[1] / "signals.json").read_text()
    assert written == rendered(SIGNALS), "run make contract"

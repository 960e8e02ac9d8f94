import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from data_processor.probes import Probes
from data_processor.runs.metrics import RunMetrics
from data_processor.service.errors import NotReady
from data_processor.service.metrics import ServiceMetrics
from data_processor.settings import Settings


class Jobs:
    """Something that a worker needs, and that may be away."""

    away = False

    async def check(self) -> None:
        """Raise while it is away."""
        if self.away:
            raise NotReady("The jobs are away.")


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def probes(jobs: Jobs, wait_until: Callable[..., None]) -> Iterator[httpx.Client]:
    settings = Settings(
        service_token=SecretStr("t" * 16), caller_key=SecretStr("k" * 16), signing_key=SecretStr("s" * 16)
    )
    metrics = ServiceMetrics(settings)
    told = RunMetrics(metrics.registry)
    told.step("search", 5.2)
    told.ended("training", "census-income", "score", "succeeded")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opened = Probes(settings, metrics, {"jobs": jobs.check}, port)
    opened.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: answers(client))
        yield client
    opened.stop()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_a_worker_is_ready_when_everything_it_needs_is_there(probes: httpx.Client) -> None:
    assert probes.get("/readyz").json() == {"status": "ok", "checks": {"jobs": "ok"}}


def test_a_worker_that_misses_something_is_alive_but_not_ready(probes: httpx.Client, jobs: Jobs) -> None:
    jobs.away = True
    answer = probes.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"jobs": "The jobs are away."})
    assert probes.get("/healthz").status_code == 200


def test_runs_and_steps_are_counted(probes: httpx.Client) -> None:
    shown = probes.get("/metrics").text
    assert (
        'loopkeeper_runs_total{kind="training",model="census-income",status="succeeded",trigger="score"} 1.0'
        in shown
    )
    assert 'loopkeeper_run_step_seconds_sum{step="search"} 5.2' in shown

"""What can be tried of the backends where variables name their programs; elsewhere it says what it skips."""

import os
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from compose_stack.observability.__main__ import DASHBOARDS, SAMPLE
from compose_stack.observability.asking import Backends, questions
from compose_stack.observability.prometheus import FOLDER, RULES
from real_backends import MIMIR, PROGRAMS, running

CHOSEN = {"stage": "main", "model": "m", "__rate_interval": "1m", "__range": "1h", "site": ""}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_backend_starts_with_its_configuration_and_understands_every_query(
    name: str, tmp_path: Path
) -> None:
    with running(PROGRAMS[name], tmp_path) as started:
        base = f"{started.url}/prometheus" if name == "mimir" else started.url
        with httpx.Client(base_url=f"{base}/", timeout=60, trust_env=False) as client:
            backends = Backends({name: client})
            asked = [one for one in questions(DASHBOARDS, CHOSEN) if backends.knows(one)]
            assert asked
            for one in asked:
                assert backends.ask(one, time.time() - 600, time.time()) >= 0


def test_the_ruler_reads_the_rules_and_the_alertmanager_its_configuration(tmp_path: Path) -> None:
    with running(MIMIR, tmp_path) as started, httpx.Client(base_url=started.url, trust_env=False) as client:
        deadline = time.monotonic() + 120
        while not (groups := client.get("/prometheus/api/v1/rules").json()["data"]["groups"]):
            assert time.monotonic() < deadline, "the ruler has read no rules"
            time.sleep(1)
        assert {Path(group["file"]).name for group in groups} == {path.name for path in RULES.glob("*.yaml")}
        told = client.get("/alertmanager/api/v2/status")
        assert told.is_success
        assert "people" in told.json()["config"]["original"]


def test_the_collector_accepts_its_configuration() -> None:
    program = os.environ.get("OTELCOL")
    if program is None:
        pytest.skip("OTELCOL names no program: only the scrape jobs of its configuration were checked here.")
    done = subprocess.run(
        (program, "validate", f"--config={FOLDER / 'collector' / 'config.yaml'}"),
        env={**os.environ, **SAMPLE},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_grafana_shows_the_dashboards(tmp_path: Path) -> None:
    program = os.environ.get("GRAFANA")
    if program is None:
        pytest.skip("GRAFANA names no program: that it reads the dashboards was not tried here.")
    home = Path(program).resolve().parents[1]
    provisioning = tmp_path / "provisioning"
    for path in (FOLDER / "grafana" / "provisioning").rglob("*.yaml"):
        copied = provisioning / path.relative_to(FOLDER / "grafana" / "provisioning")
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(path.read_text().replace("/etc/grafana/dashboards", str(DASHBOARDS)))
    environment = {
        **os.environ,
        "GF_PATHS_DATA": str(tmp_path / "data"),
        "GF_PATHS_LOGS": str(tmp_path / "logs"),
        "GF_PATHS_PROVISIONING": str(provisioning),
        "GF_SERVER_PROTOCOL": "socket",
        "GF_SERVER_SOCKET": str(tmp_path / "socket"),
        "GF_SECURITY_ADMIN_PASSWORD": "of-this-test",
    }
    with subprocess.Popen([program, "server", f"--homepath={home}"], env=environment) as process:
        try:
            transport = httpx.HTTPTransport(uds=str(tmp_path / "socket"))
            with httpx.Client(
                transport=transport, base_url="http://grafana", auth=("admin", "of-this-test")
            ) as it:
                deadline = time.monotonic() + 120
                while len(found := shown(it)) < len(list(DASHBOARDS.glob("*.json"))):
                    assert time.monotonic() < deadline, found
                    time.sleep(1)
        finally:
            process.terminate()


def shown(grafana: httpx.Client) -> list[str]:
    """Return the dashboards that a Grafana has, none while it starts."""
    try:
        answer = grafana.get("/api/search", params={"type": "dash-db"})
    except httpx.TransportError:
        return []
    return [board["title"] for board in answer.json()] if answer.is_success else []

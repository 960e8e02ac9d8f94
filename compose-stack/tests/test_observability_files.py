"""The layer of telemetry, as Docker Compose and the configurations say it; no engine is needed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack.settings import ROOT, CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import CONFIGURATION, PLATFORM, STAGES, Layout, read_env
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command

OWNERS = (PLATFORM, *STAGES)
BACKENDS = ("loki", "tempo", "mimir")
LAYER = ("collector", *BACKENDS, "grafana")
WITHOUT_A_PROBE = ("collector", "mimir")
FOLDER = CONFIGURATION / "observability"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("stack"), {"OBSERVABILITY": "true"})
    make_secrets(made)
    return made


@pytest.fixture(scope="module")
def read(layout: Layout) -> dict[str, dict[str, Any]]:
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    return {owner: configured(layout, owner) for owner in OWNERS}


def configured(layout: Layout, owner: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        Compose(layout, owner, "sha-0123456789ab")("config", "--format", "json").stdout
    )
    return said


@pytest.fixture
def layer(read: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: read[PLATFORM]["services"][name] for name in LAYER}


def configuration(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name / "config.yaml").read_text())
    return found


@pytest.fixture
def sources() -> dict[str, dict[str, Any]]:
    path = FOLDER / "grafana/provisioning/datasources/backends.yaml"
    return {source["uid"]: source for source in yaml.safe_load(path.read_text())["datasources"]}


def test_the_layer_is_there_only_when_it_is_asked_for(layer: dict[str, Any], tmp_path: Path) -> None:
    assert layer
    bare = Layout(tmp_path, {})
    make_secrets(bare)
    assert not set(LAYER) & set(configured(bare, PLATFORM)["services"])
    serve = configured(bare, "main")["services"]["serve"]
    assert "OTLP_ENDPOINT" not in serve["environment"]
    assert "telemetry" not in serve["networks"]


def test_neither_true_nor_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"OBSERVABILITY must be true, or empty .*, not 'false'"):
        _ = Layout(tmp_path, {"OBSERVABILITY": "false"}).observed


def test_it_is_locked_down_and_bounded_as_everything_else(layer: dict[str, dict[str, Any]]) -> None:
    for name, service in layer.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert "ports" not in service, name
        assert "user" not in service, name
        assert int(service["mem_limit"]) <= 2 * 1024**3, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
        assert ("healthcheck" in service) == (name not in WITHOUT_A_PROBE), name
    assert all(layer[name]["healthcheck"]["start_period"] == "3m0s" for name in ("loki", "tempo", "grafana"))


def test_images_are_pinned_and_renovate_knows_where(layer: dict[str, dict[str, Any]]) -> None:
    settings = read_env(CONFIGURATION / "platform.env")
    for name, service in layer.items():
        assert service["image"] == settings[f"{name.upper()}_IMAGE"]
        assert re.search(r":\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$", service["image"]), name
    config = ROOT / ".github" / "renovate.json"
    if not config.exists():
        pytest.skip("This folder is a repository of its own here; Renovate's configuration is in another.")
    managers = json.loads(config.read_text())["customManagers"]
    file = "compose-stack/stack/platform.env"
    own = [one for one in managers if any(re.search(p.strip("/"), file) for p in one["managerFilePatterns"])]
    pattern = own[0]["matchStrings"][0].replace("(?<", "(?P<")
    found = {
        f"{match['depName']}:{match['currentValue']}"
        for match in re.finditer(pattern, (CONFIGURATION / "platform.env").read_text(), re.MULTILINE)
    }
    assert found == {service["image"] for service in layer.values()}


def test_services_meet_the_collector_and_nothing_behind_it(read: dict[str, dict[str, Any]]) -> None:
    platform = read[PLATFORM]
    on = {name: set(platform["services"][name]["networks"]) for name in LAYER}
    assert on["collector"] == {"signals", "telemetry-staging", "telemetry-main"}
    assert all(on[name] == {"signals"} for name in BACKENDS)
    assert on["grafana"] == {"signals", "dashboards"}
    assert all(platform["networks"][name]["internal"] for networks in on.values() for name in networks)
    others = {name: set(one["networks"]) for name, one in platform["services"].items() if name not in LAYER}
    assert {name for name, networks in others.items() if "dashboards" in networks} == {"caddy"}
    assert not any("signals" in networks for networks in others.values())
    for stage in STAGES:
        joined = {network["name"] for network in read[stage]["networks"].values()}
        assert f"loopkeeper-telemetry-{stage}" in joined
        assert not {"loopkeeper-signals", "loopkeeper-dashboards"} & joined
        told = {
            name: one["environment"].get("OTLP_ENDPOINT") for name, one in read[stage]["services"].items()
        }
        assert told == {
            "databases": None,
            "serve": "http://collector:4318",
            "work": "http://collector:4318",
            "pipeline-api": "http://collector:4318",
            "streamlit-ui": None,
        }


def test_grafana_alone_has_its_database_and_its_password(
    read: dict[str, dict[str, Any]], layout: Layout
) -> None:
    every = [(name, one) for project in read.values() for name, one in project["services"].items()]
    has = {
        name for name, one in every if any(mount["source"] == "grafana" for mount in one.get("volumes", ()))
    }
    assert has == {"grafana"}
    password = read_env(layout.secrets(PLATFORM))["GRAFANA_PASSWORD"]
    assert {name for name, one in every if password in json.dumps(one)} == {"grafana"}
    environment = read[PLATFORM]["services"]["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"


def test_the_edge_leads_to_grafana_and_only_with_this_layer(
    read: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    with_it = read[PLATFORM]["services"]["caddy"]["environment"]
    route = CONFIGURATION / "caddy" / "layers" / f"{with_it['LAYER']}.caddy"
    assert "{$GRAFANA_SITE}" in route.read_text()
    assert "reverse_proxy grafana:3000" in route.read_text()
    assert with_it["GRAFANA_SITE"] == "grafana.loopkeeper.localhost"
    bare = Layout(tmp_path, {})
    make_secrets(bare)
    assert "LAYER" not in configured(bare, PLATFORM)["services"]["caddy"]["environment"]


def test_the_collector_finds_every_replica_by_a_name_that_the_stages_have(
    read: dict[str, dict[str, Any]],
) -> None:
    jobs = configuration("collector")["receivers"]["prometheus"]["config"]["scrape_configs"]
    asked = {
        (name, found["port"]) for job in jobs for found in job["dns_sd_configs"] for name in found["names"]
    }
    ports = {"serve": 8001, "work": 8002, "pipeline-api": 8000}
    given = {
        (alias, ports[name])
        for stage in STAGES
        for name in ports
        for alias in read[stage]["services"][name]["networks"]["telemetry"]["aliases"]
    }
    assert asked == given


def test_each_signal_goes_to_a_backend_that_listens_there(layer: dict[str, dict[str, Any]]) -> None:
    collector = configuration("collector")
    ports = {name: configuration(name)["server"]["http_listen_port"] for name in BACKENDS}
    otlp = configuration("tempo")["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    for name, pipeline in collector["service"]["pipelines"].items():
        assert set(pipeline["receivers"]) <= set(collector["receivers"]), name
        assert set(pipeline["processors"]) <= set(collector["processors"]), name
        for exporter in pipeline["exporters"]:
            endpoint = collector["exporters"][exporter]["endpoint"]
            host, port = re.findall(r"//([a-z]+):(\d+)", endpoint)[0]
            assert host in layer, endpoint
            assert int(port) in (ports[host], int(otlp.rpartition(":")[2]) if host == "tempo" else 0), (
                endpoint
            )


def test_sources_have_fixed_uids_and_lead_to_one_another(sources: dict[str, dict[str, Any]]) -> None:
    assert set(sources) == {"loki", "tempo", "mimir"}
    for uid, source in sources.items():
        port = configuration(uid)["server"]["http_listen_port"]
        assert source["url"].startswith(f"http://{uid}:{port}"), uid
        assert source["editable"] is False, uid
    links = {
        (uid, target)
        for uid, source in sources.items()
        for target in re.findall(r'"datasourceUid": "([a-z]+)"', json.dumps(source["jsonData"]))
    }
    assert links == {("mimir", "tempo"), ("loki", "tempo"), ("tempo", "loki"), ("tempo", "mimir")}


def test_what_is_mounted_is_there_and_explained(layer: dict[str, dict[str, Any]]) -> None:
    for name, service in layer.items():
        sources = [Path(mount["source"]) for mount in service["volumes"] if mount["type"] == "bind"]
        assert sources, name
        for source in sources:
            files = [path for path in source.rglob("*") if path.is_file()]
            assert files, source
            assert all(path.read_text().startswith("# ") for path in files), source

"""The layer of telemetry, as Docker Compose and the configurations say it; no engine is needed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack.observability.__main__ import SAMPLE
from compose_stack.observability.prometheus import scrape_jobs
from compose_stack.settings import ROOT, CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import CONFIGURATION, PLATFORM, STAGES, Layout, read_env
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command

OWNERS = (PLATFORM, *STAGES)
BACKENDS = ("loki", "tempo", "mimir")
LAYER = ("collector", *BACKENDS, "grafana")
WATCHED = (
    *("database", "objects", "registry", "dashboards"),
    *(f"{name}-{stage}" for name in ("messages", "pictures") for stage in STAGES),
)
"""The networks on which the collector comes to what it watches."""
WITHOUT_A_PROBE = ("collector", "mimir")
FOLDER = CONFIGURATION / "observability"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("stack"), {"OBSERVABILITY": "true"})
    make_secrets(made)
    return made


@pytest.fixture(scope="module")
def read(layout: Layout) -> dict[str, dict[str, Any]]:
    return {owner: configured(layout, owner) for owner in OWNERS}


def with_settings(folder: Path, **settings: str) -> dict[str, Any]:
    layout = Layout(folder, {"OBSERVABILITY": "true", **settings})
    make_secrets(layout)
    return configured(layout, PLATFORM)


def configured(layout: Layout, owner: str) -> dict[str, Any]:
    """Return what Compose makes of the files; skips the test, in words, where there is no Compose."""
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
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


def test_services_meet_the_collector_and_nothing_behind_it(
    read: dict[str, dict[str, Any]], layout: Layout
) -> None:
    platform = read[PLATFORM]
    on = {name: set(platform["services"][name]["networks"]) for name in LAYER}
    assert on["collector"] == {"signals", "telemetry-staging", "telemetry-main", *WATCHED}
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
            "streamlit-ui": "http://collector:4318",
        }
        token = read_env(layout.secrets(PLATFORM))["OTLP_TOKEN"]
        for name in set(told) - {"databases"}:
            sent = read[stage]["services"][name]["environment"]["OTEL_EXPORTER_OTLP_HEADERS"]
            assert sent == f"authorization=Bearer%20{token}", name
    assert configuration("collector")["receivers"]["otlp"]["protocols"]["http"]["auth"]


def test_grafana_alone_has_its_database_and_its_password(
    read: dict[str, dict[str, Any]], layout: Layout
) -> None:
    every = [(name, one) for project in read.values() for name, one in project["services"].items()]
    has = {
        name for name, one in every if any(mount["source"] == "grafana" for mount in one.get("volumes", ()))
    }
    assert has == {"grafana"}
    assert not any(
        service["networks"].keys() & {"notifications", "outside"}
        for name, service in read[PLATFORM]["services"].items()
        if name != "caddy"
    )
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
    ports = {"serve": 8001, "work": 8002, "pipeline-api": 8000, "streamlit-ui": 8501}
    asked = {
        (name, found["port"])
        for job in scrape_jobs(SAMPLE)
        for found in job.get("dns_sd_configs", ())
        for name in found["names"]
    }
    given = {
        (alias, ports[name])
        for stage in STAGES
        for name in ports
        for alias in read[stage]["services"][name]["networks"]["telemetry"]["aliases"]
    }
    assert asked == given


def test_there_is_a_job_for_each_kind_of_target_and_the_rest_is_asked_whether_it_answers(
    read: dict[str, dict[str, Any]],
) -> None:
    services = read[PLATFORM]["services"]
    jobs = {job["job_name"]: job for job in scrape_jobs(SAMPLE)}
    own = {"gateway", "serve", "work", "pages"}
    for name in set(jobs) - own:
        (target,) = jobs[name]["static_configs"][0]["targets"]
        if name == "collector":
            assert target.startswith("127.0.0.1:")
        else:
            host = target.partition(":")[0]
            assert services["collector"]["networks"].keys() & services[host]["networks"].keys(), target
    receivers = configuration("collector")["receivers"]
    tried = {target["endpoint"].partition(":")[0] for target in receivers["tcp_check"]["targets"]}
    for host in tried:
        assert services["collector"]["networks"].keys() & services[host]["networks"].keys(), host
    runs_on = {name for name, service in services.items() if service["restart"] != "no"}
    assert runs_on == (set(jobs) - own) | tried
    checked = {target["endpoint"] for target in receivers["tlscheck"]["targets"]}
    assert checked == {"${env:MAIN_SITE}:443", "${env:STAGING_SITE}:443"}
    names = services["caddy"]["networks"]["dashboards"]["aliases"]
    assert names == [services["caddy"]["environment"][site] for site in ("MAIN_SITE", "STAGING_SITE")]


def test_a_job_gives_its_targets_their_service_and_stage_and_keeps_no_other() -> None:
    jobs = {job["job_name"]: job for job in scrape_jobs(SAMPLE)}
    for name in ("gateway", "serve", "work", "pages"):
        assert {"service", "stage"} <= {rule["target_label"] for rule in jobs[name]["relabel_configs"]}
        (dropped,) = jobs[name]["metric_relabel_configs"]
        assert dropped["action"] == "labeldrop"
        for label in ("service", "stage", "instance"):
            assert re.fullmatch(dropped["regex"], f"exported_{label}"), name
        assert "honor_labels" not in jobs[name]


def test_stored_in_s3_each_backend_has_a_bucket_and_nobody_else_is_on_their_network(tmp_path: Path) -> None:
    project = with_settings(tmp_path, TELEMETRY_STORE="s3")
    services = project["services"]
    on = {name for name, one in services.items() if "telemetry-objects" in one["networks"]}
    assert on == {"s3", "telemetry-buckets", *BACKENDS}
    assert project["networks"]["telemetry-objects"]["internal"]
    buckets = {services[name]["environment"]["S3_BUCKET"] for name in BACKENDS}
    assert buckets == set(services["telemetry-buckets"]["command"])
    for name in BACKENDS:
        settings = services[name]["environment"]
        assert settings["STORE"] == "s3"
        used = set(re.findall(r"\$\{([A-Z0-9_]+):-", (FOLDER / name / "config.yaml").read_text()))
        assert used == set(settings), name
        assert "-config.expand-env=true" in services[name]["command"]
        assert "objects" not in services[name]["networks"]
    with pytest.raises(CannotStart, match=r"TELEMETRY_STORE must be s3, or empty for volumes, not 'S3'"):
        Layout(tmp_path, {"OBSERVABILITY": "true", "TELEMETRY_STORE": "S3"}).files(PLATFORM)


def test_only_who_is_to_notify_people_reaches_the_outside(
    read: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    own = tmp_path / "alertmanager.yaml"
    project = with_settings(tmp_path, ALERTMANAGER_CONFIG=str(own))
    mimir = project["services"]["mimir"]
    assert set(mimir["networks"]) == {"signals", "notifications"}
    mounts = {mount["target"]: mount["source"] for mount in mimir["volumes"]}
    assert mounts["/etc/mimir/alertmanager.yaml"] == str(own)
    assert "-target=all,alertmanager" in mimir["command"]
    assert set(read[PLATFORM]["services"]["mimir"]["networks"]) == {"signals"}
    config = configuration("mimir")
    assert config["alertmanager"]["fallback_config_file"] == "/etc/mimir/alertmanager.yaml"
    assert config["ruler"]["alertmanager_url"].endswith("/alertmanager")
    assert config["ruler_storage"] == {"backend": "local", "local": {"directory": "/etc/mimir/rules"}}
    told = yaml.safe_load((FOLDER / "mimir" / "alertmanager.yaml").read_text())
    receivers = {receiver["name"] for receiver in told["receivers"]}
    assert {route["receiver"] for route in (told["route"], *told["route"]["routes"])} == receivers


def test_everything_that_is_stored_expires() -> None:
    assert configuration("loki")["limits_config"]["retention_period"] == "744h"
    assert configuration("loki")["compactor"]["retention_enabled"] is True
    assert configuration("mimir")["limits"]["compactor_blocks_retention_period"] == "90d"
    tempo = configuration("tempo")
    scheduled = tempo["backend_scheduler"]["provider"]["compaction"]["compaction"]["block_retention"]
    assert scheduled == tempo["backend_worker"]["compaction"]["block_retention"] == "336h"


def test_each_signal_goes_to_a_backend_that_listens_there(layer: dict[str, dict[str, Any]]) -> None:
    collector = configuration("collector")
    ports = {name: configuration(name)["server"]["http_listen_port"] for name in BACKENDS}
    otlp = configuration("tempo")["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    for name, pipeline in collector["service"]["pipelines"].items():
        assert set(pipeline["receivers"]) <= set(collector["receivers"]), name
        assert set(pipeline["processors"]) <= set(collector["processors"]), name
        assert "batch" not in pipeline["processors"], "exporters batch in their queues"
        for exporter in pipeline["exporters"]:
            endpoint = collector["exporters"][exporter]["endpoint"]
            if exporter.startswith("otlp_http"):
                assert collector["exporters"][exporter]["sending_queue"]["batch"]["min_size"] > 0
            host, port = re.findall(r"//([a-z]+):(\d+)", endpoint)[0]
            assert host in layer, endpoint
            assert int(port) in (ports[host], int(otlp.rpartition(":")[2]) if host == "tempo" else 0), (
                endpoint
            )


def test_sources_have_fixed_uids_and_lead_to_one_another(sources: dict[str, dict[str, Any]]) -> None:
    assert set(sources) == {"loki", "tempo", "mimir", "alertmanager"}
    for uid, source in sources.items():
        host = "mimir" if uid == "alertmanager" else uid
        port = configuration(host)["server"]["http_listen_port"]
        assert source["url"].startswith(f"http://{host}:{port}"), uid
        assert source["editable"] is False, uid
    links = {
        (uid, target)
        for uid, source in sources.items()
        for target in re.findall(r'"datasourceUid": "([a-z]+)"', json.dumps(source["jsonData"]))
    }
    assert links == {("mimir", "tempo"), ("loki", "tempo"), ("tempo", "loki"), ("tempo", "mimir")}
    tempo = sources["tempo"]["jsonData"]
    assert tempo["serviceMap"]["datasourceUid"] == "mimir"
    assert all("traces_spanmetrics_" in query["query"] for query in tempo["tracesToMetrics"]["queries"])
    generator = configuration("tempo")
    assert generator["overrides"]["defaults"]["metrics_generator"]["processors"] == [
        "service-graphs",
        "span-metrics",
    ]
    (write,) = generator["metrics_generator"]["storage"]["remote_write"]
    assert write["url"].startswith(f"http://mimir:{configuration('mimir')['server']['http_listen_port']}/")
    assert write["send_exemplars"] is True


def test_what_is_mounted_is_there_and_explained(layer: dict[str, dict[str, Any]]) -> None:
    for name, service in layer.items():
        sources = [Path(mount["source"]) for mount in service["volumes"] if mount["type"] == "bind"]
        assert sources, name
        for source in sources:
            files = [path for path in source.rglob("*") if path.is_file()]
            assert files, source
            explained = [path for path in files if path.suffix != ".json"]  # JSON has no comments
            assert all(path.read_text().startswith("# ") for path in explained), source

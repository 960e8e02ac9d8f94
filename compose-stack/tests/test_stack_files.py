"""The files of the stack, as Docker Compose itself reads them; no engine is needed."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import CONFIGURATION, PLATFORM, STAGES, Layout, read_env
from compose_stack.stack.secrets import NAMES, make_secrets
from compose_stack.stack.tools import COMPOSE, command

OWNERS = (PLATFORM, *STAGES)
JOBS = ("databases", "buckets")


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("stack"), {})
    make_secrets(made)
    return made


@pytest.fixture(scope="session")
def read(layout: Layout) -> dict[str, dict[str, Any]]:
    """What Compose makes of each project's files, every variable filled in."""
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    return {owner: json.loads(_config(layout, owner)) for owner in OWNERS}


def _config(layout: Layout, owner: str) -> str:
    return Compose(layout, owner, "sha-0123456789ab")("config", "--format", "json").stdout


def services(read: dict[str, dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (owner, name, service)
        for owner, project in read.items()
        for name, service in project["services"].items()
    ]


def test_every_service_is_locked_down(read: dict[str, dict[str, Any]]) -> None:
    for owner, name, service in services(read):
        where = f"{name} of {owner}"
        assert service["cap_drop"] == ["ALL"], where
        assert service["security_opt"] == ["no-new-privileges:true"], where
        assert service["read_only"] is True, where
        assert "privileged" not in service, where
        assert "cap_add" not in service, where


def test_every_service_has_bounds_for_memory_and_logs(read: dict[str, dict[str, Any]]) -> None:
    for owner, name, service in services(read):
        where = f"{name} of {owner}"
        assert int(service["mem_limit"]) <= 4 * 1024**3, where
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, where


def test_only_the_edge_publishes_ports_and_has_a_way_out(read: dict[str, dict[str, Any]]) -> None:
    publishing = {name for _, name, service in services(read) if service.get("ports")}
    assert publishing == {"caddy"}
    networks = read[PLATFORM]["networks"]
    assert [name for name, network in networks.items() if not network.get("internal")] == ["outside"]
    for stage in STAGES:
        own = [network for network in read[stage]["networks"].values() if not network.get("external")]
        assert own
        assert all(network["internal"] for network in own)
    for owner, name, service in services(read):
        assert ("outside" in service["networks"]) == (name == "caddy"), f"{name} of {owner}"


def test_each_service_is_on_the_networks_it_needs_and_no_other(read: dict[str, dict[str, Any]]) -> None:
    on = {name: set(service["networks"]) for name, service in read["main"]["services"].items()}
    assert on == {
        "databases": {"database"},
        "serve": {"inside", "database", "objects", "pictures", "registry"},
        "work": {"database", "objects", "pictures", "registry"},
        "pipeline-api": {"edge", "pages", "inside", "database", "messages"},
        "streamlit-ui": {"edge", "pages"},
    }


def test_a_way_out_for_notifications_is_by_choice_and_for_the_worker_alone(
    layout: Layout, read: dict[str, dict[str, Any]]
) -> None:
    chosen = Layout(layout.state, {"NOTIFICATIONS": "true"})
    project = json.loads(_config(chosen, "main"))
    on = {name for name, service in project["services"].items() if "notifications" in service["networks"]}
    assert on == {"work"}
    assert not project["networks"]["notifications"].get("internal")
    work = project["services"]["work"]
    assert not work.get("ports")
    assert set(work["networks"]) == {*read["main"]["services"]["work"]["networks"], "notifications"}
    assert chosen.files(PLATFORM) == layout.files(PLATFORM)


def test_another_word_than_true_is_refused_for_notifications(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"NOTIFICATIONS must be true, or empty for no way out, not 'yes'"):
        Layout(tmp_path, {"NOTIFICATIONS": "yes"}).files("main")


def test_each_stage_has_a_broker_that_the_other_does_not_reach(read: dict[str, dict[str, Any]]) -> None:
    brokers = {stage: read[PLATFORM]["services"][f"mosquitto-{stage}"] for stage in STAGES}
    for stage, broker in brokers.items():
        assert set(broker["networks"]) == {f"messages-{stage}"}
        assert broker["volumes"][0]["source"] == f"mosquitto-{stage}"
    passwords = [value for broker in brokers.values() for value in broker["environment"].values()]
    assert len(set(passwords)) == len(passwords) == 2
    for stage in STAGES:
        gateway = read[stage]["services"]["pipeline-api"]
        assert gateway["environment"]["MQTT_PASSWORD"] == brokers[stage]["environment"]["PASSWORD_gateway"]
        assert read[stage]["networks"]["messages"]["name"] == f"loopkeeper-messages-{stage}"


def test_pictures_of_a_stage_have_a_server_and_a_key_that_open_nothing_else(
    layout: Layout, read: dict[str, dict[str, Any]]
) -> None:
    platform = read_env(layout.secrets(PLATFORM))
    assert len({platform[name] for name in platform if name.endswith("_SECRET_KEY")}) == 4
    for stage in STAGES:
        server = read[PLATFORM]["services"][f"pictures-{stage}"]
        assert set(server["networks"]) == {f"pictures-{stage}"}
        assert [volume["source"] for volume in server["volumes"]] == [f"pictures-{stage}"]
        on = {name for owner, name, one in services(read) if f"pictures-{stage}" in one["networks"]}
        assert on == {f"pictures-{stage}", "caddy"}
        assert read[stage]["networks"]["pictures"]["name"] == f"loopkeeper-pictures-{stage}"
        on = {name for name, one in read[stage]["services"].items() if "pictures" in one["networks"]}
        assert on == {"serve", "work"}
        for name in ("ACCESS_KEY", "SECRET_KEY"):
            key = platform[f"{stage.upper()}_PICTURES_{name}"]
            told = {(owner, one) for owner, one, service in services(read) if key in json.dumps(service)}
            assert told == {(PLATFORM, f"pictures-{stage}"), (stage, "serve"), (stage, "work")}
        settings = read[stage]["services"]["serve"]["environment"]
        assert settings["PICTURES_ENDPOINT_URL"] == f"http://pictures.{stage}:9000"
        site = read[PLATFORM]["services"]["caddy"]["environment"][f"{stage.upper()}_SITE"]
        assert settings["PICTURES_PUBLIC_URL"] == f"https://{site}:443"


def test_caddy_passes_on_what_is_for_the_bucket_of_pictures(read: dict[str, dict[str, Any]]) -> None:
    edge = (CONFIGURATION / "caddy" / "Caddyfile").read_text()
    for stage in STAGES:
        bucket = read[stage]["services"]["serve"]["environment"]["PICTURE_STORE"].removeprefix("s3://")
        assert f"path /{bucket}/query-images/* /{bucket}/train-images/*" in edge


def test_stages_share_the_platform_and_nothing_else(read: dict[str, dict[str, Any]]) -> None:
    staging, main = read["staging"], read["main"]
    assert staging["name"] != main["name"]
    shared = {volume["name"] for volume in staging["volumes"].values()} & {
        volume["name"] for volume in main["volumes"].values()
    }
    assert shared == {"loopkeeper-dataset-repository"}
    of = {stage: read[stage]["services"]["serve"]["environment"] for stage in STAGES}
    for name in (
        "RECORDS_URL",
        "PREDICTIONS_URL",
        "JOBS_URL",
        "WAREHOUSE_URL",
        "SERVICE_TOKEN",
        "CALLER_KEY",
        "SIGNING_KEY",
    ):
        assert of["staging"][name] != of["main"][name], name
    for name in ("MLFLOW_URL", "DATASET_REMOTE", "DATASET_STORE"):
        assert of["staging"][name] == of["main"][name], name
    assert of["main"]["STAGING_REQUIRED"] == "true"


def test_every_image_has_the_tag_that_was_asked_for(read: dict[str, dict[str, Any]]) -> None:
    for _, name, service in services(read):
        assert service["image"].endswith(":sha-0123456789ab"), name


def test_secrets_reach_only_those_that_need_them(layout: Layout, read: dict[str, dict[str, Any]]) -> None:
    superuser = read_env(layout.secrets(PLATFORM))["POSTGRES_PASSWORD"]
    told = {name for _, name, service in services(read) if superuser in json.dumps(service)}
    assert told == {"postgres", "databases"}
    for stage in STAGES:
        token = read_env(layout.secrets(stage))["SERVICE_TOKEN"]
        told = {name for name, service in read[stage]["services"].items() if token in json.dumps(service)}
        assert told == {"serve", "work", "pipeline-api"}
        token = read_env(layout.secrets(stage))["PAGES_TOKEN"]
        told = {name for name, service in read[stage]["services"].items() if token in json.dumps(service)}
        assert told == {"streamlit-ui", "pipeline-api"}


def test_what_caddy_says_of_a_visitor_is_believed_where_it_asks(read: dict[str, dict[str, Any]]) -> None:
    for stage in STAGES:
        found = {
            name: service["environment"]["TRUSTED_PROXIES"]
            for name, service in read[stage]["services"].items()
            if "TRUSTED_PROXIES" in service.get("environment", {})
        }
        assert found == {"pipeline-api": "caddy", "streamlit-ui": "caddy"}
        assert f"edge-{stage}" in read[PLATFORM]["services"]["caddy"]["networks"]


def test_versions_are_signed_where_they_are_trained_and_nowhere_else(
    layout: Layout, read: dict[str, dict[str, Any]]
) -> None:
    exchange = read_env(layout.secrets(PLATFORM))["EXCHANGE_KEY"]
    told = {(owner, name) for owner, name, service in services(read) if exchange in json.dumps(service)}
    assert told == {(stage, "work") for stage in STAGES}
    for stage in STAGES:
        key = read_env(layout.secrets(stage))["SIGNING_KEY"]
        told = {(owner, name) for owner, name, service in services(read) if key in json.dumps(service)}
        assert told == {(stage, "serve"), (stage, "work")}


def test_a_stage_is_a_user_of_mlflow_and_not_its_administrator(
    layout: Layout, read: dict[str, dict[str, Any]]
) -> None:
    platform = read_env(layout.secrets(PLATFORM))
    for stage in STAGES:
        password = platform[f"{stage.upper()}_MLFLOW_PASSWORD"]
        told = {(owner, name) for owner, name, service in services(read) if password in json.dumps(service)}
        assert told == {(PLATFORM, "mlflow"), (stage, "serve"), (stage, "work")}
        assert read[stage]["services"]["work"]["environment"]["MLFLOW_TRACKING_USERNAME"] == stage
    administrator = platform["MLFLOW_PASSWORD"]
    assert [name for _, name, one in services(read) if administrator in json.dumps(one)] == ["mlflow"]


def test_logs_of_every_service_outlive_it(read: dict[str, dict[str, Any]]) -> None:
    for stage in STAGES:
        assert read[stage]["volumes"]["logs"]["name"] == f"loopkeeper-{stage}_logs"
        for name, service in read[stage]["services"].items():
            mounted = [one for one in service.get("volumes", ()) if one["source"] == "logs"]
            if name == "databases":
                assert not mounted
                continue
            assert [one["target"] for one in mounted] == [service["environment"]["LOG_DIR"]], name


def test_nothing_needs_a_writable_folder_that_only_compose_can_give(read: dict[str, dict[str, Any]]) -> None:
    # A swarm ignores the owner of a folder in memory: what is not /tmp would belong to root there.
    for _, name, service in services(read):
        assert set(service.get("tmpfs", ())) <= {"/tmp"}, name  # noqa: S108  # in the container


def test_a_missing_secret_is_refused_by_name(read: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    assert read
    bare = Layout(tmp_path, {})
    for owner in (PLATFORM, "main"):
        bare.secrets(owner).parent.mkdir(exist_ok=True)
        bare.secrets(owner).write_text("")
    with pytest.raises(CannotStart, match=r"required variable [A-Z_0-9]+ is missing"):
        Compose(bare, "main", "sha-1")("config")


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path, {})
    assert len(make_secrets(layout)) == len(OWNERS)
    before = {owner: layout.secrets(owner).read_text() for owner in OWNERS}
    assert make_secrets(layout) == []
    for owner in OWNERS:
        path = layout.secrets(owner)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() == before[owner]
        assert set(read_env(path)) == set(NAMES[owner])
    values = [value for owner in OWNERS for value in read_env(layout.secrets(owner)).values()]
    assert len(set(values)) == len(values)


def test_secrets_that_two_make_at_once_are_made_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path, {})
    with ThreadPoolExecutor(8) as pool:
        changed = list(pool.map(lambda _: make_secrets(layout), range(8)))
    assert sorted(map(len, changed)) == [0] * 7 + [len(OWNERS)]
    assert not list(tmp_path.rglob("*.new"))


def test_a_secret_that_was_added_later_leaves_the_others_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path, {})
    path = layout.secrets("main")
    path.parent.mkdir(parents=True)
    path.write_text("SERVICE_TOKEN=kept-as-it-is\n")
    assert path in make_secrets(layout)
    assert read_env(path)["SERVICE_TOKEN"] == "kept-as-it-is"
    assert set(read_env(path)) == set(NAMES["main"])


def test_configuration_holds_no_secret() -> None:
    secret = {name for names in NAMES.values() for name in names}
    for path in CONFIGURATION.glob("*.env"):
        assert not secret & set(read_env(path)), path


def test_shell_scripts_are_sound() -> None:
    for script in (path for path in (CONFIGURATION / "images").iterdir() if not path.suffix):
        if script.name.startswith("."):
            continue
        assert script.read_text().startswith("#!/bin/sh\n"), script
        subprocess.run(("/bin/sh", "-n", str(script)), check=True)

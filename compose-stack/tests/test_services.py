from dataclasses import fields
from pathlib import Path

import pytest

from compose_stack.broker import Broker
from compose_stack.credentials import Credentials
from compose_stack.services import Service, default_set
from compose_stack.settings import CannotStart, Settings

CREDENTIALS = Credentials(**{made.name: f"the-{made.name}-of-the-tests" for made in fields(Credentials)})


def tree(folder: Path) -> Path:
    """Make a tree in which every program exists."""
    programs = {
        "streamlit-ui": "streamlit-ui",
        "pipeline-api": "pipeline-api",
        "data-processor": "data-processor",
        "compose-stack/mlflow-server": "python",
    }
    for name, program in programs.items():
        (folder / name / ".venv" / "bin").mkdir(parents=True)
        (folder / name / ".venv" / "bin" / program).touch()
    return folder


def services(folder: Path, **environment: str) -> dict[str, Service]:
    settings = Settings.from_environment(environment, root=tree(folder))
    return {service.name: service for service in default_set(settings, CREDENTIALS, environment)}


def test_both_sides_of_the_internal_interface_know_the_same_secrets(tmp_path: Path) -> None:
    made = services(tmp_path)
    for name in ("pipeline-api", "data-processor-serve", "data-processor-work"):
        assert made[name].environment["SERVICE_TOKEN"] == CREDENTIALS.service_token
        assert made[name].environment["CALLER_KEY"] == CREDENTIALS.caller_key
    for name in ("streamlit-ui", "mlflow"):
        assert "SERVICE_TOKEN" not in made[name].environment


def test_the_pages_can_say_where_a_visitor_is_and_no_other_process_can(tmp_path: Path) -> None:
    made = services(tmp_path)
    told = {n: s.environment["PAGES_TOKEN"] for n, s in made.items() if "PAGES_TOKEN" in s.environment}
    assert told == dict.fromkeys(("streamlit-ui", "pipeline-api"), CREDENTIALS.pages_token)


def test_only_the_processor_can_sign_versions(tmp_path: Path) -> None:
    told = {
        name
        for name, service in services(tmp_path).items()
        if CREDENTIALS.signing_key in service.environment.values()
    }
    assert told == {"data-processor-serve", "data-processor-work"}


def test_mlflow_has_a_login_and_the_processor_is_not_its_administrator(tmp_path: Path) -> None:
    made = services(tmp_path)
    mlflow = made["mlflow"].environment
    assert mlflow["MLFLOW_AUTH_DATABASE_URI"].endswith("/mlflow/users.db")
    assert mlflow["MLFLOW_AUTH_ADMIN_PASSWORD"] == CREDENTIALS.mlflow_password
    told = {name for name, one in made.items() if CREDENTIALS.mlflow_password in one.environment.values()}
    assert told == {"mlflow"}
    for name in ("data-processor-serve", "data-processor-work"):
        user = made[name].environment["MLFLOW_TRACKING_USERNAME"]
        assert made[name].environment["MLFLOW_TRACKING_PASSWORD"] == mlflow[f"EDITOR_PASSWORD_{user}"]


def test_only_the_gateway_is_told_the_password(tmp_path: Path) -> None:
    made = services(tmp_path, ADMIN_PASSWORD="correct horse battery")
    told = {name for name, service in made.items() if "ADMIN_PASSWORD" in service.environment}
    assert told == {"pipeline-api"}


def test_ports_of_one_process_reach_the_others(tmp_path: Path) -> None:
    made = services(tmp_path, GATEWAY_PORT="8100", PROCESSOR_PORT="8101", MLFLOW_PORT="5100")
    assert made["streamlit-ui"].environment["GATEWAY_URL"] == "http://127.0.0.1:8100"
    assert made["pipeline-api"].environment["PROCESSOR_URL"] == "http://127.0.0.1:8101"
    assert made["data-processor-work"].environment["MLFLOW_URL"] == "http://127.0.0.1:5100"
    assert "--port=5100" in made["mlflow"].command


def test_only_what_people_reach_is_bound_to_the_address_they_chose(tmp_path: Path) -> None:
    made = services(tmp_path, BIND_HOST="192.0.2.7")
    assert made["streamlit-ui"].environment["HOST"] == "192.0.2.7"
    assert made["pipeline-api"].environment["HOST"] == "192.0.2.7"
    assert made["data-processor-serve"].environment["HOST"] == "127.0.0.1"
    assert "--host=127.0.0.1" in made["mlflow"].command


def test_an_environment_that_was_never_made_is_named(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, root=tmp_path)
    with pytest.raises(CannotStart, match=r"streamlit-ui is missing: run `make install-all`"):
        default_set(settings, CREDENTIALS, {})


def test_notifications_link_to_the_pages_and_may_reach_this_machine(tmp_path: Path) -> None:
    told = services(tmp_path, UI_PORT="8599")["data-processor-work"].environment
    assert told["PAGES_URL"] == "http://127.0.0.1:8599"
    assert told["NOTIFICATION_NETWORKS"] == "127.0.0.0/8,::1/128"


def test_whoever_starts_it_says_otherwise(tmp_path: Path) -> None:
    own = {"PAGES_URL": "https://loop.example.org", "NOTIFICATION_NETWORKS": "10.0.0.0/8"}
    told = services(tmp_path, **own)["data-processor-work"].environment
    assert own.items() <= told.items()


def test_the_pages_show_the_logs_of_every_process(tmp_path: Path) -> None:
    told = services(tmp_path, STATE_DIR=str(tmp_path / "state"))["data-processor-serve"].environment
    assert told["LOG_FILES"] == str(tmp_path / "state" / "logs")


def test_the_gateway_and_nobody_else_is_at_the_broker(tmp_path: Path) -> None:
    settings = Settings.from_environment({"MQTT_PORT": "1884"}, root=tree(tmp_path))
    broker = Broker("/usr/sbin/mosquitto", tmp_path / "broker")
    made = {service.name: service for service in default_set(settings, CREDENTIALS, {}, broker)}
    told = {name for name, one in made.items() if CREDENTIALS.mqtt_password in one.environment.values()}
    assert told == {"pipeline-api"}
    assert made["pipeline-api"].environment["MQTT_URL"] == "mqtt://127.0.0.1:1884"
    assert made["mosquitto"].rereads == broker.rereads
    assert "MQTT_URL" not in services(tmp_path / "other")["pipeline-api"].environment

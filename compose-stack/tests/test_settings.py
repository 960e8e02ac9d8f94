import socket
from pathlib import Path

import pytest

from compose_stack.settings import CannotStart, Settings


def test_defaults_are_those_of_the_public_face() -> None:
    settings = Settings.from_environment({}, root=Path("/anywhere"))
    assert settings.state_dir == Path("/anywhere/var")
    assert settings.ui_url == "http://127.0.0.1:8501"
    assert settings.gateway_url == "http://127.0.0.1:8000"
    assert settings.processor_url == "http://127.0.0.1:8001"
    assert settings.mlflow_url == "http://127.0.0.1:5000"


def test_a_relative_state_folder_lies_in_the_root_whatever_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"STATE_DIR": "elsewhere"}, root=Path("/anywhere"))
    assert settings.state_dir == Path("/anywhere/elsewhere")


def test_only_what_people_reach_leaves_the_loopback() -> None:
    settings = Settings.from_environment({"BIND_HOST": "192.0.2.7"})
    assert settings.ui_url == "http://192.0.2.7:8501"
    assert settings.gateway_url == "http://192.0.2.7:8000"
    assert settings.processor_url == "http://127.0.0.1:8001"
    assert settings.mlflow_url == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("bind_host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],  # noqa: S104  # only parsed
)
def test_this_machine_reaches_the_gateway_however_it_is_bound(bind_host: str, url: str) -> None:
    assert Settings.from_environment({"BIND_HOST": bind_host}).gateway_url == url


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(CannotStart, match="GATEWAY_PORT must be a port from 1 to 65535"):
        Settings.from_environment({"GATEWAY_PORT": value})


def test_one_port_for_two_processes_is_refused() -> None:
    with pytest.raises(CannotStart, match="UI_PORT and GATEWAY_PORT are both 8000"):
        Settings.from_environment({"UI_PORT": "8000"})


def test_a_busy_port_is_named_with_its_variable() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = Settings.from_environment({"UI_PORT": str(port)})  # the first that is checked
        with pytest.raises(CannotStart, match=rf"Port {port} .* in use .*UI_PORT="):
            settings.check_ports()


def test_an_address_of_another_machine_is_named() -> None:
    settings = Settings.from_environment({"BIND_HOST": "192.0.2.7"})
    with pytest.raises(CannotStart, match=r"192\.0\.2\.7.*not an address of this machine"):
        settings.check_ports()

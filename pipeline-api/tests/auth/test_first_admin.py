import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fake_processor import FakeProcessor
from pipeline_api.app import create_app
from pipeline_api.settings import Settings
from running import Gateway, Server


def start(settings: Settings) -> None:
    with TestClient(create_app(settings)):
        pass


def sign_in(settings: Settings, password: str) -> int:
    with TestClient(create_app(settings)) as client:
        return client.post("/v1/auth/token", data={"username": "admin", "password": password}).status_code


def test_a_random_password_is_shown_once_at_a_terminal(
    gateway_settings: Callable[..., Settings],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    settings = gateway_settings(admin_password=None)
    start(settings)
    printed = capsys.readouterr().out
    start(settings)

    password = settings.password_file.read_text().strip()
    assert printed.count(password) == 1
    assert "'admin'" in printed
    assert password not in capsys.readouterr().out


def test_where_output_is_collected_only_the_file_is_named(
    gateway_settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = gateway_settings(admin_password=None)
    start(settings)

    printed = capsys.readouterr().out
    assert settings.password_file.read_text().strip() not in printed
    assert str(settings.password_file) in printed


def test_a_random_password_is_kept_for_its_owner_only(gateway_settings: Callable[..., Settings]) -> None:
    settings = gateway_settings(admin_password=None)
    start(settings)

    password = settings.password_file.read_text().strip()
    assert len(password) >= 20
    assert stat.S_IMODE(settings.password_file.stat().st_mode) == 0o600
    assert sign_in(settings, password) == 200


def test_the_file_is_where_the_settings_say(
    gateway_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere" / "password"

    start(gateway_settings(admin_password=None, admin_password_file=path))

    assert path.exists()
    assert [file.name for file in path.parent.iterdir()] == ["password"]


def test_a_start_that_crashed_half_way_is_finished_with_the_password_of_the_file(
    gateway_settings: Callable[..., Settings],
) -> None:
    settings = gateway_settings(admin_password=None)
    settings.password_file.parent.mkdir(parents=True)
    settings.password_file.write_text("the password of the first attempt\n")

    assert sign_in(settings, "the password of the first attempt") == 200


def test_a_given_password_is_neither_printed_nor_kept(
    gateway_settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = gateway_settings(admin_password=SecretStr("given by the operator"))

    assert sign_in(settings, "given by the operator") == 200
    output = capsys.readouterr()
    assert "given by the operator" not in output.out + output.err
    assert "ADMIN_PASSWORD" in output.out
    assert not settings.password_file.exists()


def test_a_later_start_changes_nothing(gateway_settings: Callable[..., Settings]) -> None:
    start(gateway_settings(admin_password=SecretStr("given by the operator")))

    later = gateway_settings(admin_password=SecretStr("another one, too late"))

    assert sign_in(later, "given by the operator") == 200


def test_admin_is_not_made_again_once_removed(
    gateway: Gateway, gateway_settings: Callable[..., Settings]
) -> None:
    mary = gateway.new_user("mary", "maintainer")
    gateway.client.delete("/v1/auth/users/admin", headers=mary)
    settings = gateway_settings()

    start(settings)

    names = [user["username"] for user in gateway.client.get("/v1/auth/users", headers=mary).json()]
    assert names == ["mary"]


def test_two_first_starts_at_once_agree(
    gateway_settings: Callable[..., Settings], processor: FakeProcessor
) -> None:
    del processor
    settings = gateway_settings(admin_password=None)
    servers = [Server(create_app(settings)) for _ in range(2)]
    for server in servers:
        server.stop()

    assert sign_in(settings, settings.password_file.read_text().strip()) == 200

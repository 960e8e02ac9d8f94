import stat
from pathlib import Path

import pytest

from compose_stack.instance import admin_password, found_or_started, free_ports
from compose_stack.lock import make_private, only_instance
from compose_stack.settings import CannotStart, Settings


def settings(folder: Path, **environment: str) -> Settings:
    return Settings.from_environment({"STATE_DIR": str(folder), **environment})


def test_the_password_is_the_one_given_else_the_one_kept(tmp_path: Path) -> None:
    (tmp_path / "admin-password").write_text("kept\n")
    assert admin_password(settings(tmp_path)) == "kept"
    assert admin_password(settings(tmp_path, ADMIN_PASSWORD="given")) == "given"


def test_a_password_that_is_nowhere_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="set it with ADMIN_PASSWORD"):
        admin_password(settings(tmp_path))


def test_an_instance_that_runs_is_used_and_not_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    running = settings(tmp_path, GATEWAY_PORT=str(free_ports(1)[0]))
    with (
        only_instance(running),
        pytest.raises(CannotStart, match="ADMIN_PASSWORD"),
        found_or_started(running, told.append),
    ):
        pass
    assert told == [f"Using the instance that runs on {tmp_path}, at {running.gateway_url}."]


def mode(folder: Path) -> str:
    return f"{stat.S_IMODE(folder.stat().st_mode):04o}"


def test_a_new_state_folder_is_its_owners(tmp_path: Path) -> None:
    with only_instance(settings(tmp_path / "var")):
        assert mode(tmp_path / "var") == "0700"
        assert make_private(tmp_path / "var") is None


def test_a_state_folder_that_others_could_enter_is_closed_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var").chmod(0o755)
    said = make_private(tmp_path / "var")
    assert said is not None
    assert "(mode 0755); now only its owner can (mode 0700)" in said
    assert mode(tmp_path / "var") == "0700"

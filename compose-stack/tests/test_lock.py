import subprocess
import sys
from pathlib import Path

import pytest

from compose_stack.lock import only_instance, running_instance
from compose_stack.settings import CannotStart, Settings

HOLD = (
    "import sys, time; from compose_stack.lock import only_instance; "
    "from compose_stack.settings import Settings\n"
    "with only_instance(Settings.from_environment({'STATE_DIR': sys.argv[1]})):\n"
    "    print('held', flush=True); time.sleep(60)"
)


def test_the_second_instance_on_a_folder_is_told_where_the_first_is(tmp_path: Path) -> None:
    settings = Settings.from_environment({"STATE_DIR": str(tmp_path)})
    with (
        only_instance(settings),
        pytest.raises(
            CannotStart, match=r"already running on .* at http://127\.0\.0\.1:8501 \(process \d+\)"
        ),
        only_instance(settings),
    ):
        pass


def test_a_running_instance_is_found_until_it_ends(tmp_path: Path) -> None:
    settings = Settings.from_environment({"STATE_DIR": str(tmp_path), "GATEWAY_PORT": "8123"})
    assert running_instance(tmp_path) is None
    with only_instance(settings):
        found = running_instance(tmp_path)
        assert found is not None
        assert found.gateway_url == "http://127.0.0.1:8123"
    assert running_instance(tmp_path) is None


def test_an_instance_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert running_instance(tmp_path) is not None
        holder.kill()
    with only_instance(Settings.from_environment({"STATE_DIR": str(tmp_path)})):
        pass


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings.from_environment({"STATE_DIR": str(tmp_path / "file")})
    with (
        pytest.raises(CannotStart, match=r"STATE_DIR is .*/file, which cannot be used"),
        only_instance(settings),
    ):
        pass

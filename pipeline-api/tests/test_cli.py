import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from fake_processor import CALLER_KEY, SERVICE_TOKEN
from pipeline_api.cli import main

PROGRAM = str(Path(sys.executable).with_name("pipeline-api"))


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)


def code_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Return with what the program ends when it is asked in this process."""
    monkeypatch.setattr(sys, "argv", ["pipeline-api", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["contract", "--help"]])
def test_it_explains_itself(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, *arguments) == 0
    assert "usage: pipeline-api" in capsys.readouterr().out


def test_it_does_nothing_without_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(monkeypatch) == 2


def test_it_does_not_start_without_its_secrets(tmp_path: Path) -> None:
    failed = run("serve", STATE_DIR=str(tmp_path))

    assert failed.returncode == 1
    assert "SERVICE_TOKEN" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    environment = {
        "STATE_DIR": str(tmp_path / "state"),
        "PORT": "0",
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "CALLER_KEY": CALLER_KEY,
    }
    process = subprocess.Popen(
        [PROGRAM, "serve"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://[0-9.:]+", line)))
        assert httpx.get(f"{url}/healthz").status_code == 200
        os.kill(process.pid, number)
        assert process.wait(60) in {0, -number}
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / "state" / "admin-password").exists()

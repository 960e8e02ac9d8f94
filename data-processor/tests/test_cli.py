import subprocess
import sys
from pathlib import Path

import pytest

from data_processor.cli import main


@pytest.mark.parametrize("command", ["serve", "work", "train-sample", "sign-versions", "contract"])
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"data-processor {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["dance"], ["serve", "--nope"]])
def test_what_is_no_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: data-processor" in capsys.readouterr().err


HEAVY = ("pandas", "sklearn", "skl2onnx", "mlflow", "dvc", "dbos", "optuna", "matplotlib", "scipy", "pyarrow")


def test_serving_loads_none_of_the_libraries_that_train(tmp_path: Path) -> None:
    code = "import sys, data_processor.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    loaded = done.stdout.decode().split()
    assert [name for name in HEAVY if name in loaded] == []


def test_a_worker_leaves_training_to_its_children(tmp_path: Path) -> None:
    code = "import sys, data_processor.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert not {"sklearn", "skl2onnx", "mlflow", "optuna", "matplotlib"} & set(done.stdout.decode().split())


def test_help_loads_nothing_at_all(tmp_path: Path) -> None:
    code = "import sys, data_processor.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert not {"fastapi", "numpy", "sqlalchemy", *HEAVY} & set(done.stdout.decode().split())

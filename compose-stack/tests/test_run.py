"""What `make run` says once everything is there."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from compose_stack.run import Terminal
from compose_stack.settings import Settings


@pytest.mark.parametrize("environment", [{}, {"ADMIN_PASSWORD": "said"}])
def test_a_password_that_was_given_once_need_not_be_given_again(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The first start was told a password, so it kept none; a later one may be told nothing."""
    said = io.StringIO()
    settings = Settings.from_environment({"STATE_DIR": str(tmp_path), **environment})
    Terminal(settings, Console(file=said)).ready(1.0)
    kept = tmp_path / "secrets" / "mlflow-password"
    assert f"MLflow     http://127.0.0.1:5000  (user loopkeeper, password kept in {kept})" in said.getvalue()
    assert "password as set by ADMIN_PASSWORD at the first start" in said.getvalue()

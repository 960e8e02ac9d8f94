from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import KEY, TOKEN
from data_processor.app import create_app
from data_processor.settings import Settings


@pytest.mark.parametrize("kept", [True, False])
def test_logs_are_read_where_there_are_any(
    tmp_path: Path, acting_as: Callable[..., Any], *, kept: bool
) -> None:
    (tmp_path / "mlflow.log").write_text("WARNING of old age\n")
    settings = Settings(
        service_token=TOKEN,
        caller_key=KEY,
        signing_key=KEY,
        state_dir=tmp_path / "state",
        mlflow_url="http://127.0.0.1:9",
        log_files=tmp_path if kept else None,
    )
    with TestClient(create_app(settings)) as client:
        client.auth = acting_as("erin", "engineer")
        found = client.get("/v1/logs", params={"level": "warning"}).json()
        assert client.get("/v1/models/none/traffic").status_code == 404
    assert found["kept"] is kept
    assert found["services"] == (["mlflow"] if kept else [])
    assert [entry["text"] for entry in found["entries"]] == (["WARNING of old age"] if kept else [])

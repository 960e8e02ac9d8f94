from pathlib import Path

import pytest
from pydantic import ValidationError

from streamlit_ui.settings import Settings


def test_the_environment_sets_each_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_URL", "https://gateway.example/")
    monkeypatch.setenv("PORT", "9000")
    settings = Settings()
    assert (settings.gateway_url, settings.port) == ("https://gateway.example", 9000)


@pytest.mark.parametrize(("given", "meant"), [("", None), ("/var/log/x", Path("/var/log/x"))])
def test_an_empty_log_dir_is_none(monkeypatch: pytest.MonkeyPatch, given: str, meant: Path | None) -> None:
    monkeypatch.setenv("LOG_DIR", given)
    assert Settings().log_dir == meant


def test_by_default_only_this_machine_can_connect() -> None:
    assert Settings().host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [("GATEWAY_URL", "gateway:8000"), ("PORT", "70000"), ("BATCH_ROWS", "501"), ("REFRESH_S", "0")],
)
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from pipeline_api.service.settings import ServiceSettings


class Specimen(ServiceSettings):
    service_name: str = "specimen"
    port: int = Field(default=0, ge=0, le=65535)


def test_settings_come_from_the_environment_without_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "::1")
    monkeypatch.setenv("PORT", "8765")
    monkeypatch.setenv("STAGE", "staging")
    monkeypatch.setenv("SOMETHING_ELSE", "ignored")
    settings = Specimen()
    assert (settings.host, settings.port, settings.stage) == ("::1", 8765, "staging")


@pytest.mark.parametrize(("given", "meant"), [("", None), ("/var/log/x", Path("/var/log/x"))])
def test_an_empty_log_dir_is_none(monkeypatch: pytest.MonkeyPatch, given: str, meant: Path | None) -> None:
    monkeypatch.setenv("LOG_DIR", given)
    assert Specimen().log_dir == meant


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("STAGE", "test"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("MAX_BODY_BYTES", "0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Specimen()


@pytest.mark.parametrize("name", ["port", "service_name"])
def test_settings_cannot_be_changed_afterwards(settings: ServiceSettings, name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, name, 1)

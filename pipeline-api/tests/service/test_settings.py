from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from pipeline_api.service.readme import settings_table, with_table
from pipeline_api.service.settings import ServiceSettings
from pipeline_api.settings import Settings


class Specimen(ServiceSettings):
    service_name: str = "specimen"
    port: int = Field(default=0, ge=0, le=65535)


README = Path(__file__).parents[2] / "README.md"


def test_settings_come_from_the_environment_without_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "::1")
    monkeypatch.setenv("PORT", "8765")
    monkeypatch.setenv("STAGE", "staging")
    monkeypatch.setenv("SOMETHING_ELSE", "ignored")
    settings = Specimen()
    assert (settings.host, settings.port, settings.stage) == ("::1", 8765, "staging")


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


def test_the_table_has_a_row_for_every_setting() -> None:
    table = settings_table(Settings)
    for name, field in Settings.model_fields.items():
        assert f"| `{name.upper()}` |" in table
        assert field.description, f"{name} has no docstring that says what it is"


def test_the_table_in_the_readme_is_the_settings_own() -> None:
    readme = README.read_text()
    assert readme == with_table(readme, Settings), "Run `make readme`."


def test_a_readme_without_the_markers_is_told_so() -> None:
    with pytest.raises(ValueError, match="no line"):
        with_table("# Nothing", Settings)

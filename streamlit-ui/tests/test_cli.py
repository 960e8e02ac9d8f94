import pytest

from streamlit_ui.cli import main
from streamlit_ui.settings import Settings, settings


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8501")
    settings.cache_clear()


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name.upper() in shown for name in Settings.model_fields)


def test_a_setting_that_makes_no_sense_is_a_sentence() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", "99999"])
    assert str(ended.value.code) == "PORT: Input should be less than or equal to 65535"

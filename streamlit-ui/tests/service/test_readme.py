from pathlib import Path

import pytest

from streamlit_ui.service.readme import settings_table, with_table
from streamlit_ui.settings import Settings

README = Path(__file__).parents[2] / "README.md"


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

from hypothesis import given
from hypothesis import strategies as st

from streamlit_ui import log_lines
from streamlit_ui.log_lines import Entry

LOG = """2026-01-31T12:00:00.000Z STATUS status=running
2026-01-31T12:00:01.000Z STEP search started
2026-01-31T12:00:02.000Z METRIC log_loss=0.31 candidate=3
2026-01-31T12:00:03.000Z WARNING 3 rows were left out
2026-01-31T12:00:04.000Z ERROR Traceback (most recent call last):
  File "x.py", line 1
ValueError: no
"""


def words(entries: list[Entry]) -> list[str]:
    return [entry.level for entry in entries]


def test_a_traceback_belongs_to_its_entry() -> None:
    found = log_lines.entries(LOG, "run-1")
    assert words(found) == ["STATUS", "STEP", "METRIC", "WARNING", "ERROR"]
    assert found[-1].text.endswith("ValueError: no")
    assert found[0].line(named=True).startswith("[run-1] 2026-01-31T12:00:00.000Z")


def test_a_level_and_a_text_narrow_what_is_shown() -> None:
    found = log_lines.entries(LOG)
    assert words(log_lines.select(found, "Warnings and errors", "")) == ["WARNING", "ERROR"]
    assert words(log_lines.select(found, "Steps", "")) == ["STATUS", "STEP"]
    assert words(log_lines.select(found, "Everything", " VALUEerror ")) == ["ERROR"]


def test_runs_are_told_together_in_the_order_of_time() -> None:
    first = log_lines.entries("2026-01-31T12:00:00Z INFO a\n2026-01-31T12:00:02Z INFO c\n", "one")
    second = log_lines.entries("2026-01-31T12:00:01Z INFO b\n", "two")
    assert [entry.run for entry in log_lines.merged([first, second])] == ["one", "two", "one"]


@given(st.text(), st.text(max_size=5))
def test_any_text_is_taken_apart_without_losing_a_word(text: str, wanted: str) -> None:
    found = log_lines.entries(text)
    assert "".join("".join(entry.text.split()) for entry in found) == "".join(text.split())
    assert all(entry in found for entry in log_lines.select(found, "Everything", wanted))

from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_processor.datasets.exploration.report import render

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</title><script>alert(1)</script>",
    "</style><svg onload=alert(1)>",
    "{{ 7 * 191 }}",
    "javascript:alert(1)",
    "&lt;b&gt; stays as it is",
)
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "p", "div", "span", "i",
    "table", "thead", "tbody", "tr", "th", "td", "svg", "g", "rect", "text", "details", "summary",
}  # fmt: skip
STYLED = {"width", "background"}


class Page(HTMLParser):
    """Everything that a browser would make of the page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def assert_harmless(page: Page) -> None:
    assert page.tags <= ALLOWED
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "href", "action", "srcdoc", "xlink:href")
        if name == "style":
            assert value
            declared = {part.split(":")[0].strip() for part in value.split(";") if part.strip()}
            assert declared <= STYLED
            assert "url" not in value


@pytest.fixture(scope="module")
def hostile(explore: Any) -> str:
    """Return the report of a table in which every name, value, label and text is an attack."""
    rows = len(ATTACKS) * 6
    names = ATTACKS
    frame = pd.DataFrame(
        {
            names[0]: pd.Series([ATTACKS[n % len(ATTACKS)] for n in range(rows)], dtype="str"),
            names[1]: [float(n) for n in range(rows)],
            names[2]: pd.Series([f"{ATTACKS[n % 8]} {ATTACKS[n % 5]}" for n in range(rows)], dtype="str"),
            names[3]: pd.Series([ATTACKS[n % 2] for n in range(rows)], dtype="str"),
        }
    )
    profile = explore(frame, names[3], **{names[0]: "categorical", names[2]: "text"})
    return render(profile)


def test_nothing_in_the_data_comes_to_life(hostile: str) -> None:
    page = Page(hostile)
    assert_harmless(page)
    said = "".join(page.said)
    for attack in ATTACKS[:4]:
        assert attack in said  # shown as what it is
    assert "1337" not in said


def test_the_page_forbids_scripts_and_loads_nothing(hostile: str) -> None:
    assert "default-src 'none'; style-src 'unsafe-inline'" in hostile
    assert "<script" not in hostile
    assert "http://" not in hostile
    assert "https://" not in hostile


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(min_size=1, max_size=20), value=st.text(min_size=1, max_size=20))
def test_any_name_and_value_is_harmless(explore: Any, name: str, value: str) -> None:
    frame = pd.DataFrame({f"x{name}": pd.Series([value, "b"] * 5, dtype="str"), "y": ["n", value + "z"] * 5})
    assert_harmless(Page(render(explore(frame, "y", **{f"x{name}": "categorical"}))))


def test_a_report_shows_every_part(explore: Any) -> None:
    frame = pd.DataFrame(
        {
            "age": [20.0 + n % 40 for n in range(80)],
            "height": [150.0 + n % 40 for n in range(80)],
            "since": [f"2026-01-{1 + n % 28:02}" for n in range(80)],
            "city": ["Bern", "Rom"] * 40,
            "said": ["what a lovely day in the park", "stupid weather, go away now"] * 40,
            "mood": ["calm", "angry"] * 40,
        }
    )
    html = render(explore(frame, "mood", since="datetime", said="text"))
    for part in (
        "Target: mood",
        "80 rows, all of them",
        "Associations between columns",
        "Pearson",
        "Texts: said",
        "Parts of speech",
        "Word cloud",
        "Most frequent words",
    ):
        assert part in html
    assert len(html) < 200_000


def test_a_report_of_a_regression_shows_means(explore: Any) -> None:
    frame = pd.DataFrame({"size": range(50), "area": ["a", "b"] * 25, "rent": [n * 7.5 for n in range(50)]})
    html = render(explore(frame, "rent", task="tabular-regression"))
    assert "mean of the target" in html
    assert "95 % interval" in html

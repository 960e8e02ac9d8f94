"""Every page, for every role, with and without data, and when the gateway fails in each way."""

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import canned
import canned_training
from acting import said
from conftest import Open
from fake_gateway import FakeGateway
from streamlit_ui.settings import settings

PAGES: dict[str, dict[str, str]] = {
    "predict": {},
    "faces": {"model": "front-door"},
    "upload": {},
    "history": {},
    "prediction": {"id": "prediction-000002"},
    "data": {},
    "dataset": {"name": "census-income"},
    "train": {},
    "live": {},
    "runs": {},
    "run": {"id": "run-2"},
    "models": {},
    "model": {},
    "logs": {},
    "people": {},
    "notifications": {},
    "monitoring": {},
}
BELONGS_TO = {
    **dict.fromkeys(
        ("data", "dataset", "train", "live", "runs", "run", "logs", "notifications", "monitoring"), "engineer"
    ),
    "people": "maintainer",
}
NEEDS_NO_MODEL = (
    "faces",
    "prediction",
    "data",
    "dataset",
    "train",
    "runs",
    "run",
    "logs",
    "people",
    "notifications",
)
ROLES = ("user", "engineer", "maintainer")
SEEN = [
    (role, page)
    for role in ROLES
    for page in PAGES
    if ROLES.index(role) >= ROLES.index(BELONGS_TO.get(page, "user"))
]


def raw(page: AppTest) -> str:
    """Return every piece of Markdown as it is sent to the browser."""
    return "\n".join(
        str(element.value) for kind in (page.markdown, page.caption, page.error) for element in kind
    )


def assert_sound(page: AppTest) -> None:
    assert not page.exception, [error.value for error in page.exception]
    assert "Traceback" not in said(page)


@pytest.mark.parametrize(("role", "name"), SEEN)
def test_a_page_shows_for_each_role_that_has_it(open_page: Open, role: str, name: str) -> None:
    page = open_page(name, role, **PAGES[name])
    assert_sound(page)
    assert page.title
    assert not page.error


@pytest.mark.parametrize(("role", "name"), [(r, p) for r in ROLES for p in PAGES if (r, p) not in SEEN])
def test_a_page_is_unknown_to_a_role_that_has_it_not(open_page: Open, role: str, name: str) -> None:
    with pytest.raises(ValueError, match="page"):
        open_page(name, role)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_so_when_there_is_nothing_yet(open_page: Open, fake: FakeGateway, name: str) -> None:
    fake.empty()
    assert_sound(open_page(name))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_waits_while_there_is_no_model(open_page: Open, fake: FakeGateway, name: str) -> None:
    fake.empty()
    fake.models = {}
    page = open_page(name)
    assert_sound(page)
    if name not in NEEDS_NO_MODEL:
        assert "There is no model yet" in said(page)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_while_no_version_is_served(open_page: Open, fake: FakeGateway, name: str) -> None:
    fake.empty()
    for model in fake.models.values():
        model.update(version=None, score=None, state="collecting", versions=[])
    page = open_page(name)
    assert_sound(page)
    if name in ("predict", "upload"):
        assert "still being trained" in said(page)


@pytest.mark.parametrize(
    ("name", "status"),
    [(name, 503) for name in PAGES]
    + [("model", status) for status in (403, 404, 409, 422, 429, 500, 502, 504)],
)
def test_a_failing_gateway_is_a_sentence(open_page: Open, fake: FakeGateway, name: str, status: int) -> None:
    page = open_page(name, **PAGES[name])
    fake.trouble("/v1/", status, "The cat sat on the server.", headers={"Retry-After": "7"})
    page.run()
    assert_sound(page)
    assert any("The cat sat on the server" in error.value for error in page.error)
    assert any("try again in 7 seconds" in error.value for error in page.error)


def test_a_gateway_that_is_away_is_a_sentence(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page()
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:1")
    settings.cache_clear()
    page.run()
    assert_sound(page)
    assert "cannot be reached" in page.error[0].value


@pytest.mark.parametrize("name", PAGES)
def test_an_ended_session_leads_to_the_sign_in_page(open_page: Open, fake: FakeGateway, name: str) -> None:
    page = open_page(name, **PAGES[name])
    fake.tokens.clear()
    page.run()
    assert_sound(page)
    assert "Your session has ended" in said(page)
    assert [field.label for field in page.text_input] == ["Username", "Password"]


@pytest.mark.parametrize("section", ["Score", "Versions", "Compare", "Policy", "Ledger"])
def test_each_section_of_a_model_shows(open_page: Open, section: str) -> None:
    page = open_page("model", section=section)
    assert_sound(page)
    assert not page.error


@pytest.mark.parametrize("section", ["Score", "Versions", "Compare", "Policy", "Ledger"])
def test_each_section_of_a_new_model_shows(open_page: Open, fake: FakeGateway, section: str) -> None:
    fake.empty()
    assert_sound(open_page("model", section=section))


@pytest.mark.parametrize(
    "state", ["collecting", "healthy", "degraded", "retraining", "watching", "paused", "new"]
)
def test_each_state_of_a_score_shows(open_page: Open, fake: FakeGateway, state: str) -> None:
    fake.contract = fake.contract.allowing(state="new")
    fake.score = canned.score(state=state, reason="")
    page = open_page("model")
    assert_sound(page)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "queued", "started_at": None, "finished_at": None, "gate": None, "leaderboard": []},
        {"status": "running", "finished_at": None, "gate": None},
        {"status": "failed", "error": "It *broke*."},
        {"status": "cancelled", "cancel_requested": True},
        {"gate": canned.HOLD},
        {"gate": {**canned.RECEIPT, "champion": None, "verdict": "reject", "p_value": None}},
        {"trigger": "moon", "status": "melted", "steps": []},
    ],
)
def test_each_kind_of_run_shows(open_page: Open, fake: FakeGateway, change: dict[str, Any]) -> None:
    fake.contract = fake.contract.allowing(trigger="moon", status="melted")
    fake.runs = [canned.run("run-2", **change)]
    for name, query in (("runs", {}), ("run", {"id": "run-2"})):
        assert_sound(open_page(name, **query))


def test_ignored_columns_are_named_and_make_no_input_unusual(open_page: Open, fake: FakeGateway) -> None:
    fake.predictions[1]["flags"] = [f"{name}: no input of the model, ignored" for name in ("id", "income")]
    page = open_page("prediction", id="prediction-000002")
    assert "no input of the model, so it played no part: id and income." in said(page)
    assert not page.warning


def test_a_page_that_names_nothing_says_what_to_do(open_page: Open) -> None:
    assert "Choose a run" in said(open_page("run"))
    assert "Choose a prediction" in said(open_page("prediction"))
    assert "Choose a dataset" in said(open_page("dataset"))


def test_what_people_typed_is_never_markup(open_page: Open, fake: FakeGateway) -> None:
    evil = "<img src=x onerror=alert(1)> **bold** :red[x] $x^2$ [a](javascript:alert(1))"
    fake.predictions[1]["feedback"] = [{**canned.feedback(correct=False), "comment": evil, "subject": evil}]
    fake.promotions = [canned.promotion(2, reason=evil, subject=evil)]
    fake.runs = [canned.run("run-2", reason=evil, error=evil, status="failed")]
    fake.training.datasets = [canned_training.dataset("evil", state="failed", error=evil, target=evil)]
    fake.versions[1]["candidate"] = {"estimator": evil, "params": {evil: evil}}
    pages = [
        open_page("data"),
        open_page("dataset", name="evil"),
        open_page("models"),
        open_page("logs"),
        open_page("prediction", id="prediction-000002"),
        open_page("model", section="Ledger"),
        open_page("runs"),
        open_page("history"),
    ]
    for page in pages:
        assert_sound(page)
        # Each of them is only alive without a backslash in front.
        assert not re.search(r"(?<!\\)(<img|\*\*bold|:red\[x|\$x|\[a\])", raw(page))

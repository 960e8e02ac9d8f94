"""What a page says of a refusal."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def shown(status: int, body: dict[str, Any], retry_after: float | None = None) -> str:
    def script(status: int, body: dict[str, str], retry_after: float | None) -> None:
        # The test kit runs this function alone: it knows nothing that was imported around it.
        from streamlit_ui.client import GatewayError  # noqa: PLC0415
        from streamlit_ui.parts.problems import show  # noqa: PLC0415

        show(GatewayError(body["detail"], status, body, retry_after))

    page = AppTest.from_function(script, kwargs={"status": status, "body": body, "retry_after": retry_after})
    return str(page.run().error[0].value).replace("\\", "")


def test_each_field_is_named_once() -> None:
    errors = [
        {"loc": ["body", "inputs", 0, "hours-per-week"], "message": "must be a number"},
        {"loc": ["body"], "message": "has too much"},
    ]
    said = shown(422, {"detail": "2 fields are not valid.", "errors": errors})
    assert said == (
        "2 fields are not valid.\n\n- **Hours per week**: must be a number\n- **The request**: has too much"
    )


def test_a_lone_message_is_not_said_twice() -> None:
    errors = [{"loc": ["body", "password"], "message": "It is too short."}]
    assert shown(422, {"detail": "It is too short.", "errors": errors}) == "It is too short."


def test_a_long_list_is_cut() -> None:
    errors = [{"loc": ["body", f"c{number}"], "message": "is wrong"} for number in range(25)]
    assert shown(422, {"detail": "No.", "errors": errors}).endswith("- and 15 more")


@pytest.mark.parametrize(("seconds", "wait"), [(1, "1 second"), (7.5, "8 seconds"), (90, "1 min 30 s")])
def test_when_to_come_back_is_said(seconds: float, wait: str) -> None:
    assert shown(429, {"detail": "Slow down."}, seconds) == f"Slow down.\n\nPlease try again in {wait}."


def beside(errors: list[dict[str, Any]]) -> list[str]:
    def script(errors: list[dict[str, object]]) -> None:
        import streamlit as st  # noqa: PLC0415  # as above

        from streamlit_ui.client import GatewayError  # noqa: PLC0415
        from streamlit_ui.parts.problems import show_beside  # noqa: PLC0415

        places = {"name": st.container(), "columns": st.container(), "candidates": st.container()}
        show_beside(GatewayError("No.", 422, {"detail": "No.", "errors": errors}), places)

    page = AppTest.from_function(script, kwargs={"errors": errors}).run()
    return [error.value.replace("\\", "") for error in page.error]


def test_what_is_wrong_stands_beside_its_cause() -> None:
    assert beside([{"loc": ["body", "name"], "message": "is taken"}]) == [
        "is taken",
        "No. See the errors above.",
    ]


def test_a_column_and_a_candidate_are_named() -> None:
    errors: list[dict[str, Any]] = [
        {"loc": ["body", "columns", "age", "kind"], "message": "is wrong"},
        {"loc": ["body", "candidates", 1, "params", "learning_rate"], "message": "is too large"},
    ]
    assert beside(errors)[:2] == [
        "**age**: is wrong",
        "**Candidate 2, Learning rate**: is too large",
    ]


def test_what_has_no_place_is_said_with_the_refusal() -> None:
    assert beside([{"loc": ["body", "elsewhere"], "message": "is odd"}]) == ["No.\n\n- **Elsewhere**: is odd"]

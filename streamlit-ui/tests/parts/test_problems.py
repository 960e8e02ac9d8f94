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

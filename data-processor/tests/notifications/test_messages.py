from collections.abc import Callable
from typing import Any

import pytest

from data_processor.notifications.messages import Messages
from data_processor.rows import NotificationRow
from data_processor.service.database import now

TRACE = "0af7651916cd43dd8448eb211c80319c"


def row(**fields: Any) -> NotificationRow:
    known = {
        "id": "n", "type": "score.fell", "stage": "main", "model": "a model/&", "version": "2", "run": None,
        "traceparent": None, "message": "It fell.", "at": now(),
    }  # fmt: skip
    return NotificationRow(**{**known, **fields})


def test_names_cannot_change_where_a_link_leads(new_stage: Callable[..., Any]) -> None:
    made = Messages(new_stage().settings).message(row(run="run/?x"))
    assert made["payload"]["data"]["links"] == {
        "model": "https://loop.example.org/model?model=a+model%2F%26",
        "run": "https://loop.example.org/run?id=run%2F%3Fx",
    }
    assert made["title"] == "a model/& (main): the score fell"
    assert made["text"].splitlines()[0] == "It fell."


def test_drift_leads_to_its_report(new_stage: Callable[..., Any]) -> None:
    made = Messages(new_stage().settings).message(row(type="drift.found"))
    links = made["payload"]["data"]["links"]
    assert links["report"] == "https://loop.example.org/monitoring?model=a+model%2F%26&monitored=Drift"


@pytest.mark.parametrize(
    ("sampled", "links"), [("01", {"trace": f"https://traces.example.org/{TRACE}"}), ("00", {})]
)
def test_only_a_trace_that_was_kept_is_linked(
    new_stage: Callable[..., Any], sampled: str, links: dict[str, str]
) -> None:
    settings = new_stage(pages_url=None, trace_url="https://traces.example.org/{trace}").settings
    made = Messages(settings).message(row(traceparent=f"00-{TRACE}-00f067aa0ba902b7-{sampled}"))
    assert made["payload"]["data"]["links"] == links
    assert made["payload"]["data"]["trace_id"] == TRACE


def test_where_the_pages_are_unknown_there_is_no_link(new_stage: Callable[..., Any]) -> None:
    made = Messages(new_stage(pages_url=None).settings).message(row())
    assert made["payload"]["data"]["links"] == {}
    assert made["text"] == "It fell."

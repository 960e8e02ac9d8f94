from typing import Any

import pytest
from sqlalchemy import func, select

from data_processor.notifications.events import MOST_CHARACTERS, record
from data_processor.notifications.schemas import DestinationChange
from data_processor.rows import NotificationRow

Stage = Any


def count(stage: Stage) -> int:
    with stage.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(NotificationRow)) or 0)


def test_an_event_that_nobody_wants_leaves_nothing(stage: Stage) -> None:
    stage.tell("https://example.org/hook", "score.fell")
    stage.happens(event="run.failed")
    assert (count(stage), stage.states()) == (0, [])


def test_each_destination_that_wants_an_event_gets_a_delivery(stage: Stage) -> None:
    stage.tell("https://example.org/a", "score.fell", "run.failed", name="a")
    stage.tell("https://example.org/b", "run.failed", name="b")
    stage.tell("https://example.org/c", "score.fell", name="c")
    stage.happens(event="run.failed")
    assert (count(stage), stage.states()) == (1, ["waiting", "waiting"])


def test_a_step_that_is_repeated_tells_nobody_twice(stage: Stage) -> None:
    stage.tell("https://example.org/hook")
    stage.happens("run-1")
    stage.happens("run-1")
    stage.happens("run-2")
    stage.happens("run-2", event="run.rejected")
    assert count(stage) == 3


def test_what_was_rolled_back_did_not_happen(stage: Stage) -> None:
    stage.tell("https://example.org/hook")

    def fail() -> None:
        with stage.database.transaction() as session:
            record(session, "run.failed", stage="main", model="m", about="r", message="It failed.")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (count(stage), stage.states()) == (0, [])


def test_a_destination_that_is_off_is_not_told_of_what_happens_meanwhile(stage: Stage) -> None:
    made = stage.tell("https://example.org/hook")
    stage.destinations.change(made.id, DestinationChange(active=False))
    stage.happens("run-1")
    stage.destinations.change(made.id, DestinationChange(active=True))
    stage.happens("run-2")
    assert [one.run for one in stage.destinations.deliveries(None, 10)] == ["run-2"]


def test_a_message_of_any_length_is_kept_short(stage: Stage) -> None:
    stage.tell("https://example.org/hook")
    stage.happens(message="x" * (MOST_CHARACTERS + 1))
    assert [len(one.message) for one in stage.destinations.deliveries(None, 10)] == [MOST_CHARACTERS]

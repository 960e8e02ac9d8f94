import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data_processor.notifications.deliveries import KEEP_DAYS, PAUSES_S, Deliveries
from data_processor.notifications.schemas import DestinationChange
from data_processor.notifications.sending import Attempt, Receiver
from data_processor.rows import DeliveryRow, NotificationRow
from data_processor.service.database import now

Stage = Any
NewReceiver = Callable[..., Any]

WORKING = """
import os, sys, time
from data_processor.database import Database
from data_processor.notifications.deliveries import Deliveries
from data_processor.settings import Settings

settings = Settings()
deliveries = Deliveries(settings, Database(settings.records_url))
while True:
    deliveries.poll()
    time.sleep(0.05)
"""


class Answers:
    """Stands where the sender does: remembers what it is to send, and answers as it is told."""

    def __init__(self, *attempts: Attempt) -> None:
        self.attempts = list(attempts)
        self.sent: list[str] = []

    def __call__(self, receiver: Receiver, messages: Sequence[dict[str, Any]]) -> dict[str, Attempt]:
        assert receiver.address.startswith("https://")
        self.sent += [message["id"] for message in messages]
        return {message["id"]: self.attempts.pop(0) for message in messages}


def made_due(stage: Stage) -> None:
    """Let the time of the next attempt come."""
    with stage.database.transaction() as session:
        session.execute(update(DeliveryRow).values(next_at=now()))


def made_older(stage: Stage, days: float) -> None:
    with stage.database.transaction() as session:
        session.execute(update(NotificationRow).values(at=now() - timedelta(days=days)))


def test_a_receiver_gets_what_happened_with_links_signed(stage: Stage, receiver: Any) -> None:
    made = stage.tell(receiver.url)
    stage.happens("run-1", version="3")
    stage.deliveries.deliver(made.id)
    [got] = receiver.received
    payload = got.verified(made.secret)
    assert (payload["type"], payload["data"]["model"], payload["data"]["version"]) == (
        "run.failed", "census", "3",
    )  # fmt: skip
    assert payload["data"]["message"] == "Run run-1 failed: no data."
    assert payload["data"]["links"] == {
        "model": "https://loop.example.org/model?model=census",
        "run": "https://loop.example.org/run?id=run-1",
    }
    [delivery] = stage.destinations.deliveries(made.id, 10)
    assert (delivery.state, delivery.id, delivery.attempts, delivery.error) == ("delivered", got.id, 1, None)


def test_a_receiver_that_was_down_gets_everything_once_it_is_back(
    stage: Stage, new_receiver: NewReceiver, unused_port: int
) -> None:
    made = stage.tell(f"http://127.0.0.1:{unused_port}/hook")
    stage.happens("run-1")
    stage.happens("run-2")
    stage.deliveries.deliver(made.id)
    [shown] = stage.destinations.all()
    assert (shown.waiting, shown.last.error) == (
        2, "The receiver cannot be reached: [Errno 111] Connection refused.",
    )  # fmt: skip
    assert shown.next_at > now() + timedelta(seconds=PAUSES_S[0] - 3)
    receiver = new_receiver(unused_port)
    stage.deliveries.deliver(made.id)
    assert receiver.received == [], "The next attempt was not due yet."
    made_due(stage)
    stage.deliveries.deliver(made.id)
    assert [got.verified()["data"]["run"] for got in receiver.received] == ["run-1", "run-2"]
    assert stage.states() == ["delivered", "delivered"]


def test_what_a_killed_worker_was_sending_is_sent_again_with_the_same_id(
    stage: Stage, new_receiver: NewReceiver, wait_until: Callable[..., None]
) -> None:
    receiver = new_receiver(hangs=True)
    made = stage.tell(receiver.url)
    stage.happens("run-1")
    told = {
        name.upper(): "a-signing-key-of-the-tests" for name in ("service_token", "caller_key", "signing_key")
    }
    told |= {"STATE_DIR": str(stage.settings.state_dir), "NOTIFICATION_NETWORKS": "127.0.0.0/8"}
    worker = subprocess.Popen([sys.executable, "-c", WORKING], env={**os.environ, **told})
    try:
        wait_until(lambda: len(receiver.received) == 1, 120)
    finally:
        worker.send_signal(signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL
    assert stage.states() == ["waiting"]
    receiver.hangs = False
    stage.deliveries.deliver(made.id)
    first, again = receiver.received
    assert first.id == again.id
    assert again.verified()["data"]["run"] == "run-1"
    assert stage.states() == ["delivered"]


def test_a_hanging_receiver_holds_up_nobody_else(
    stage: Stage, new_receiver: NewReceiver, wait_until: Callable[..., None]
) -> None:
    hanging, other = new_receiver(hangs=True), new_receiver()
    stage.tell(hanging.url, name="hanging")
    stage.tell(other.url, name="other")
    began = time.monotonic()
    stage.happens("run-1")
    stage.deliveries.poll()
    assert time.monotonic() - began < 9, "Neither the event nor the poll waits for a receiver."
    wait_until(lambda: len(other.received) == 1 and len(hanging.received) == 1, 60)
    stage.happens("run-2")

    def arrives() -> bool:
        stage.deliveries.poll()
        return len(other.received) == 2

    wait_until(arrives, 60)
    [state] = [one.waiting for one in stage.destinations.all() if one.name == "hanging"]
    assert state == 2
    hanging.released.set()
    wait_until(lambda: not stage.deliveries._busy, 60)


def test_attempts_come_later_each_time_and_end_after_some_days(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(notifications_keep_trying_days=1)
    stage.tell("https://example.org/hook")
    stage.happens("run-1")
    [made] = stage.destinations.all()
    pauses = []
    while stage.states() == ["waiting"]:
        made_due(stage)
        answers = Answers(Attempt("The receiver answered 500."))
        Deliveries(stage.settings, stage.database, answers).deliver(made.id)
        [delivery] = stage.destinations.deliveries(None, 10)
        if delivery.next_at:
            pauses.append((delivery.next_at - delivery.attempted_at).total_seconds())
        made_older(stage, sum(pauses) / 86_400)
    assert pauses[: len(PAUSES_S)] == [pytest.approx(pause, rel=0.12) for pause in PAUSES_S]
    assert 86_400 - 1.1 * PAUSES_S[-1] < sum(pauses) < 86_400
    assert (delivery.state, delivery.error) == ("given_up", "The receiver answered 500.")


def test_a_receiver_may_ask_for_more_time(stage: Stage) -> None:
    made = stage.tell("https://example.org/hook")
    stage.happens("run-1")
    answers = Answers(Attempt("The receiver answered 429 Too Many Requests.", retry_after=900))
    Deliveries(stage.settings, stage.database, answers).deliver(made.id)
    [delivery] = stage.destinations.deliveries(None, 10)
    assert delivery.next_at - delivery.attempted_at >= timedelta(seconds=899)


def test_a_receiver_that_is_gone_is_told_nothing_any_more(stage: Stage, receiver: Any) -> None:
    receiver.statuses[:] = [410]
    made = stage.tell(receiver.url)
    stage.happens("run-1")
    stage.deliveries.deliver(made.id)
    stage.happens("run-2")
    [shown] = stage.destinations.all()
    assert (shown.active, shown.problem) == (False, "Its receiver answered 410: it wants nothing any more.")
    assert stage.states() == ["given_up"]


def test_one_message_that_is_refused_does_not_hold_up_the_others(stage: Stage) -> None:
    made = stage.tell("https://example.org/hook")
    stage.happens("run-1")
    stage.happens("run-2")
    answers = Answers(Attempt("The receiver answered 400 Bad Request."), Attempt(None))
    Deliveries(stage.settings, stage.database, answers).deliver(made.id)
    assert stage.states() == ["waiting", "delivered"]


def test_a_test_is_tried_once(stage: Stage) -> None:
    made = stage.tell("https://example.org/hook", "score.fell")
    stage.destinations.test(made.id, "ann")
    Deliveries(stage.settings, stage.database, Answers(Attempt("No."))).deliver(made.id)
    [delivery] = stage.destinations.deliveries(made.id, 10)
    assert (delivery.event, delivery.state, delivery.error) == ("test", "given_up", "No.")


def test_another_signing_key_says_what_to_do(new_stage: Callable[..., Stage]) -> None:
    made = new_stage().tell("https://example.org/hook")
    stage = new_stage(signing_key="another-key-of-the-tests")
    stage.happens("run-1")
    stage.deliveries.deliver(made.id)
    [delivery] = stage.destinations.deliveries(made.id, 10)
    assert delivery.state == "waiting"
    assert "another SIGNING_KEY. Enter it again." in str(delivery.error)


def test_what_waits_is_tried_at_once_after_a_change(stage: Stage, receiver: Any, unused_port: int) -> None:
    made = stage.tell(f"http://127.0.0.1:{unused_port}/hook")
    stage.happens("run-1")
    stage.deliveries.deliver(made.id)
    assert receiver.received == []
    stage.destinations.change(made.id, DestinationChange(address=receiver.url))
    stage.deliveries.deliver(made.id)
    assert [got.verified()["data"]["run"] for got in receiver.received] == ["run-1"]


def test_what_is_done_with_is_forgotten_after_a_while(stage: Stage) -> None:
    made = stage.tell("https://example.org/hook")
    stage.happens("run-1")
    Deliveries(stage.settings, stage.database, Answers(Attempt(None))).deliver(made.id)
    made_older(stage, KEEP_DAYS - 1)
    stage.deliveries.sweep()
    assert stage.states() == ["delivered"]
    made_older(stage, KEEP_DAYS + 1)
    stage.deliveries.sweep()
    assert stage.states() == []
    with stage.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(NotificationRow)) == 0


def test_what_waits_for_a_destination_that_is_off_is_given_up_in_the_end(stage: Stage) -> None:
    made = stage.tell("https://example.org/hook")
    stage.happens("run-1")
    stage.destinations.change(made.id, DestinationChange(active=False))
    stage.deliveries.poll()
    stage.deliveries.sweep()
    assert stage.states() == ["waiting"]
    made_older(stage, stage.settings.notifications_keep_trying_days + 0.1)
    stage.deliveries.sweep()
    assert stage.states() == ["given_up"]

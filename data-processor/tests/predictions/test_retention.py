import time
from typing import Any

from data_processor.predictions.recorder import PredictionResult
from data_processor.predictions.recorders import open_recorder
from data_processor.predictions.records import Ids, Key
from data_processor.predictions.retention import HOUR_US, Retention
from data_processor.rows import FeedbackRow

M = "census-income"


def record(world: Any, count: int, hours_ago: float, key: str) -> list[str]:
    at_us = time.time_ns() // 1000 - int(hours_ago * HOUR_US)
    ids = Ids().take(count)
    rows = [(one, M, "1", "main", False, False, "ann", at_us, "{}", "{}", "[]", 1.0, "0" * 32) for one in ids]
    recorder = open_recorder(world.settings.predictions_url, 1)
    recorder.write([PredictionResult(rows, b"{}", Key("ann", key, b""), at_us)])
    recorder.close()
    return ids


def retention(world: Any, **fields: Any) -> Retention:
    settings = world.settings.model_copy(update=fields)
    return Retention(settings, world.database, world.predictions)


def test_answers_to_keys_are_forgotten_in_time(world: Any) -> None:
    record(world, 1, 25, "old")
    record(world, 1, 23, "new")
    retention(world).clean()
    assert world.predictions.earlier(Key("ann", "old", b"")) is None
    assert world.predictions.earlier(Key("ann", "new", b"")) == (b"{}", True)


def test_predictions_are_kept_for_ever_by_default(world: Any) -> None:
    ids = record(world, 3, 24 * 365 * 10, "old")
    retention(world).clean()
    assert world.predictions.many(ids).keys() == set(ids)


def test_old_predictions_go_where_the_settings_say_so_but_never_those_that_were_judged(world: Any) -> None:
    old, new = record(world, 1200, 50, "old"), record(world, 3, 1, "new")
    with world.database.transaction() as session:
        session.add(
            FeedbackRow(
                prediction=old[7],
                model=M,
                stage="main",
                version="1",
                pinned=False,
                asked=False,
                subject="ann",
                correct=True,
            )
        )
    retention(world, predictions_keep_days=2).clean()
    assert world.predictions.many(old).keys() == {old[7]}
    assert world.predictions.many(new).keys() == set(new)


def test_it_stops_when_it_is_told_to(world: Any) -> None:
    running = retention(world)
    running.start()
    running.close()
    assert not running._thread.is_alive()

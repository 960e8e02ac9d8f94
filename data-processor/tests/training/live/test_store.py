"""Checkpoints: what is known is there, what was altered is refused, and what is not needed makes room."""

from typing import Any

import pytest

from data_processor.rows import LiveCheckpointRow
from data_processor.runs.context import TaskError
from data_processor.training.live import store as stores
from data_processor.training.live.loop import Position
from data_processor.training.live.store import LiveStore


class Standing:
    """A loop that stands somewhere."""

    weights = "0" * 64

    def __init__(self) -> None:
        self.position = Position(0, 0)
        self.restored = b""

    def state(self) -> bytes:
        return f"state at {self.position}".encode()

    def restore(self, state: bytes) -> None:
        self.restored = state


@pytest.fixture
def store(desk: Any) -> LiveStore:
    found: LiveStore = desk.store(desk.start())
    return found


def save(store: LiveStore, epoch: int, row: int = 0, *, lasting: bool = False) -> Any:
    loop: Any = Standing()
    loop.position = Position(epoch, row)
    store.save(loop, lasting=lasting)
    return loop


def test_the_last_one_before_a_place_is_found(store: LiveStore) -> None:
    for epoch, row in ((1, 0), (3, 64), (3, 128), (10, 0)):
        save(store, epoch, row)
    found = store.last(Position(3, 100))
    assert found is not None
    assert (found.epoch, found.row) == (3, 64)
    newest = store.last()
    assert newest is not None
    assert newest.epoch == 10
    assert store.last(Position(0, 5)) is None


def test_a_checkpoint_is_restored_as_it_was(store: LiveStore) -> None:
    saved = save(store, 4)
    save(store, 6)
    loop: Any = Standing()
    assert store.restore(loop, Position(5, 0))
    assert loop.restored == saved.state()
    assert not store.restore(loop, Position(3, 0))


def test_one_that_was_altered_is_refused(store: LiveStore, desk: Any) -> None:
    save(store, 4)
    found = store.last()
    assert found is not None
    desk.objects.put(found.key, b"something else", "application/octet-stream")
    loop: Any = Standing()
    with pytest.raises(TaskError, match="the checkpoint after epoch 4 is gone or was altered"):
        store.restore(loop)


def test_one_that_makes_room_meanwhile_is_passed_over(
    store: LiveStore, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = save(store, 2)
    save(store, 4)
    found = store.last()
    assert found is not None
    last, answers = LiveStore.last, iter([found])

    def last_before_it_was_deleted(store: LiveStore, until: Any = None) -> Any:
        return next(answers, None) or last(store, until)

    with desk.database.transaction() as session:
        session.delete(session.merge(found))
    desk.objects.delete(found.key)
    monkeypatch.setattr(LiveStore, "last", last_before_it_was_deleted)
    loop: Any = Standing()
    assert store.restore(loop)
    assert loop.restored == earlier.state()


def test_what_was_kept_of_a_place_stays_as_it_is(store: LiveStore) -> None:
    saved = save(store, 4)
    content, saved.state = saved.state(), lambda: b"the same weights under other hyperparameters"
    store.save(saved, lasting=True)
    loop: Any = Standing()
    store.restore(loop)
    assert loop.restored == content


def test_large_ones_make_room_even_before_changes(
    store: LiveStore, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MOST_BYTES", 10 * len(save(store, 0, lasting=True).state()))
    for epoch in range(1, 60):
        save(store, epoch, lasting=True)
    epochs = [one.epoch for one in desk.rows(LiveCheckpointRow)]
    assert len(epochs) <= 10
    assert {0, 59} <= set(epochs)


def test_passing_ones_make_room_and_lasting_ones_stay(
    store: LiveStore, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MOST_PASSING", 4)
    save(store, 0, lasting=True)
    for epoch in range(1, 30):
        save(store, epoch, lasting=epoch == 7)
    rows = desk.rows(LiveCheckpointRow)
    assert len(rows) <= 7
    assert {0, 7, 29} <= {one.epoch for one in rows}
    kept = {one.key for one in rows}
    objects = desk.objects
    assert {one.key for one in objects.listed(f"live-runs/{store.run}/checkpoints/")} == kept


def test_what_lasts_goes_on_lasting(store: LiveStore, desk: Any) -> None:
    save(store, 2, lasting=True)
    save(store, 2)
    (row,) = desk.rows(LiveCheckpointRow)
    assert row.lasting

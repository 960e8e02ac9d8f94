from collections.abc import Callable

import pytest

from data_processor.service import connections as module
from data_processor.service.connections import (
    BODY_S,
    HEAD_S,
    MOST_CONNECTIONS,
    Connections,
    connection_limit,
)

KEEP_ALIVE_S = 75.0


class Line:
    """A connection on which the server waits for its client."""

    def __init__(
        self,
        heard_at: float = 0,
        head_since: float | None = None,
        *,
        between: bool = False,
        unread: bool = False,
    ) -> None:
        self.heard_at = heard_at
        self.head_since = head_since
        self.between = between
        self.unread = unread
        self.open = True

    def paused(self) -> bool:
        return self.unread

    def hang_up(self) -> None:
        self.open = False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets the time."""

    def show(seconds: float) -> None:
        monkeypatch.setattr(module, "monotonic", lambda: seconds)

    show(0)
    return show


def holding(limit: int, *lines: Line) -> Connections:
    held = Connections(limit)
    for line in lines:
        held.wait_for(line)
    return held


def test_below_the_limit_nobody_has_to_go() -> None:
    old, newest = Line(head_since=0), Line(head_since=0)
    assert holding(2, old, newest).make_room(2, newest)
    assert old.open


def test_the_one_heard_of_longest_ago_goes_first() -> None:
    first, second, newest = (Line(head_since=0) for _ in range(3))
    held = holding(2, first, second, newest)
    held.wait_for(first)
    assert held.make_room(3, newest)
    assert [line.open for line in (first, second, newest)] == [True, False, True]


def test_an_unfinished_request_goes_before_a_connection_kept_for_the_next() -> None:
    kept, unfinished, newest = Line(between=True), Line(), Line(head_since=0)
    held = holding(2, kept, unfinished, newest)
    assert held.make_room(3, newest)
    assert (kept.open, unfinished.open) == (True, False)
    assert held.make_room(3, newest)
    assert not kept.open


def test_a_request_in_work_stays_and_the_newest_is_turned_away() -> None:
    in_work, newest = Line(), Line(head_since=0)
    held = holding(1, in_work, newest)
    held.settle(in_work)
    assert not held.make_room(2, newest)
    assert in_work.open


def test_an_upload_that_the_server_itself_holds_up_stays(clock: Callable[[float], None]) -> None:
    held_up, newest = Line(unread=True), Line(head_since=0)
    held = holding(1, held_up, newest)
    assert not held.make_room(2, newest)
    clock(BODY_S + 1)
    held.sweep(KEEP_ALIVE_S)
    assert held_up.open


@pytest.mark.parametrize(
    ("line", "patience"),
    [(Line(head_since=0), HEAD_S), (Line(), BODY_S), (Line(between=True), KEEP_ALIVE_S)],
    ids=["head", "body", "next request"],
)
def test_what_is_awaited_for_too_long_is_closed(
    line: Line, patience: float, clock: Callable[[float], None]
) -> None:
    held = holding(10, line)
    clock(patience - 0.1)
    held.sweep(KEEP_ALIVE_S)
    assert line.open
    clock(patience + 0.1)
    held.sweep(KEEP_ALIVE_S)
    assert not line.open
    assert held.waiting == {}


def test_a_head_that_drips_in_is_late_all_the_same(clock: Callable[[float], None]) -> None:
    line = Line(head_since=0)
    held = holding(10, line)
    line.heard_at = HEAD_S
    held.wait_for(line)
    clock(HEAD_S + 0.1)
    held.sweep(KEEP_ALIVE_S)
    assert not line.open


def test_half_of_the_files_are_for_connections() -> None:
    assert [connection_limit(files) for files in (256, 1024, 1_000_000)] == [128, 512, MOST_CONNECTIONS]

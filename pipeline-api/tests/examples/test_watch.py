"""What somebody sees who watches a run in a terminal, with a gateway between it and the processor."""

import io
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

import run_feed
import watch
from fake_processor import FakeProcessor, as_json, problem
from pipeline_api import events as events_module
from run_board import Board, bars
from running import Gateway, Server

LIVE: dict[str, Any] = {
    "id": "1",
    "model": "census-income",
    "status": "running",
    "state": "running",
    "hyperparameters": {"learning_rate": 0.01, "schedule": "constant", "patience": None},
    "epochs": 50,
    "metric": "roc_auc",
    "lower_is_better": False,
    "last_seq": 0,
}
Watching = Callable[..., tuple[int, str, str]]


class Run:
    """Run 1, as the processor tells of it."""

    def __init__(self, processor: FakeProcessor) -> None:
        self._processor = processor
        self._events = processor.events["1"] = []
        processor.on("GET", "/v1/runs/1/live", as_json(LIVE))

    def happens(self, kind: str, **body: Any) -> None:
        seq = len(self._events) + 1
        self._events.append({"seq": seq, "at": f"2026-01-01T10:00:{seq % 60:02}Z", "type": kind, **body})

    def learns(self, epoch: int, value: float | None = 0.9, **more: Any) -> None:
        loss = None if value is None else 1 - value
        body = {"training_loss": loss, "validation_loss": loss, "training_metric": value, "weight_norm": 2.0}
        self.happens("metric", name="roc_auc", value=value, epoch=epoch, learning_rate=0.1, **(body | more))

    def changes(self, number: int, epoch: int, subject: str = "ada") -> None:
        moved = {"learning_rate": {"from": 0.1, "to": 0.01 / number}}
        told = {"number": number, "state": "applied", "subject": subject, "epoch": epoch, "row": 0}
        self.happens("hyperparameters", **told, changes=moved)

    def ends(self, status: str = "succeeded") -> None:
        self.happens("status", status=status)
        self._processor.finished.add("1")


@pytest.fixture
def run(processor: FakeProcessor) -> Run:
    return Run(processor)


@pytest.fixture
def key(gateway: Gateway) -> str:
    return gateway.new_key("eye", "engineer")["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def watching(live: Server, key: str, capsys: pytest.CaptureFixture[str]) -> Watching:
    """Call the program; return how it ended, what it said, and what it said besides."""

    def call(*words: str, console: Console | None = None, **changed: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = watch.main(words, {"API_URL": live.url, "API_KEY": key, **changed}, console)
        said = capsys.readouterr()
        assert key not in said.out + said.err
        return code, said.out, said.err

    return call


def test_each_event_is_a_line_where_there_is_no_terminal(run: Run, watching: Watching) -> None:
    run.happens("status", status="running", state="running", subject="loopkeeper", message="It learns.")
    run.learns(1, 0.5)
    run.changes(1, epoch=1)
    run.learns(2, None)
    refused = {"learning_rate": {"to": 0.2}}
    run.happens(
        "hyperparameters", state="refused", subject="eve", changes=refused, message="The run ended before."
    )
    run.happens("step", step="train", state="finished", seconds=2.25)
    run.happens("log", level="info", message="It has learnt 2 epochs.")
    run.ends()

    code, said, besides = watching("1")

    assert (code, besides) == (0, "")
    assert said.splitlines() == [
        "10:00:01  running: It learns.",
        "10:00:02  epoch 1: roc_auc 0.5, loss 0.5 training, 0.5 validation, learning rate 0.1",
        "10:00:03  ▲1 ada: learning_rate 0.1 → 0.01, after epoch 1",
        "10:00:04  epoch 2: roc_auc none, loss none training, none validation, learning rate 0.1",
        "10:00:05  eve: learning_rate → 0.2 was refused. The run ended before.",
        "10:00:06  step train finished after 2.2 s",
        "10:00:07  It has learnt 2 epochs.",
        "10:00:08  succeeded",
    ]


def test_a_run_that_ends_otherwise_is_told_by_the_exit(run: Run, watching: Watching) -> None:
    run.ends("failed")
    assert watching("1")[0] == 3


def test_a_terminal_shows_curves_with_their_changes(run: Run, watching: Watching) -> None:
    for epoch in range(1, 21):
        run.learns(epoch, 0.5 + epoch / 50)
    run.changes(1, epoch=20)
    run.learns(21, 0.8)
    run.ends()
    terminal = io.StringIO()

    code, _, _ = watching("1", console=Console(file=terminal, force_terminal=True, width=100, height=40))

    assert code == 0
    last = terminal.getvalue()[-4000:]
    assert "census-income 1  succeeded  epoch 21 of 50" in last
    assert "Best roc_auc: 0.9, after epoch 20" in last
    assert "validation roc_auc" in last
    assert "▁▂" in last
    assert "▲1 ada: learning_rate 0.1 → 0.01, after epoch 20" in last
    assert "learning_rate 0.01, schedule constant, patience none" in last


def drawn(board: Board, width: int = 100) -> list[str]:
    """Return the lines of a picture."""
    console = Console(file=io.StringIO(), width=width)
    console.print(board)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def board_of(processor: FakeProcessor, **known: Any) -> Board:
    """Return a board with everything that happened in run 1."""
    board = Board({**LIVE, **known})
    for event in processor.events["1"]:
        board.add(event)
    return board


def test_a_change_is_marked_where_it_took_effect(run: Run, processor: FakeProcessor) -> None:
    for epoch in range(1, 11):
        run.learns(epoch, epoch / 20)
        if epoch == 4:
            run.changes(1, epoch=4)

    lines = drawn(board_of(processor))

    (marks,) = (line for line in lines if line.startswith("changes"))
    (curve,) = (line for line in lines if line.startswith("weight norm"))
    assert marks.index("▲1") == curve.index("▁") + 4  # the fifth epoch is the first with the new rate


def test_what_is_in_force_is_not_taken_back_by_older_changes(run: Run, processor: FakeProcessor) -> None:
    run.changes(1, epoch=0)
    run.changes(2, epoch=0)
    known = {"hyperparameters": {"learning_rate": 7}, "last_seq": 1}
    assert "In force: learning_rate 0.005" in drawn(board_of(processor, **known))
    known["last_seq"] = 2
    assert "In force: learning_rate 7" in drawn(board_of(processor, **known))


def test_the_best_epoch_is_that_of_the_metric(run: Run, processor: FakeProcessor) -> None:
    for epoch, value in enumerate((0.5, None, 0.3, 0.4), 1):
        run.learns(epoch, value)
    assert "Best roc_auc: 0.5, after epoch 1" in drawn(board_of(processor))
    assert "Best roc_auc: 0.3, after epoch 3" in drawn(board_of(processor, lower_is_better=True))
    assert not any(line.startswith("Best") for line in drawn(board_of(processor, metric=None)))


def test_a_run_that_waits_says_later_what_is_best(
    run: Run, watching: Watching, processor: FakeProcessor
) -> None:
    waiting, learning = {**LIVE, "metric": None}, {**LIVE, "lower_is_better": True}
    answers = iter([as_json(waiting), problem(503, "Starting."), as_json(learning)])
    processor.on("GET", "/v1/runs/1/live", lambda _: next(answers))
    for epoch, value in enumerate((0.5, 0.3, 0.4), 1):
        run.learns(epoch, value)
    run.ends()
    terminal = io.StringIO()

    watching("1", console=Console(file=terminal, force_terminal=True, width=100))

    assert "Best roc_auc: 0.3, after epoch 2" in terminal.getvalue()
    assert next(answers, None) is None


def test_a_picture_fits_a_narrow_terminal(run: Run, processor: FakeProcessor) -> None:
    for epoch in range(1, 2001):
        run.learns(epoch, epoch / 4000)
    assert max(len(line) for line in drawn(board_of(processor), width=60)) <= 60


@pytest.mark.parametrize(
    ("values", "width", "rows", "columns"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], 20, 1, ["▁▂▃▄▅▆▇█"]),
        ([8, 1], 20, 2, ["█ ", "█▁"]),
        ([0, None, 1], 20, 1, ["▁·█"]),
        ([5, 5], 20, 1, ["▁▁"]),
        ([0, 0, 4, 4, 8, 8], 3, 1, ["▁▅█"]),
        ([0, None, None, None], 2, 1, ["▁·"]),
        ([], 20, 1, [""]),
    ],
)
def test_values_become_columns(values: list[float | None], width: int, rows: int, columns: list[str]) -> None:
    assert bars(values, width, rows) == columns


def test_a_lost_connection_costs_no_event(
    run: Run, watching: Watching, live: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_feed, "FIRST_PAUSE_S", 0.05)

    def restart() -> None:
        for epoch in range(1, 7):
            run.learns(epoch)
            time.sleep(0.1)
            if epoch == 3:
                live.stop()
                live.start()
        run.ends()

    acting = threading.Thread(target=restart)
    acting.start()
    code, said, besides = watching("1")
    acting.join()

    assert code == 0
    told = [line.split(": roc")[0][10:] for line in said.splitlines()]
    assert told == [*(f"epoch {epoch}" for epoch in range(1, 7)), "succeeded"]
    assert besides.startswith("Connection lost:")


def test_who_waits_long_enough_gives_up(run: Run, watching: Watching, live: Server) -> None:
    run.learns(1)
    stopping = threading.Timer(0.5, live.stop)
    stopping.start()
    try:
        code, said, besides = watching("1", PATIENCE="0.5")
    finally:
        stopping.join()
        live.start()
    assert (code, said.count("epoch 1")) == (1, 1)
    assert "There was no connection for 0.5 s." in besides


def test_a_key_that_is_revoked_ends_it(
    run: Run, watching: Watching, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "GUARD_S", 0.05)
    run.learns(1)
    (found,) = gateway.client.get("/v1/auth/keys", headers=gateway.admin).json()

    def revoke() -> None:
        gateway.client.delete(f"/v1/auth/keys/{found['id']}", headers=gateway.admin)

    threading.Timer(0.3, revoke).start()
    code, _, besides = watching("1")
    assert (code, besides) == (1, "The platform closed the connection: The credential is no longer valid.\n")


def test_the_newest_live_run_of_a_model_is_found(
    run: Run, watching: Watching, processor: FakeProcessor
) -> None:
    run.ends()
    processor.on("GET", "/v1/runs", as_json([{"id": "1"}]))
    assert watching("--model", "census-income")[0] == 0
    (asked,) = (call.target for call in processor.calls if call.target.startswith("/v1/runs?"))
    assert asked == "/v1/runs?model=census-income&kind=live&limit=1"
    processor.on("GET", "/v1/runs", as_json([]))
    assert "There is no live run of 'wine' yet" in watching(MODEL="wine")[2]


def test_any_other_run_is_watched_as_well(run: Run, watching: Watching, processor: FakeProcessor) -> None:
    processor.on("GET", "/v1/runs/1/live", problem(409, "Run 1 is a run of kind 'training'."))
    processor.on("GET", "/v1/runs/1", as_json({"id": "1", "model": "census-income", "status": "running"}))
    run.happens("metric", name="log_loss", value=0.3, trial=1)
    run.ends()
    terminal = io.StringIO()
    assert watching("1", console=Console(file=terminal, force_terminal=True, width=100))[0] == 0
    assert "validation log_loss" in terminal.getvalue()
    assert "10:00:01  log_loss 0.3" in watching("1")[1]


def test_what_others_wrote_does_not_steer_the_terminal(run: Run, watching: Watching) -> None:
    run.learns(1)
    run.changes(1, epoch=1, subject="\x1b[2Jada\n[red]")
    run.happens("log", level="info", message="\x1b]0;title\x07[bold]x[/bold]")
    run.ends()
    terminal = io.StringIO()
    watching("1", console=Console(file=terminal, force_terminal=True, width=100))
    for said in (terminal.getvalue(), watching("1")[1]):
        assert "\x1b[2J" not in said
        assert "\x1b]0" not in said
        assert "\x07" not in said
        assert "[2Jada [red]: learning_rate" in said
        assert "[bold]x[/bold]" in said


@pytest.mark.parametrize(
    ("words", "changed", "told"),
    [
        (["1"], {"API_KEY": ""}, "API_KEY is not set"),
        (["1"], {"API_KEY": "ungültig"}, "API_KEY is no key"),
        (["1"], {"API_KEY": "lkk_unknown"}, "The platform refused it (401):"),
        (["1"], {"API_URL": "localhost:8000"}, "The API's address is http://HOST[:PORT]"),
        (["1"], {"API_URL": "http://ada:secret@localhost"}, "has no user, password or query in it"),
        (["1"], {"API_URL": "https://localhost", "API_CA_FILE": "/nowhere"}, "The certificates in /nowhere"),
        (["1"], {"API_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1 cannot be reached"),
        (["1"], {"PATIENCE": "long"}, "--patience is a number of seconds, not 'long'."),
        (["../models"], {}, "There is nothing at /v1/runs/../models/live."),
        (["2"], {}, "There is no run '2'."),
        ([], {}, "Say which run"),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_is_wrong_is_named(
    watching: Watching, processor: FakeProcessor, words: list[str], changed: dict[str, str], told: str
) -> None:
    processor.on("GET", "/v1/runs/2/live", problem(404, "There is no run '2'."))
    code, said, besides = watching(*words, **changed)
    assert (code, said) == (1, "")
    assert told in besides
    assert "secret" not in besides


def test_its_options_are_listed(watching: Watching, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        watching("--help")
    listed = capsys.readouterr().out
    assert all(
        word in listed for word in ("--model", "--api", "--ca-file", "--patience", "--lines", "API_KEY")
    )

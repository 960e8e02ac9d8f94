"""A run as a picture for a terminal: its curves, what is in force, and who changed what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from run_feed import Event

BLOCKS = " ▁▂▃▄▅▆▇█"
MARK = "▲"
LOST = "·"
"""An epoch whose value was not finite."""
LAST_CHANGES, LAST_SENTENCES = 8, 3
BESIDE_CURVES = 36
"""Columns of the terminal for names and numbers."""
NARROWEST = 10


@dataclass(frozen=True)
class Curve:
    """A field of each epoch's event, as it is shown."""

    field: str
    title: str
    style: str
    rows: int = 1


CURVES = (
    Curve("training_loss", "training loss", "cyan", rows=2),
    Curve("validation_loss", "validation loss", "green", rows=2),
    Curve("training_metric", "training {}", "cyan", rows=2),
    Curve("value", "validation {}", "green", rows=2),
    Curve("gradient_norm", "gradient norm", "magenta"),
    Curve("weight_norm", "weight norm", "magenta"),
    Curve("learning_rate", "learning rate", "yellow"),
)


class Board:
    """What was told of a run so far; rich draws it."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        """Begin with what is known of a run, see `know`."""
        self._epochs: list[Event] = []
        self._changes: list[Event] = []
        self._sentences: list[str] = []
        self.status = str(run["status"])
        self._state: str | None = run.get("state")
        self.away: str | None = None
        """Why there is no connection at the moment."""
        self.know(run)

    def know(self, run: Mapping[str, Any]) -> None:
        """Take up what `GET /v1/runs/{run}/live` answers, or `GET /v1/runs/{run}` for any other run."""
        self._run = run
        self._in_force: dict[str, Any] = dict(run.get("hyperparameters") or {})
        self._known = int(run.get("last_seq") or 0)

    @property
    def knows_metric(self) -> bool:
        """Whether the run has said what its epochs are compared by, which it does once it has its rows."""
        return "lower_is_better" not in self._run or self._run.get("metric") is not None

    def add(self, event: Event) -> None:
        """Take up one event."""
        kind = event["type"]
        if kind == "metric":
            self._epochs.append(event)
        elif kind == "hyperparameters":
            self._changes.append(event)
            if event["state"] == "applied" and event["seq"] > self._known:
                self._in_force |= {name: moved["to"] for name, moved in event["changes"].items()}
        else:
            if kind == "status":
                self.status, self._state = event["status"], event.get("state")
            self._sentences.append(sentence(event))
            del self._sentences[:-LAST_SENTENCES]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as the terminal is."""
        yield self._headline()
        if self._epochs:
            yield self._curves(max(options.max_width - BESIDE_CURVES, NARROWEST))
        if self._in_force:
            yield Text("In force: ", "bold").append(
                ", ".join(f"{name} {shown(value)}" for name, value in self._in_force.items()), "not bold"
            )
        for event in self._changes[-LAST_CHANGES:]:
            yield Text(sentence(event), "yellow")
        for told in self._sentences:
            yield Text(told, "dim")
        if self.away is not None:
            yield Text(f"Connection lost: {printable(self.away)} Trying again…", "bold red")

    def _headline(self) -> Text:
        state = self._state if self._state and self.status == "running" else self.status
        parts = [f"{self._run.get('model') or 'run'} {self._run['id']}", state]
        if self._epochs and "epoch" in self._epochs[-1]:
            planned = f" of {self._run['epochs']}" if "epochs" in self._run else ""
            parts.append(f"epoch {self._epochs[-1]['epoch']}{planned}")
        headline = Text(printable("  ".join(parts)), "bold")
        if (best := self._best()) is not None:
            told = f"Best {best['name']}: {shown(best['value'])}, after epoch {best['epoch']}"
            headline.append("\n").append(printable(told), "not bold")
        return headline

    def _best(self) -> Event | None:
        if "lower_is_better" not in self._run or not self.knows_metric:
            return None
        finite = [event for event in self._epochs if event["value"] is not None]
        choose = min if self._run["lower_is_better"] else max
        return choose(finite, key=lambda event: float(event["value"]), default=None)

    def _curves(self, width: int) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, max_width=22)
        table.add_column(no_wrap=True, width=width)
        table.add_column(no_wrap=True, justify="right")
        name = self._epochs[-1]["name"]
        for curve in CURVES:
            values = [event.get(curve.field) for event in self._epochs if event["name"] == name]
            if any(value is not None for value in values):
                title = printable(curve.title.format(name))
                drawn = "\n".join(bars(values, width, curve.rows))
                table.add_row(title, Text(drawn, curve.style), shown(values[-1]))
        if marks := self._marks(width):
            table.add_row("changes", Text(marks, "bold yellow"), "")
        return table

    def _marks(self, width: int) -> str:
        """Return a line with a mark where each change took effect."""
        line = [" "] * width
        columns = min(width, len(self._epochs))
        for event in self._changes:
            if event["state"] == "applied":
                place = sum(one.get("epoch", 0) <= event["epoch"] for one in self._epochs)
                column = min(place * columns // len(self._epochs), width - 1)
                for offset, character in enumerate(f"{MARK}{event['number']}"):
                    if column + offset < width:
                        line[column + offset] = character
        return "".join(line).rstrip()


def bars(values: Sequence[float | None], width: int, rows: int = 1) -> list[str]:
    """Return values as columns of blocks, `rows` lines from top to bottom; many values share a column."""
    columns = list(_columns(values, width))
    finite = [value for value in columns if value is not None]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    steps = (len(BLOCKS) - 1) * rows
    heights = [
        None if value is None else 1 + round((value - low) / (high - low or 1) * (steps - 1))
        for value in columns
    ]
    return ["".join(_block(height, row) for height in heights) for row in reversed(range(rows))]


def _columns(values: Sequence[float | None], width: int) -> Iterator[float | None]:
    count = min(width, len(values))
    for column in range(count):
        shared = values[column * len(values) // count : (column + 1) * len(values) // count]
        finite = [value for value in shared if value is not None]
        yield sum(finite) / len(finite) if finite else None


def _block(height: int | None, row: int) -> str:
    """Return what a column shows in a row, counted from the lowest."""
    if height is None:
        return LOST if row == 0 else " "
    full = len(BLOCKS) - 1
    return BLOCKS[max(0, min(height - row * full, full))]


def sentence(event: Event) -> str:
    """Return an event in words, on one line."""
    kind, at = event["type"], event["at"][11:19]
    match kind:
        case "metric":
            told = _measured(event)
        case "hyperparameters":
            told = _changed(event)
        case "step":
            took = f" after {event['seconds']:.1f} s" if "seconds" in event else ""
            told = f"step {event['step']} {event.get('state', '')}{took}"
        case "status":
            state = event.get("state") or event["status"]
            why = event.get("message") or event.get("error") or event.get("reason")
            told = f"{state}: {why}" if why else state
        case _:
            told = str(event.get("message", kind))
    return printable(f"{at}  {told}")


def _measured(event: Event) -> str:
    if "epoch" not in event:
        return f"{event['name']} {shown(event['value'])}"
    training, validation = shown(event.get("training_loss")), shown(event.get("validation_loss"))
    return (
        f"epoch {event['epoch']}: {event['name']} {shown(event['value'])}, "
        f"loss {training} training, {validation} validation, "
        f"learning rate {shown(event.get('learning_rate'))}"
    )


def _changed(event: Event) -> str:
    moves = ", ".join(
        f"{name} {shown(moved['from'])} → {shown(moved['to'])}"
        if "from" in moved
        else f"{name} → {shown(moved['to'])}"
        for name, moved in event["changes"].items()
    )
    if event["state"] == "applied":
        return f"{MARK}{event['number']} {event['subject']}: {moves}, after epoch {event['epoch']}"
    return f"{event['subject']}: {moves} was refused. {event.get('message', '')}".rstrip()


def shown(value: object) -> str:
    """Return a value as people read it; null is what is off, or not finite."""
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def printable(text: str) -> str:
    """Return text without what would steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)

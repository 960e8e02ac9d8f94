"""The figures as a table for the terminal and as `docs/benchmarks.md`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from compose_stack.benchmarks.memory import Share
from compose_stack.benchmarks.single_row import CONNECTIONS, Target
from compose_stack.training import Step

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Figure:
    """One figure that has a target."""

    what: str
    measured: str
    target: str
    met: bool


@dataclass
class Report:
    """Everything one run of the benchmarks measured."""

    machine: str
    figures: list[Figure] = field(default_factory=list)
    targets: Sequence[Target] = ()
    steps: Sequence[Step] = ()
    memory: Sequence[Share] = ()
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        what: str,
        measured: float,
        unit: str,
        bound: float,
        *,
        at_least: bool = False,
        interval: tuple[float, float] | None = None,
    ) -> None:
        """Add a figure that must not exceed `bound`, or must reach it; an `interval` is one of 95 %."""
        met = measured >= bound if at_least else measured <= bound
        sign = "≥" if at_least else "≤"
        between = f" ({_number(interval[0])} to {_number(interval[1])})" if interval else ""
        figure = Figure(what, f"{_number(measured)} {unit}{between}", f"{sign} {_number(bound)} {unit}", met)
        self.figures.append(figure)

    def show(self, console: Console) -> None:
        """Print the tables."""
        for title, heading, rows in self._tables():
            table = Table(*heading, title=title, title_justify="left")
            for row in rows:
                table.add_row(*row)
            console.print(table)

    def markdown(self) -> str:
        """Return the page."""
        lines = [
            "# Benchmarks",
            "",
            "Written by `make bench`; nothing here is edited manually.",
            "",
            f"- When: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"- Where: {self.machine}",
            *(f"- {note}" for note in self.notes),
        ]
        for title, heading, rows in self._tables():
            lines += ["", f"## {title}", "", _line(heading), _line("---" for _ in heading)]
            lines += [_line(row) for row in rows]
        return "\n".join(lines) + "\n"

    def _tables(self) -> list[tuple[str, tuple[str, ...], Rows]]:
        """Return those of which something was measured."""
        return [table for table in self._every_table() if table[-1]]

    def _every_table(self) -> list[tuple[str, tuple[str, ...], Rows]]:
        figures: Rows = [(f.what, f.measured, f.target, "yes" if f.met else "**no**") for f in self.figures]
        load: Rows = [_load_row(target, count) for count in CONNECTIONS for target in self.targets]
        open_loop: Rows = [
            (target.name, f"{r.per_second:.0f}", *_milliseconds(r.p50, r.p90, r.p99, r.slowest))
            for target in self.targets
            for r in target.open_loop
        ]
        steps: Rows = [(step.name, f"{step.seconds:.1f}") for step in self.steps]
        memory: Rows = [(share.process, f"{share.mib:.0f}") for share in self.memory]
        if memory:
            memory.append(("total", f"{sum(share.mib for share in self.memory):.0f}"))
        load_heading = ("connections", "server", "requests/s", "p50 ms", "p90 ms", "p99 ms")
        return [
            ("Targets", ("figure", "measured", "target", "met"), figures),
            ("Single-row predictions, closed loop", load_heading, load),
            (
                "Single-row predictions, open loop at half of that rate, 32 connections",
                ("server", "requests/s", "p50 ms", "p90 ms", "p99 ms", "slowest ms"),
                open_loop,
            ),
            ("The run from the triggering feedback to the new version", ("step", "seconds"), steps),
            ("Memory after one retrain (PSS)", ("process", "MiB"), memory),
        ]


def _load_row(target: Target, connections: int) -> tuple[str, ...]:
    values = [target.median(connections, name) for name in ("p50", "p90", "p99")]
    rate = target.median(connections, "per_second")
    return (str(connections), target.name, f"{rate:.0f}", *_milliseconds(*values))


def _milliseconds(*values: float) -> list[str]:
    return [f"{value:.2f}" for value in values]


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.2f}"  # noqa: PLR2004  # readable


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"

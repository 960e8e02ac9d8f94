"""Watch a run in a terminal: curves that move, what is in force, and each change as it happens.

    watch.py RUN                  the run with this id
    watch.py --model MODEL        the newest live run of a model

It shows the run from its first event on, whenever it is started, and goes on where it was when the
connection is lost. Where its output is no terminal, it writes a line for each event.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live

from run_board import Board, printable, sentence
from run_feed import Event, Feed, RefusedError, Trouble

OK, TROUBLE, FAILED, INTERRUPTED = 0, 1, 3, 130
REDRAW_S = 0.1
NO_LIVE_RUN = 409


class Screen(Protocol):
    """Where a run is shown."""

    board: Board

    def show(self, event: Event) -> None:
        """Show an event."""

    def away(self, why: str | None) -> None:
        """Show that there is no connection, and why; None: there is one."""


class Drawing:
    """The run as a picture that is drawn again as events come."""

    def __init__(self, board: Board, live: Live) -> None:
        """Draw on a terminal."""
        self.board, self._live = board, live
        self._waiting: asyncio.TimerHandle | None = None

    def show(self, event: Event) -> None:
        """Show an event at the next moment for it."""
        self.board.add(event)
        self._draw_soon()

    def away(self, why: str | None) -> None:
        """Show that there is no connection."""
        self.board.away = why
        self._draw_soon()

    def _draw_soon(self) -> None:
        """Draw a few times a second, however many events come."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(REDRAW_S, self._draw)

    def _draw(self) -> None:
        self._waiting = None
        self._live.refresh()


class Lines:
    """The run as a line for each event."""

    def __init__(self, board: Board) -> None:
        """Write to the standard output."""
        self.board = board

    def show(self, event: Event) -> None:
        """Write a line."""
        self.board.add(event)
        print(sentence(event), flush=True)

    def away(self, why: str | None) -> None:
        """Say that there is no connection."""
        if why is not None and self.board.away is None:
            _progress(f"Connection lost: {printable(why)} Trying again.")
        self.board.away = why


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def follow(feed: Feed, run: str, screen: Screen) -> None:
    """Show a run until it has ended."""
    async for event in feed.events(run, screen.away):
        if event["type"] == "metric" and not screen.board.knows_metric:
            with contextlib.suppress(Trouble):  # the next epoch asks again
                screen.board.know(await asyncio.to_thread(_known, feed, run))
        screen.show(event)


def watch(feed: Feed, run: str, console: Console, *, lines: bool) -> int:
    """Show a run until it has ended; return how the program ends. Raises Trouble."""
    board = Board(_known(feed, run))
    if lines or not console.is_terminal:
        asyncio.run(follow(feed, run, Lines(board)))
    else:
        with Live(board, console=console, auto_refresh=False, vertical_overflow="visible") as live:
            asyncio.run(follow(feed, run, Drawing(board, live)))
            live.refresh()
    return OK if board.status == "succeeded" else FAILED


def _known(feed: Feed, run: str) -> Mapping[str, Any]:
    """Return what the platform knows of a run, live or not."""
    try:
        found: Mapping[str, Any] = feed.get("v1", "runs", run, "live")
    except RefusedError as refused:
        if refused.status != NO_LIVE_RUN:
            raise
        found = feed.get("v1", "runs", run)
    return found


def _newest(feed: Feed, model: str | None) -> str:
    if not model:
        raise Trouble("Say which run: its id, or the model whose newest live run it is, with --model.")
    runs = feed.get("v1", "runs", model=model, kind="live", limit="1")
    if not runs:
        raise Trouble(f"There is no live run of {model!r} yet: start one on the page Live.")
    return str(runs[0]["id"])


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Watch a run in a terminal: its curves, what is in force, and each change as it happens.",
        epilog="Each option can be given as an environment variable instead; the key only so: API_KEY, of an "
        "engineer. It ends with 0 when the run succeeded, with 3 when it ended otherwise, and with 1 if "
        "something went wrong.",
    )

    def option(name: str, variable: str, default: str | None, meaning: str) -> None:
        parser.add_argument(
            name,
            default=environment.get(variable) or default,
            help=f"{meaning} [{variable}{f', {default}' if default else ''}]",
        )

    parser.add_argument("run", nargs="?", help="the id of a run; without it, the newest live run of --model")
    option("--model", "MODEL", None, "the model whose newest live run is watched")
    option("--api", "API_URL", "http://localhost:8000", "the platform's API")
    option("--ca-file", "API_CA_FILE", None, "certificates to check the API's against")
    option("--patience", "PATIENCE", "60", "how many seconds it may be without a connection")
    parser.add_argument("--lines", action="store_true", help="write a line for each event, and draw nothing")
    return parser


def main(
    words: Sequence[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    console: Console | None = None,
) -> int:
    """Read the command line, and do what it says."""
    arguments = _parser(environment).parse_args(words)
    try:
        feed = _feed(arguments, environment.get("API_KEY"))
        run = arguments.run or _newest(feed, arguments.model)
        return watch(feed, run, console or Console(), lines=arguments.lines)
    except Trouble as trouble:
        _progress(printable(str(trouble)))
        return TROUBLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _feed(arguments: argparse.Namespace, key: str | None) -> Feed:
    if not key:
        raise Trouble("API_KEY is not set: make a key of an engineer on the page Users and keys.")
    ca_file = Path(arguments.ca_file) if arguments.ca_file else None
    return Feed(arguments.api, key, ca_file, _seconds(arguments.patience))


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Trouble(f"--patience is a number of seconds, not {text!r}.") from error


if __name__ == "__main__":
    sys.exit(main())

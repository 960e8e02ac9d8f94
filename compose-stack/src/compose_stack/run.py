"""`make run`: the whole platform on this machine, from one terminal."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.status import Status

from compose_stack.broker import find_broker
from compose_stack.credentials import Credentials, file_name
from compose_stack.lock import make_private, only_instance
from compose_stack.services import default_set, folders
from compose_stack.settings import MLFLOW_USER, CannotStart, Settings
from compose_stack.supervisor import Supervisor

READY = "Loopkeeper is ready"
"""How the line begins that says so; scripts wait for it."""


class Terminal:
    """Show progress during the start, then where everything is, then nothing but problems."""

    def __init__(self, settings: Settings, console: Console, *, mqtt: bool = False) -> None:
        """Print to `console`; `mqtt`: there is a broker."""
        self._mqtt = mqtt
        self._settings = settings
        self._console = console
        self._first_start = not settings.password_file.exists()
        self._status = Status("starting", console=console) if console.is_terminal else None
        self._last_progress = ""

    def showing(self) -> AbstractContextManager[object]:
        """Show the status line while the block runs, if there is a terminal."""
        return self._status or nullcontext()

    def report(self, sentence: str) -> None:
        """Print a sentence."""
        self._print(sentence)

    def progress(self, words: str) -> None:
        """Show what the start is waiting for: in place on a terminal, otherwise a line for each change."""
        if self._status:
            self._status.update(words)
        elif words != self._last_progress:
            self._print(words)
        self._last_progress = words

    def ready(self, seconds: float) -> None:
        """Print where everything is, and the password if this start generated one."""
        settings = self._settings
        kept = settings.secrets_dir / file_name("mlflow_password")
        if self._status:
            self._status.stop()  # a spinner that runs all day distracts and costs CPU time
        self._print(f"{READY} after {seconds:.1f} s.")
        self._print(f"  Pages      {settings.ui_url}")
        self._print(f"  API        {settings.gateway_url}/docs")
        if self._mqtt:
            port = settings.mqtt_websocket_port
            self._print(f"  MQTT       {settings.mqtt_url}  (WebSocket: port {port})")
        self._print(f"  MLflow     {settings.mlflow_url}  (user {MLFLOW_USER}, password kept in {kept})")
        self._print(f"  Sign in    user admin, password {self._password()}")
        self._print(f"  Logs       {settings.log_dir}")
        self._print("Ctrl-C stops everything and loses nothing.")

    def _password(self) -> str:
        settings = self._settings
        if not settings.password_file.exists():
            return "as set by ADMIN_PASSWORD at the first start"
        if self._first_start:
            return f"{settings.password_file.read_text().strip()}  (kept in {settings.password_file})"
        return f"kept in {settings.password_file}"

    def _print(self, line: str) -> None:
        # Nothing here is markup, and URLs and paths must not be wrapped, so that they can be copied.
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def main() -> int:
    """Run the platform until Ctrl-C; print why and return 1 if it cannot start."""
    console = Console()
    try:
        settings = Settings.from_environment(os.environ)
        with only_instance(settings):
            settings.check_ports()
            asyncio.run(_run(settings, console))
    except CannotStart as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


async def _run(settings: Settings, console: Console) -> None:
    for folder in folders(settings):
        folder.mkdir(parents=True, exist_ok=True)
    broker, why_none = find_broker(settings, os.environ)
    if broker is not None:
        broker.prepare(settings)
    credentials = Credentials.load_or_make(settings.secrets_dir)
    services = default_set(settings, credentials, os.environ, broker)
    terminal = Terminal(settings, console, mqtt=broker is not None)
    report: Callable[[str], None] = terminal.report
    if changed := make_private(settings.state_dir):
        report(changed)
    if why_none is not None:
        report(why_none)
    with terminal.showing():
        await Supervisor(settings, services, report).run(
            on_progress=terminal.progress, on_ready=terminal.ready
        )
    terminal.report("Stopped.")


if __name__ == "__main__":
    sys.exit(main())

"""Start the whole platform on one machine, keep it running, and stop it in order."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence

import httpx

from compose_stack.logs import ProcessLog
from compose_stack.processes import Process
from compose_stack.readiness import FirstTraining, Readiness
from compose_stack.services import Service
from compose_stack.settings import CannotStart, Settings

MOST_DEATHS = 4
"""How often one process may die before everything has been ready once; then the start is given up."""
PROGRESS_S = 0.5
HTTP_TIMEOUT_S = 5.0


class Supervisor:
    """Run the processes of one instance until told to stop."""

    def __init__(
        self, settings: Settings, services: Sequence[Service], report: Callable[[str], None]
    ) -> None:
        """Prepare `services`, to be stopped in the order given; `report` gets sentences for people."""
        self._settings = settings
        self._report = report
        self.processes = [
            Process(service, ProcessLog(settings.log_dir / f"{service.name}.log"), report)
            for service in services
        ]
        self._asked_to_stop = asyncio.Event()

    async def run(self, *, on_progress: Callable[[str], None], on_ready: Callable[[float], None]) -> None:
        """Start everything, call `on_ready` with the seconds it took, and keep it running until a signal.

        Raise CannotStart, after stopping everything, if a process keeps dying before all are ready.
        """
        self._listen_for_signals()
        started = time.monotonic()
        keeping = [asyncio.create_task(process.keep_running()) for process in self.processes]
        stop = asyncio.create_task(self._asked_to_stop.wait())
        ready = asyncio.create_task(self._become_ready(on_progress))
        try:
            # The task of a program that cannot be executed ends with the reason.
            await asyncio.wait({stop, ready, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                ready.result()
                on_ready(time.monotonic() - started)
                await asyncio.wait({stop, *keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            stop.cancel()
            await self._stop_in_order()
            await asyncio.gather(ready, stop, return_exceptions=True)
            endings = await asyncio.gather(*keeping, return_exceptions=True)
        for process, ending in zip(self.processes, endings, strict=True):
            if isinstance(ending, Exception):
                raise CannotStart(f"{process.service.name} cannot be started: {ending}") from ending

    async def _become_ready(self, on_progress: Callable[[str], None]) -> None:
        async with httpx.AsyncClient(timeout=HTTP_TIMEOUT_S, trust_env=False) as client:
            readiness = Readiness(client, [process.service for process in self.processes])
            training = FirstTraining(client, self._settings.gateway_url, self._admin_password)
            waiting = asyncio.create_task(readiness.wait())
            try:
                while not waiting.done():
                    self._give_up_if_one_keeps_dying()
                    on_progress(await self._progress(readiness, training))
                    await asyncio.wait({waiting}, timeout=PROGRESS_S)
                waiting.result()
            finally:
                waiting.cancel()
                await training.close()

    async def _progress(self, readiness: Readiness, training: FirstTraining) -> str:
        waiting = readiness.waiting
        if "mlflow" not in waiting and "pipeline-api" in waiting:
            described = await training.describe()
            if described:
                return described
        reasons = [f"{name} ({readiness.reasons[name]})" for name in waiting if readiness.reasons.get(name)]
        return "starting " + ", ".join(reasons or waiting)

    def _give_up_if_one_keeps_dying(self) -> None:
        for process in self.processes:
            if process.deaths >= MOST_DEATHS:
                last = "\n".join(f"  {process.service.name} | {line}" for line in process.log.last_lines())
                raise CannotStart(
                    f"{process.service.name} died {process.deaths} times. Its last output:\n{last}\n"
                    f"Full log: {process.log.path}"
                )

    def _admin_password(self) -> str | None:
        if self._settings.admin_password:
            return self._settings.admin_password
        with contextlib.suppress(OSError):
            return self._settings.password_file.read_text().strip() or None
        return None

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._asked_to_stop.is_set():
            self._report("Stopping immediately.")
            for process in self.processes:
                process.kill()
        self._asked_to_stop.set()

    async def _stop_in_order(self) -> None:
        for process in self.processes:
            await process.stop()
            process.log.close()

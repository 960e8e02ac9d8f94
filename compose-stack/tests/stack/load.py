"""People who ask one thing after the other, and remember every answer that was none."""

import threading
import time
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx

from compose_stack.client import Client, Refused
from compose_stack.stack.layout import Stage
from compose_stack.traffic import MODEL, Labelled
from stack.conftest import Stack

PAUSE_S = 0.02


class Load:
    """Predictions through the edge, each with a key as a program sends that may have to repeat it."""

    def __init__(self, stack: Stack, stage: Stage, rows: list[Labelled], people: int = 4) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._clients = [stack.sign_in(stage) for _ in range(people)]
        self._rows = rows
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(client,)) for client in self._clients]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()

    def wait_for(self, more: int, patience_s: float = 120) -> None:
        """Return when so many more were answered."""
        goal, deadline = self.answered + more, time.monotonic() + patience_s
        while self.answered < goal:
            assert time.monotonic() < deadline, f"{self.answered} answers, not {goal}: {self.failed[:3]}"
            time.sleep(PAUSE_S)

    def _ask(self, client: Client) -> None:
        place = 0
        while not self._over.wait(PAUSE_S):
            place += 1
            row = self._rows[place % len(self._rows)]
            try:
                client.predict(MODEL, [row.inputs], key=uuid4().hex)
            except (Refused, httpx.HTTPError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
            else:
                self.answered += 1

"""Clients that predict and give feedback while processes die, and record what was acknowledged."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from compose_stack.client import Client, Refused
from compose_stack.traffic import MODEL, Labelled

MOST_ROWS = 5
PAUSE_S = 0.02
PAGE = 1000
TEMPORARY = (502, 503, 504)
"""Statuses that a client may get while a process is down; any other error is a fault."""


@dataclass
class Acknowledged:
    """What the platform has promised to keep."""

    predictions: dict[str, Any] = field(default_factory=dict)
    """Inputs by id."""
    feedback: dict[str, bool] = field(default_factory=dict)
    """Whether a prediction was right, by its id."""
    turned_away: int = 0
    faults: list[str] = field(default_factory=list)


class RecordingClients:
    """Run several such clients in threads until the block ends."""

    def __init__(self, url: str, authorization: str, rows: Sequence[Labelled], count: int = 4) -> None:
        """Prepare `count` clients of the gateway."""
        self.acknowledged = Acknowledged()
        self._rows = rows
        self._stop = threading.Event()
        self._lock = threading.Lock()
        token = authorization.removeprefix("Bearer ")
        self._threads = [
            threading.Thread(target=self._run, args=(Client(url, token), random.Random(seed)))  # noqa: S311
            for seed in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: Client, draw: random.Random) -> None:
        with client:
            while not self._stop.is_set():
                try:
                    self._predict_and_give_feedback(client, draw)
                except Refused as refused:
                    self._turned_away(str(refused) if refused.status not in TEMPORARY else None)
                except httpx.TransportError:
                    self._turned_away(None)
                time.sleep(PAUSE_S)

    def _predict_and_give_feedback(self, client: Client, draw: random.Random) -> None:
        some = draw.sample(self._rows, draw.randint(1, MOST_ROWS))
        answers = client.predict(MODEL, [row.inputs for row in some])["predictions"]
        with self._lock:
            for row, answer in zip(some, answers, strict=True):
                self.acknowledged.predictions[answer["id"]] = row.inputs
        row, answer = some[0], answers[0]
        correct = answer["label"] == row.truth
        client.give_feedback(answer["id"], correct=correct, label=row.truth)
        with self._lock:
            self.acknowledged.feedback[answer["id"]] = correct

    def _turned_away(self, fault: str | None) -> None:
        with self._lock:
            self.acknowledged.turned_away += 1
            if fault is not None:
                self.acknowledged.faults.append(fault)


def assert_kept(client: Client, acknowledged: Acknowledged) -> None:
    """Assert that all acknowledged predictions and feedback can be read back as they were given."""
    kept = {entry["id"]: entry for page in _pages(client, min(acknowledged.predictions)) for entry in page}
    assert set(acknowledged.predictions) <= set(kept)
    assert {name: kept[name]["inputs"] for name in acknowledged.predictions} == acknowledged.predictions
    feedback = {
        name: [entry["correct"] for entry in kept[name]["feedback"]] for name in acknowledged.feedback
    }
    assert feedback == {name: [correct] for name, correct in acknowledged.feedback.items()}


def _pages(client: Client, oldest: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the recorded predictions, newest first, back to `oldest`; ids sort by time."""
    before: dict[str, str] = {}
    while True:
        query = {"limit": PAGE, **before}
        page = client.call("GET", f"/v1/models/{MODEL}/predictions", params=query)
        yield page
        if len(page) < PAGE or page[-1]["id"] <= oldest:
            return
        before = {"before": page[-1]["id"]}

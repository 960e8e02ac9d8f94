"""Many rows in one request, each recorded before the answer."""

import statistics
import time
from collections.abc import Sequence

from compose_stack.client import Client
from compose_stack.traffic import MODEL, Labelled

ROWS = 1000
WARMUPS = 3
REQUESTS = 20


def rows_per_second(client: Client, rows: Sequence[Labelled]) -> tuple[float, int]:
    """Return the median of recorded rows per second, and how many rows were answered in total."""
    inputs = [row.inputs for row in rows[:ROWS]]
    seconds: list[float] = []
    answered = 0
    for _ in range(WARMUPS + REQUESTS):
        started = time.perf_counter()
        answer = client.predict(MODEL, inputs)
        seconds.append(time.perf_counter() - started)
        answered += len(answer["predictions"])
    return ROWS / statistics.median(seconds[WARMUPS:]), answered

"""From what an engine answers to what people and the database get: labels, JSON, rows."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_processor.predictions.records import Ids, Key
from data_processor.service.errors import Conflict
from data_processor.serving.loading import LoadedModel
from data_processor.serving.validation import Checked


@dataclass(slots=True, eq=False)
class Question:
    """One valid request on its way to an answer."""

    served: LoadedModel
    checked: Checked
    pinned: bool
    subject: str
    trace_id: str
    key: Key | None
    received: float
    """By `time.perf_counter`."""


class Writer:
    """Writes down predictions; used by one thread."""

    def __init__(self) -> None:
        """Start a new series of ids."""
        self._ids = Ids()

    def write(
        self, question: Question, outputs: NDArray[np.float32], start: int = 0
    ) -> tuple[list[bytes], list[tuple[Any, ...]]]:
        """Return the JSON of each prediction and its row, for a part of a question's rows from `start` on.

        `outputs` is the engine's answer to that part: (rows, classes), or (rows, 1) for regression.
        """
        served, (rows, _, flags, _) = question.served, question.checked
        described = served.task.answers(outputs, served.classes)
        ask_rate = served.policy.ask_rate
        at_us = time.time_ns() // 1000
        latency_ms = round((time.perf_counter() - question.received) * 1000, 3)
        encode = msgspec.json.encode
        items: list[bytes] = []
        recorded: list[tuple[Any, ...]] = []
        for place, (prediction, output) in enumerate(
            zip(self._ids.take(len(described)), described, strict=True), start
        ):
            odd = encode(flags[place]) if flags[place] else b"[]"
            asked = ask_rate > 0 and random.random() < ask_rate  # noqa: S311  # a sample and no secret
            items.append(
                b'{"id":"%b",%b,"flags":%b,"ask":%b}'
                % (prediction.encode(), output[1:-1], odd, b"true" if asked else b"false")
            )
            recorded.append(
                (
                    prediction,
                    served.model,
                    served.version,
                    served.stage,
                    question.pinned,
                    asked,
                    question.subject,
                    at_us,
                    str(rows[place], "utf-8"),
                    output.decode(),
                    odd.decode(),
                    latency_ms,
                    question.trace_id,
                )
            )
        return items, recorded


def response(served: LoadedModel, items: Sequence[bytes]) -> bytes:
    """Return the body of the answer that holds these predictions."""
    return served.head + b",".join(items) + b"]}"


def used_otherwise(key: Key | None) -> Conflict:
    """Return what to say to a caller whose key was used before for another request."""
    return Conflict(
        f"The Idempotency-Key {key.key if key else ''!r} was used before for another request; take a new one."
    )

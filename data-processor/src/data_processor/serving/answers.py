"""Turns the output of an engine into what callers and the database get: labels, JSON, rows."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from data_processor.features.packing import Numbers
from data_processor.predictions.records import Ids, Key
from data_processor.service.errors import Conflict
from data_processor.serving.loading import LoadedModel
from data_processor.serving.validation import Checked


@dataclass(slots=True, eq=False)
class PredictionRequest:
    """One valid request for predictions, and the version that is to answer it."""

    loaded: LoadedModel
    checked: Checked
    pinned: bool
    subject: str
    trace_id: str
    key: Key | None
    received: float
    """When it arrived, by `time.perf_counter`."""


class Writer:
    """Formats predictions as JSON and as rows; used by one thread only."""

    def __init__(self) -> None:
        """Start a new series of ids."""
        self._ids = Ids()

    def write(
        self, request: PredictionRequest, outputs: Numbers, start: int = 0
    ) -> tuple[list[bytes], list[tuple[Any, ...]]]:
        """Return the JSON of each prediction and its database row, for the inputs from number `start` on.

        `outputs` is what the engine answered to them, a row each.
        """
        loaded, (rows, _, flags, _) = request.loaded, request.checked
        described = loaded.describe(outputs)
        ask_rate = loaded.policy.ask_rate
        at_us = time.time_ns() // 1000
        latency_ms = round((time.perf_counter() - request.received) * 1000, 3)
        encode = msgspec.json.encode
        items: list[bytes] = []
        recorded: list[tuple[Any, ...]] = []
        for place, (prediction, output) in enumerate(
            zip(self._ids.take(len(described)), described, strict=True), start
        ):
            odd = encode(flags[place]) if flags[place] else b"[]"
            asked = ask_rate > 0 and random.random() < ask_rate  # noqa: S311  # a sample, not a secret
            items.append(
                b'{"id":"%b",%b,"flags":%b,"ask":%b}'
                % (prediction.encode(), output[1:-1], odd, b"true" if asked else b"false")
            )
            recorded.append(
                (
                    prediction,
                    loaded.model,
                    loaded.version,
                    loaded.stage,
                    request.pinned,
                    asked,
                    request.subject,
                    at_us,
                    str(rows[place], "utf-8"),
                    output.decode(),
                    odd.decode(),
                    latency_ms,
                    request.trace_id,
                )
            )
        return items, recorded


def response(loaded: LoadedModel, items: Sequence[bytes]) -> bytes:
    """Return the body of the response that carries these predictions."""
    return loaded.head + b",".join(items) + b"]}"


def key_reused(key: Key | None) -> Conflict:
    """Return what to tell a caller who sent an `Idempotency-Key` with a different request before."""
    name = key.key if key else ""
    return Conflict(f"The Idempotency-Key {name!r} was already used for a different request; send a new one.")

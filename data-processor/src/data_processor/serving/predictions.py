"""Predictions, from the body of a request to the body of its response."""

import asyncio
import hashlib
import time

from data_processor.caller import Caller
from data_processor.predictions.records import Key, PredictionStore
from data_processor.service.errors import Invalid, Problem
from data_processor.serving.answers import PredictionRequest, key_reused
from data_processor.serving.batching import Batcher
from data_processor.serving.loading import LoadedModel
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.model_manager import ModelManager
from data_processor.serving.recognition import PictureValidator
from data_processor.serving.validation import Checked, asked_version

LARGE_BODY = 64 * 1024
"""Bytes from which a body is validated in a thread, so that nobody else waits for it."""
LONGEST_KEY = 255


class Predictor:
    """Answers requests for predictions, in full: idempotency, validation, inference, recording."""

    def __init__(
        self, manager: ModelManager, batcher: Batcher, predictions: PredictionStore, metrics: ModelMetrics
    ) -> None:
        """Answer with the versions in the model manager."""
        self._metrics = metrics
        self._manager = manager
        self._batcher = batcher
        self._predictions = predictions

    async def predict(
        self, model: str, body: bytes, caller: Caller, trace_id: str, idempotency_key: str | None = None
    ) -> bytes:
        """Return the JSON of the response once its predictions are on disk.

        Raises `NotFound` for an unknown model or version, `BadRequest` and `Invalid` for what is wrong with
        the body, `Conflict` for a key used for another request, `NotReady` while nothing can be served or
        recorded.
        """
        received = time.perf_counter()
        key = None
        if idempotency_key is not None:
            key = _key(caller, idempotency_key, model, body)
            earlier = await asyncio.to_thread(self._predictions.earlier, key)
            if earlier is not None:
                response, same = earlier
                if not same:
                    raise key_reused(key)
                return response
        loaded, checked, pinned = await self._read(model, body)
        return await self._batcher.submit(
            PredictionRequest(loaded, checked, pinned, caller.subject, trace_id, key, received)
        )

    async def _read(self, model: str, body: bytes) -> tuple[LoadedModel, Checked, bool]:
        """Return the version that answers, the checked request, and whether the caller chose the version."""
        loaded = self._manager.find(model)
        large = len(body) >= LARGE_BODY
        version = None
        if loaded is None or b'"version"' in body or b"\\u" in body:
            version = asked_version(body) if not large else await asyncio.to_thread(asked_version, body)
        if version is not None and (loaded is None or version != loaded.version):
            loading = await asyncio.to_thread(self._manager.load_beside, model, version)
            # Shielded: others may wait for the same loading after this caller has hung up.
            loaded = await asyncio.shield(asyncio.wrap_future(loading))
        if loaded is None:
            raise await asyncio.to_thread(self._manager.unavailable, model)
        validator = loaded.validator
        try:
            if isinstance(validator, PictureValidator):
                checked = await validator.check(body)
            else:
                checked = await asyncio.to_thread(validator.check, body) if large else validator.check(body)
        except Problem:
            self._metrics.refused(loaded.model, "invalid")
            raise
        return loaded, checked, checked.version is not None


def _key(caller: Caller, key: str, model: str, body: bytes) -> Key:
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid(
            "The Idempotency-Key is not valid.",
            errors=[
                {
                    "loc": ["header", "Idempotency-Key"],
                    "message": f"must have 1 to {LONGEST_KEY} printable characters",
                }
            ],
        )
    return Key(caller.subject, key, hashlib.sha256(model.encode() + b"\0" + body).digest())

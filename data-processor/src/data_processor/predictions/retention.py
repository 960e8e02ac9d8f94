"""Deletes what is no longer needed: old idempotency keys and, if the settings say so, old predictions."""

import threading
import time
from collections.abc import Sequence

import structlog
from sqlalchemy import select

from data_processor.database import Database
from data_processor.predictions.records import PredictionStore
from data_processor.rows import FeedbackRow
from data_processor.settings import Settings

log = structlog.get_logger(__name__)

INTERVAL_S = 60
HOUR_US = 3_600_000_000


class Retention:
    """Deletes in the background, a little at a time, so that nobody has to wait for it."""

    def __init__(self, settings: Settings, database: Database, predictions: PredictionStore) -> None:
        """Keep predictions and keys for as long as the settings say."""
        self._keys_us = int(settings.idempotency_keep_h * HOUR_US)
        days = settings.predictions_keep_days
        self._predictions_us = None if days is None else int(days * 24 * HOUR_US)
        self._database = database
        self._predictions = predictions
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Start deleting."""
        self._thread.start()

    def close(self) -> None:
        """Stop deleting."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def clean(self) -> None:
        """Delete everything that is too old by now; predictions with feedback are kept forever."""
        now_us = time.time_ns() // 1000
        while self._predictions.expire_keys(now_us - self._keys_us) and not self._closed.is_set():
            pass
        if self._predictions_us is None:
            return
        seen = ""
        while not self._closed.is_set():
            old = self._predictions.older_than(now_us - self._predictions_us, after=seen)
            if not old:
                return
            seen = old[-1]
            kept = self._with_feedback(old)
            self._predictions.delete([prediction for prediction in old if prediction not in kept])

    def _with_feedback(self, ids: Sequence[str]) -> set[str]:
        query = select(FeedbackRow.prediction).where(FeedbackRow.prediction.in_(ids))
        with self._database.reading() as session:
            return set(session.scalars(query))

    def _run(self) -> None:
        while not self._closed.wait(INTERVAL_S):
            try:
                self.clean()
            except Exception:  # nothing depends on it, and the next round tries again
                log.warning("retention_failed", exc_info=True)

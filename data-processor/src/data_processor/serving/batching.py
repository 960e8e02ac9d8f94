"""Batches concurrent requests: one inference and one transaction for all that are waiting.

A single thread does it. It never waits for a batch to fill: whatever arrived while the last batch was being
written is the next one. A large request is answered in chunks, and the small ones get their turn in between.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from data_processor.features.packing import Numbers
from data_processor.predictions.recorder import PredictionResult, Recorder, RecorderUnavailableError
from data_processor.service.errors import NotReady, Problem
from data_processor.serving.answers import PredictionRequest, Writer, key_reused, response
from data_processor.serving.loading import LoadedModel
from data_processor.serving.metrics import ModelMetrics

log = structlog.get_logger(__name__)

CHUNK_ROWS = 256
"""Rows inferred at a time; a larger request is a bulk request and has a transaction of its own."""
BATCH_ROWS = 1024
"""The most rows of small requests that share one transaction."""
OVERLOADED_RETRY_S = "1"

Outcome = bytes | Problem


@dataclass(slots=True, eq=False)
class _Job:
    request: PredictionRequest
    future: asyncio.Future[Outcome]
    settled: bool = False
    outputs: list[Numbers] = field(default_factory=list)
    """What the engine answered, until it is counted."""

    @property
    def rows(self) -> int:
        return len(self.request.checked.rows)


@dataclass(slots=True, eq=False)
class _Bulk:
    job: _Job
    items: list[bytes] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Batcher:
    """Queues requests for the one thread that infers and records."""

    def __init__(self, recorder: Recorder, metrics: ModelMetrics, max_waiting_rows: int) -> None:
        """Start the thread; call this from the event loop that will submit requests."""
        self._recorder = recorder
        self._metrics = metrics
        self._max_waiting_rows = max_waiting_rows
        self._loop = asyncio.get_running_loop()
        self._waiting_rows = 0
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = Writer()
        self._bulk: deque[_Bulk] = deque()
        metrics.waiting.set_function(lambda: self._waiting_rows)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)
        self._thread.start()

    async def submit(self, request: PredictionRequest) -> bytes:
        """Return the body of the response once its predictions are on disk.

        Raises `NotReady` when too many rows are waiting or nothing can be recorded, `Conflict` when the
        request's key was used for another body, and `Problem` when the model fails. Cancelling the wait does
        not stop the work.
        """
        rows = len(request.checked.rows)
        # A request that exceeds the limit on its own is accepted when nothing else is waiting.
        if self._closing or (self._waiting_rows and self._waiting_rows + rows > self._max_waiting_rows):
            self._metrics.refused(request.loaded.model, "overloaded")
            raise NotReady(
                "Too many inputs are already waiting for predictions; try again in a second.",
                headers={"Retry-After": OVERLOADED_RETRY_S},
            )
        self._waiting_rows += rows
        job = _Job(request, self._loop.create_future())
        self._queue.put(job)
        outcome = await job.future
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Answer what is waiting, then stop."""
        self._closing = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        open_ = True
        while open_ or self._bulk:
            jobs, open_ = self._take(open_)
            try:
                self._answer(jobs)
                self._advance()
            except Exception:  # the thread must outlive any error, and those who wait must be told
                log.exception("batch_failed")
                stranded = [*jobs, *(bulk.job for bulk in self._bulk)]
                self._bulk.clear()
                self._deliver([(job, _failure()) for job in stranded])
                del stranded
            # While this waits for more, the last jobs must not keep a version in memory that was let go.
            del jobs

    def _take(self, open_: bool) -> tuple[list[_Job], bool]:
        """Return the small requests that are waiting and set large ones aside; block only when idle."""
        jobs: list[_Job] = []
        rows = 0
        while rows < BATCH_ROWS:
            try:
                job = self._queue.get(block=open_ and not jobs and not self._bulk)
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            if job.rows > CHUNK_ROWS:
                self._bulk.append(_Bulk(job))
            else:
                jobs.append(job)
                rows += job.rows
        return jobs, open_

    def _answer(self, jobs: list[_Job]) -> None:
        """Answer small requests in one transaction."""
        groups: dict[LoadedModel, list[_Job]] = {}
        for job in jobs:
            groups.setdefault(job.request.loaded, []).append(job)
        done: list[tuple[_Job, PredictionResult]] = []
        for loaded, group in groups.items():
            done += self._infer_together(loaded, group)
        if done:
            self._record(done)

    def _infer_together(self, loaded: LoadedModel, jobs: list[_Job]) -> list[tuple[_Job, PredictionResult]]:
        try:
            return self._infer(loaded, jobs)
        except Exception as error:
            if len(jobs) > 1:  # whichever of them caused it, the others get their answers
                return [done for job in jobs for done in self._infer_together(loaded, [job])]
            self._metrics.refused(loaded.model, "failed")
            log.exception("inference_failed", model=loaded.model, version=loaded.version, exc_info=error)
            self._deliver([(jobs[0], _failure())])
            return []

    def _infer(self, loaded: LoadedModel, jobs: list[_Job]) -> list[tuple[_Job, PredictionResult]]:
        packed = [job.request.checked.packed for job in jobs]
        numeric, strings = packed[0]
        if len(packed) > 1:
            numeric = np.concatenate([block.numeric for block in packed])
            strings = np.concatenate([block.strings for block in packed])
        outputs = _predict(loaded, numeric, strings)
        done = []
        start = 0
        for job in jobs:
            mine = outputs[start : start + job.rows]
            items, rows = self._writer.write(job.request, mine)
            job.outputs = [mine]
            start += job.rows
            done.append((job, _result(job, items, rows)))
        return done

    def _advance(self) -> None:
        """Answer the next chunk of the first large request, and record it after its last."""
        if not self._bulk:
            return
        bulk = self._bulk[0]
        request, loaded = bulk.job.request, bulk.job.request.loaded
        start = len(bulk.items)
        part = slice(start, start + CHUNK_ROWS)
        packed = request.checked.packed
        try:
            outputs = _predict(loaded, packed.numeric[part], packed.strings[part])
            items, rows = self._writer.write(request, outputs, start)
        except Exception as error:
            self._bulk.popleft()
            self._metrics.refused(loaded.model, "failed")
            log.exception("inference_failed", model=loaded.model, version=loaded.version, exc_info=error)
            self._deliver([(bulk.job, _failure())])
            return
        bulk.job.outputs.append(outputs)
        bulk.items += items
        bulk.rows += rows
        if len(bulk.items) == bulk.job.rows:
            self._bulk.popleft()
            self._record([(bulk.job, _result(bulk.job, bulk.items, bulk.rows))])

    def _record(self, done: list[tuple[_Job, PredictionResult]]) -> None:
        """Record results in one transaction, then deliver them."""
        began = time.perf_counter()
        try:
            written = self._recorder.write([result for _, result in done])
        except RecorderUnavailableError:
            log.exception("predictions_not_recorded", requests=len(done))
            self._refuse(done)
            return
        except Exception:
            if len(done) > 1:  # the database rejects something in one of them; the others are not to blame
                for one in done:
                    self._record([one])
                return
            log.exception("prediction_refused_by_database")
            self._refuse(done)
            return
        self._metrics.record_seconds.observe(time.perf_counter() - began)
        self._metrics.batch_rows.observe(sum(job.rows for job, _ in done))
        outcomes: list[tuple[_Job, Outcome]] = []
        fresh: list[_Job] = []
        for (job, result), answer in zip(done, written, strict=True):
            outcomes.append((job, key_reused(result.key) if answer is None else answer))
            if answer is result.response:
                fresh.append(job)
        self._deliver(outcomes)
        self._count(fresh)

    def _count(self, jobs: Sequence[_Job]) -> None:
        """Count what was answered and recorded; those who asked have their answers already."""
        ended = time.perf_counter()
        outputs: dict[LoadedModel, list[Numbers]] = {}
        for job in jobs:
            request, loaded = job.request, job.request.loaded
            odd = [loaded.tally.flag(flag) for flags in request.checked.flags for flag in flags]
            self._metrics.recorded(loaded.model, loaded.version, job.rows, ended - request.received, odd)
            outputs.setdefault(loaded, []).extend(job.outputs)
        for loaded, parts in outputs.items():
            together = np.concatenate(parts, dtype=np.float64)
            tally = loaded.tally
            self._metrics.answered(loaded.model, tally.answers(together), tally.confidences(together))

    def _refuse(self, done: Sequence[tuple[_Job, PredictionResult]]) -> None:
        for job, _ in done:
            self._metrics.refused(job.request.loaded.model, "unrecorded")
        problem = NotReady(
            "The predictions could not be recorded, so they are withheld; try again.",
            headers={"Retry-After": OVERLOADED_RETRY_S},
        )
        self._deliver([(job, problem) for job, _ in done])

    def _deliver(self, outcomes: Sequence[tuple[_Job, Outcome]]) -> None:
        """Deliver each outcome once; call this from the batcher's thread only."""
        new = [(job, outcome) for job, outcome in outcomes if not job.settled]
        for job, _ in new:
            job.settled = True
        self._loop.call_soon_threadsafe(self._hand_over, new)

    def _hand_over(self, outcomes: Iterable[tuple[_Job, Outcome]]) -> None:
        for job, outcome in outcomes:
            self._waiting_rows -= job.rows
            if not job.future.done():  # a caller who hung up
                job.future.set_result(outcome)


def _predict(loaded: LoadedModel, numeric: Numbers, strings: NDArray[np.object_]) -> Numbers:
    outputs = loaded.engine.predict(numeric, strings)
    if not np.isfinite(outputs).all():
        raise ArithmeticError("The model answered with a value that is not a finite number.")
    return outputs


def _result(job: _Job, items: list[bytes], rows: list[tuple[Any, ...]]) -> PredictionResult:
    return PredictionResult(
        rows, response(job.request.loaded, items), job.request.key, time.time_ns() // 1000
    )


def _failure() -> Problem:
    return Problem("The model could not answer this request. Nothing was recorded; the log has the details.")

"""Answers concurrent requests together: one inference and one transaction for all that wait.

One thread does it. It never waits for more to come: whatever arrived while the last batch was being written
is the next batch. A request of many rows is answered in chunks between which the others get their turn.
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

from data_processor.predictions.recorder import Answered, Recorder, RecorderUnavailableError
from data_processor.service.errors import NotReady, Problem
from data_processor.serving.answers import Question, Writer, response, used_otherwise
from data_processor.serving.loading import LoadedModel
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.validation import flag_kind

log = structlog.get_logger(__name__)

CHUNK_ROWS = 256
"""Rows answered at a time; a request of more is bulk, and has a transaction of its own."""
BATCH_ROWS = 1024
"""Rows of small requests that are answered in one transaction at most."""
OVERLOADED_RETRY_S = "1"

Outcome = bytes | Problem


@dataclass(slots=True, eq=False)
class _Job:
    question: Question
    future: asyncio.Future[Outcome]
    settled: bool = False

    @property
    def rows(self) -> int:
        return len(self.question.checked.rows)


@dataclass(slots=True, eq=False)
class _Bulk:
    job: _Job
    items: list[bytes] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Batcher:
    """Queues questions for the one thread that infers and records."""

    def __init__(self, recorder: Recorder, metrics: ModelMetrics, max_waiting_rows: int) -> None:
        """Start the thread; call from the event loop that will ask."""
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

    async def ask(self, question: Question) -> bytes:
        """Return the answer's body once its predictions are on disk.

        Raises `NotReady` when too much waits already or nothing can be recorded, `Conflict` when the
        question's key was used for another body, and `Problem` when the model fails. Giving up stops nothing.
        """
        rows = len(question.checked.rows)
        # A request that is larger than the limit itself is taken when nothing else waits.
        if self._closing or (self._waiting_rows and self._waiting_rows + rows > self._max_waiting_rows):
            self._metrics.refused.labels("overloaded").inc()
            raise NotReady(
                "Too many inputs wait to be answered already; try again in a second.",
                headers={"Retry-After": OVERLOADED_RETRY_S},
            )
        self._waiting_rows += rows
        job = _Job(question, self._loop.create_future())
        self._queue.put(job)
        outcome = await job.future
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Answer what waits, then stop."""
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
            except Exception:  # the thread must outlive any mistake; those who wait must hear of it
                log.exception("batch_failed")
                stranded = [*jobs, *(bulk.job for bulk in self._bulk)]
                self._bulk.clear()
                self._deliver([(job, _failure()) for job in stranded])
                del stranded
            del (
                jobs
            )  # while this waits for more, a version that is let go must not be held by its last answers

    def _take(self, open_: bool) -> tuple[list[_Job], bool]:
        """Return the small requests that wait, setting large ones aside; wait only with nothing to do."""
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
            groups.setdefault(job.question.served, []).append(job)
        done: list[tuple[_Job, Answered]] = []
        for served, group in groups.items():
            done += self._infer_together(served, group)
        if done:
            self._record(done)

    def _infer_together(self, served: LoadedModel, jobs: list[_Job]) -> list[tuple[_Job, Answered]]:
        try:
            return self._infer(served, jobs)
        except Exception as error:
            if len(jobs) > 1:  # whichever of them it was, the others get their answers
                return [done for job in jobs for done in self._infer_together(served, [job])]
            self._metrics.refused.labels("failed").inc()
            log.exception("inference_failed", model=served.model, version=served.version, exc_info=error)
            self._deliver([(jobs[0], _failure())])
            return []

    def _infer(self, served: LoadedModel, jobs: list[_Job]) -> list[tuple[_Job, Answered]]:
        packed = [job.question.checked.packed for job in jobs]
        numeric, strings = packed[0]
        if len(packed) > 1:
            numeric = np.concatenate([block.numeric for block in packed])
            strings = np.concatenate([block.strings for block in packed])
        outputs = _predict(served, numeric, strings)
        done = []
        start = 0
        for job in jobs:
            items, rows = self._writer.write(job.question, outputs[start : start + job.rows])
            start += job.rows
            done.append((job, _answered(job, items, rows)))
        return done

    def _advance(self) -> None:
        """Answer the next chunk of the first large request, and record it after its last."""
        if not self._bulk:
            return
        bulk = self._bulk[0]
        question, served = bulk.job.question, bulk.job.question.served
        start = len(bulk.items)
        part = slice(start, start + CHUNK_ROWS)
        packed = question.checked.packed
        try:
            outputs = _predict(served, packed.numeric[part], packed.strings[part])
            items, rows = self._writer.write(question, outputs, start)
        except Exception as error:
            self._bulk.popleft()
            self._metrics.refused.labels("failed").inc()
            log.exception("inference_failed", model=served.model, version=served.version, exc_info=error)
            self._deliver([(bulk.job, _failure())])
            return
        bulk.items += items
        bulk.rows += rows
        if len(bulk.items) == bulk.job.rows:
            self._bulk.popleft()
            self._record([(bulk.job, _answered(bulk.job, bulk.items, bulk.rows))])

    def _record(self, done: list[tuple[_Job, Answered]]) -> None:
        """Write answers in one transaction, then give them out."""
        began = time.perf_counter()
        try:
            written = self._recorder.write([answered for _, answered in done])
        except RecorderUnavailableError:
            log.exception("predictions_not_recorded", requests=len(done))
            self._refuse(done)
            return
        except Exception:
            if len(done) > 1:  # something in one of them that the database refuses: not its neighbours' fault
                for one in done:
                    self._record([one])
                return
            log.exception("prediction_refused_by_database")
            self._refuse(done)
            return
        self._metrics.record_seconds.observe(time.perf_counter() - began)
        self._metrics.batch_rows.observe(sum(job.rows for job, _ in done))
        outcomes: list[tuple[_Job, Outcome]] = []
        fresh: list[Question] = []
        for (job, answered), answer in zip(done, written, strict=True):
            outcomes.append((job, used_otherwise(answered.key) if answer is None else answer))
            if answer is answered.response:
                fresh.append(job.question)
        self._deliver(outcomes)
        for question in fresh:
            kinds = [flag_kind(flag) for odd in question.checked.flags for flag in odd]
            self._metrics.recorded(
                question.served.model, question.served.stage, len(question.checked.rows), kinds
            )

    def _refuse(self, done: Sequence[tuple[_Job, Answered]]) -> None:
        self._metrics.refused.labels("unrecorded").inc(len(done))
        problem = NotReady(
            "The predictions could not be recorded, so they are not given; try again.",
            headers={"Retry-After": OVERLOADED_RETRY_S},
        )
        self._deliver([(job, problem) for job, _ in done])

    def _deliver(self, outcomes: Sequence[tuple[_Job, Outcome]]) -> None:
        """Give out each outcome once; callable from the batcher's thread alone."""
        new = [(job, outcome) for job, outcome in outcomes if not job.settled]
        for job, _ in new:
            job.settled = True
        self._loop.call_soon_threadsafe(self._hand_over, new)

    def _hand_over(self, outcomes: Iterable[tuple[_Job, Outcome]]) -> None:
        for job, outcome in outcomes:
            self._waiting_rows -= job.rows
            if not job.future.done():  # a caller who hung up
                job.future.set_result(outcome)


def _predict(
    served: LoadedModel, numeric: NDArray[np.float32], strings: NDArray[np.object_]
) -> NDArray[np.float32]:
    outputs = served.engine.predict(numeric, strings)
    if not np.isfinite(outputs).all():
        raise ArithmeticError("The model answered with something that is no finite number.")
    return outputs


def _answered(job: _Job, items: list[bytes], rows: list[tuple[Any, ...]]) -> Answered:
    return Answered(rows, response(job.question.served, items), job.question.key, time.time_ns() // 1000)


def _failure() -> Problem:
    return Problem("The model could not answer this request. Nothing was recorded; the log has the details.")

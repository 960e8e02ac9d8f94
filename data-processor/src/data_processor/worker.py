"""The job worker: turns queued runs into durable workflows, watches promotions and mirrors the ledger.

    runs, every 0.2 s         a queued run becomes a workflow (of the run's id: repeating attaches to it),
                              and a run that somebody cancelled is ended
    jobs, every 5 s           a run whose job died without a word fails
    datasets, every 0.5 s     a confirmed upload gets a workflow that makes it a version
    watches, every 1 s        a promotion that is due for a look gets a workflow of its own
    aliases, every 10 s       MLflow's aliases follow the ledger
    the other stage, 10 s     versions it served or trained are taken in, where there is another

Whatever ends this process, SIGKILL included, the next one with the same `executor_id` goes on at the step
that was interrupted.
"""

import asyncio
import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import IO

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID
from sqlalchemy import select

from data_processor.adapters.mlflow_aliases import MlflowAliases
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.adapters.mlflow_connection import MlflowConnection
from data_processor.database import OPEN_RUN, Database, RunRow
from data_processor.datasets.keeping import Keeping, define_keeping
from data_processor.models.crossing import Crossing
from data_processor.models.ledger import Ledger
from data_processor.models.reconcile import Reconciler
from data_processor.models.registry import Registry
from data_processor.monitoring.runs import RunMetrics
from data_processor.probes import Probes
from data_processor.service.logging import configure_logging
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.telemetry import configure_telemetry
from data_processor.settings import Settings
from data_processor.training.adoption import VersionCheck
from data_processor.training.retrain import Retraining, define_retrain
from data_processor.training.sample import SamplePlant
from data_processor.training.watching import Watching, define_watch

APPLICATION_VERSION = "1"
"""Constant, because DBOS strands the jobs of another version."""
TRAINING_QUEUE = "training"
WATCHING_QUEUE = "watching"
KEEPING_QUEUE = "keeping"
RUNS_S, JOBS_S, WATCHES_S, SAMPLE_S = 0.5, 5.0, 1.0, 2.0
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

log = structlog.get_logger(__name__)


class Worker:
    """One worker process."""

    def __init__(self, settings: Settings) -> None:
        """Open the databases and clients; nothing runs before `start`."""
        for folder in (settings.state_dir, settings.runs_dir, settings.models_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._database = Database(settings.records_url)
        self._mlflow = MlflowConnection(settings.mlflow_url, login=settings.mlflow_login)
        aliases, artefacts = MlflowAliases(self._mlflow), MlflowArtefacts(self._mlflow)
        registry = Registry(self._database, settings.models_dir, artefacts)
        ledger = Ledger(self._database, staging_required=settings.staging_required)
        check = VersionCheck(settings, registry, aliases, artefacts)
        metrics = ServiceMetrics(settings)
        self._reconciler = Reconciler(settings.stage, ledger, aliases, check)
        # One stage alone has nobody to exchange versions with.
        self._crossing = (
            Crossing(settings.stage, registry, ledger, aliases, check.take_in)
            if settings.stage == "staging" or settings.staging_required
            else None
        )
        self._retraining = Retraining(
            settings,
            self._database,
            registry=registry,
            ledger=ledger,
            reconciler=self._reconciler,
            metrics=RunMetrics(metrics.registry),
        )
        self._watching = Watching(settings, self._database, ledger, self._reconciler)
        self._keeping = Keeping(settings, self._database)
        self._sample = SamplePlant(settings, self._database, ledger)
        self._probes = (
            None
            if settings.worker_port is None
            else Probes(settings, metrics, {"records": self._check_records}, settings.worker_port)
        )
        self._stopping = threading.Event()
        self._handed_over: set[str] = set()

    def start(self) -> None:
        """Migrate, launch DBOS, which resumes what was interrupted, and start looking."""
        self._name = _take_name(self._settings)
        self._database.create_tables()
        DBOS(config=_dbos_config(self._settings))
        self._retrain = define_retrain(self._retraining)
        self._watch = define_watch(self._watching)
        self._keep = define_keeping(self._keeping)
        DBOS.launch()
        DBOS.register_queue(
            TRAINING_QUEUE,
            partition_concurrency=1,
            worker_concurrency=self._settings.parallel_runs,
            polling_interval_sec=RUNS_S,
        )
        DBOS.register_queue(WATCHING_QUEUE, worker_concurrency=1, polling_interval_sec=WATCHES_S)
        DBOS.register_queue(KEEPING_QUEUE, concurrency=1, polling_interval_sec=RUNS_S)
        self._every(RUNS_S, self._look_at_runs)
        self._every(RUNS_S, self._look_at_uploads)
        self._every(JOBS_S, self._look_at_jobs)
        self._every(WATCHES_S, self._look_at_watches)
        self._every(SAMPLE_S, self._sample.look)
        self._every(self._settings.reconcile_interval_s, self._reconciler.look)
        if self._crossing is not None:
            self._every(self._settings.reconcile_interval_s, self._crossing.look)
        if self._probes is not None:
            self._probes.start()
        log.info("worker_ready", executor=self._settings.executor_id, stage=self._settings.stage)

    def wait(self) -> None:
        """Work until SIGTERM or SIGINT."""
        signalled = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            signalled.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signalled.wait()

    def stop(self) -> None:
        """Let go of every job without ending it: the next worker resumes it."""
        self._stopping.set()
        if self._probes is not None:
            self._probes.stop()
        DBOS.destroy()
        self._mlflow.close()
        log.info("worker_stopped")

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something again and again in a thread; an error is logged and does not end it."""

        def loop() -> None:
            while not self._stopping.wait(seconds):
                try:
                    action()
                except Exception:
                    log.exception("look_failed", look=action.__qualname__)

        threading.Thread(target=loop, name=action.__qualname__, daemon=True).start()

    def _look_at_runs(self) -> None:
        for row in self._open_runs():
            if row.id not in self._handed_over:
                with SetWorkflowID(row.id), SetEnqueueOptions(queue_partition_key=row.model):
                    DBOS.enqueue_workflow(TRAINING_QUEUE, self._retrain, row.id)
                self._handed_over.add(row.id)
            if row.cancel_requested:
                self._retraining.cancel(row.id)

    def _look_at_jobs(self) -> None:
        """Fail every open run whose workflow has ended: only a defect or a lost database leaves one."""
        for row in self._open_runs():
            job = DBOS.get_workflow_status(row.id)
            if job is not None and job.status in ENDED:
                sentence = f"The run's job ended as {job.status} without a result; the worker's log says why."
                self._retraining.finish(row.id, {"end": "failed", "error": sentence})

    def _look_at_uploads(self) -> None:
        """Give every confirmed upload a job; fail one whose job ended without a word, as for runs."""
        for upload, attempt in self._keeping.waiting():
            job = f"{upload}:{attempt}"
            if job not in self._handed_over:
                with SetWorkflowID(job):
                    DBOS.enqueue_workflow(KEEPING_QUEUE, self._keep, upload, attempt)
                self._handed_over.add(job)
            status = DBOS.get_workflow_status(job)
            if status is not None and status.status in ENDED:
                sentence = f"Storing ended as {status.status} without a result; the worker's log says why."
                self._keeping.finish(upload, {"error": sentence})

    def _look_at_watches(self) -> None:
        for promotion, size in self._watching.due():
            job = f"{promotion}:{size}"
            if job not in self._handed_over:
                with SetWorkflowID(job):
                    DBOS.enqueue_workflow(WATCHING_QUEUE, self._watch, promotion, size)
                self._handed_over.add(job)

    def _open_runs(self) -> list[RunRow]:
        mine = (RunRow.kind == "training", RunRow.status.in_(OPEN_RUN), RunRow.stage == self._settings.stage)
        with self._database.reading() as session:
            return list(session.scalars(select(RunRow).where(*mine)))

    async def _check_records(self) -> None:
        await asyncio.to_thread(self._open_runs)


def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    configure_logging(settings)
    configure_telemetry(settings)
    worker = Worker(settings)
    worker.start()
    try:
        worker.wait()
    finally:
        worker.stop()
    # A workflow's thread may still wait for its child. Nothing of that may be written down as an ending, so
    # this process ends here, and the child with it.
    os._exit(0)


def _take_name(settings: Settings) -> IO[str]:
    """Hold the lock on this worker's name: two of one name would both resume the same runs."""
    path = settings.state_dir / f"worker-{settings.executor_id}.lock"
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"A worker named {settings.executor_id!r} is at work already (it holds {path}).")
    return file


def _dbos_config(settings: Settings) -> DBOSConfig:
    return {
        "name": "data-processor",
        "system_database_url": settings.jobs_url,
        "application_version": APPLICATION_VERSION,
        "executor_id": settings.executor_id,
        "serializer": DBOSPortableJSONSerializer(),  # its default would keep pickles in the jobs database
        "log_level": "WARNING",
    }

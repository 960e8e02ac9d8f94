"""The worker process: turns queued runs into durable workflows, watches promotions and mirrors the ledger.

    runs, every 0.5 s         a queued run becomes a workflow with the id of the run (repeating that attaches
                              to it), and a run that somebody cancelled is ended
    its name, every 1 s       a worker that has lost its name ends itself (`worker_registry.py`)
    workers, every 5 s        what a dead worker left is taken over, and the leader is elected

and the leader, on behalf of all workers of the stage:

    jobs, every 5 s           a run whose workflow ended without a result fails
    drift, every 10 s         a model whose recent inputs are to be compared gets a run for it
    drift reports, 10 min     the oldest ones expire
    galleries, every 10 s     one that has grown gets a run that learns from it
    persons, every 5 s        who is to be forgotten is, and what was kept about them is deleted
    pictures, 10 min          old ones that nobody is known by expire
    uploads, every 2 s        a confirmed upload whose run was cancelled waits no longer
    watches, every 2 s        a promotion whose next evaluation is due gets a workflow for it
    signatures, every 10 s    versions that a worker with the code of before registered are signed
    notifications, every 1 s  what is due is sent, and what is old is forgotten (every hour)
    aliases, every 10 s       the aliases in MLflow follow the ledger
    the other stage, 10 s     versions that it served or trained are imported, where there is another stage

Whatever ends this process, SIGKILL included, its runs go on at the interrupted step: in the next process of
its name, or in another worker after five to ten seconds, whichever comes first. `wiring/work.py` builds the
parts.
"""

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

import structlog

from data_processor.models.signing import sign_known
from data_processor.monitoring.collector import LoopCollector
from data_processor.probes import Probes
from data_processor.runs.jobs import PROMPT_S, UNHURRIED_S
from data_processor.runs.workflows import Workflows, define_run, end_of, take_over
from data_processor.service.logging import configure_logging
from data_processor.service.telemetry import configure_telemetry, end_telemetry
from data_processor.settings import Settings
from data_processor.training.promotion_watch import define_watch
from data_processor.wiring.work import wire_worker
from data_processor.worker_registry import NameTakenError, open_worker_registry

WATCHING_QUEUE = "watching"
NAME_S, WORKERS_S, JOBS_S = 1.0, 5.0, 5.0
NOTIFYING_S, SWEEPING_S = 1.0, 3600.0
DRIFT_S, SWEEP_S = 10.0, 600.0
FORGET_S, GROWTH_S = 5.0, 10.0

log = structlog.get_logger(__name__)


class Worker:
    """One worker process."""

    def __init__(self, settings: Settings) -> None:
        """Open the databases and clients; nothing runs before `start`."""
        self._settings = settings
        self._parts = wire_worker(settings)
        self._probes = (
            None
            if settings.worker_port is None
            else Probes(settings, self._parts.metrics, {"records": self._check_records}, settings.worker_port)
        )
        self._stopping = threading.Event()
        self._is_leader = False
        parts = self._parts
        parts.metrics.registry.register(
            LoopCollector(parts.database, parts.scoreboard, settings.stage, lambda: self._is_leader)
        )

    def start(self) -> None:
        """Migrate, launch DBOS, which resumes what was interrupted, and start polling."""
        parts, jobs = self._parts, self._parts.jobs
        self._registry = open_worker_registry(self._settings.jobs_url)
        try:
            name = self._registry.register(self._settings.executor_id)
        except NameTakenError as error:
            sys.exit(str(error))
        self._every(NAME_S, self._poll_name)
        parts.database.create_tables()
        self._sign_known()
        self._workflows = Workflows(self._settings.jobs_url, name)
        self._run_workflows = {kind: define_run(jobs, work) for kind, work in jobs.kinds.items()}
        self._watch_workflow = define_watch(parts.watching)
        queues = {
            kind: {"polling_interval_sec": work.poll_s, **work.limits} for kind, work in jobs.kinds.items()
        }
        queues[WATCHING_QUEUE] = {"polling_interval_sec": UNHURRIED_S, "worker_concurrency": 1}
        self._workflows.launch(queues)
        self._poll_workers()
        self._every(PROMPT_S, self._poll_runs)
        self._every(WORKERS_S, self._poll_workers)
        self._every(JOBS_S, self._if_leader(self._poll_jobs))
        self._every(UNHURRIED_S, self._if_leader(parts.storing.mend))
        self._every(UNHURRIED_S, self._if_leader(self._poll_watches))
        self._every(UNHURRIED_S, self._if_leader(parts.sample.ensure))
        self._every(NOTIFYING_S, self._if_leader(parts.deliveries.poll))
        self._every(SWEEPING_S, self._if_leader(parts.deliveries.sweep))
        self._every(DRIFT_S, self._if_leader(parts.drift.poll))
        self._every(SWEEP_S, self._if_leader(parts.drift.sweep))
        self._every(GROWTH_S, self._if_leader(parts.growth.poll))
        self._every(FORGET_S, self._if_leader(parts.forgetting.sweep))
        self._every(SWEEP_S, self._if_leader(parts.picture_expiry.sweep))
        self._every(SWEEP_S, self._if_leader(parts.checkpoint_expiry.sweep))
        self._every(self._settings.reconcile_interval_s, self._if_leader(self._sign_known))
        self._every(self._settings.reconcile_interval_s, self._if_leader(parts.reconciler.reconcile))
        if parts.stage_sync is not None:
            self._every(self._settings.reconcile_interval_s, self._if_leader(parts.stage_sync.sync))
        if self._probes is not None:
            self._probes.start()
        log.info("worker_ready", executor=name, stage=self._settings.stage)

    def wait(self) -> None:
        """Work until SIGTERM or SIGINT."""
        signalled = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            signalled.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signalled.wait()

    def stop(self) -> None:
        """Leave every run without ending it: the next worker resumes it."""
        self._stopping.set()
        if self._probes is not None:
            self._probes.stop()
        self._workflows.close()
        self._parts.mlflow.close()
        self._registry.close()
        log.info("worker_stopped")

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        """Repeat an action in a thread; an error is logged and does not end it."""

        def loop() -> None:
            while not self._stopping.wait(seconds):
                try:
                    action()
                except Exception:
                    log.exception("poll_failed", poll=action.__qualname__)

        threading.Thread(target=loop, name=action.__qualname__, daemon=True).start()

    def _if_leader(self, action: Callable[[], None]) -> Callable[[], None]:
        """Do something only while this worker leads the stage."""

        @functools.wraps(action)
        def poll() -> None:
            if self._is_leader:
                action()

        return poll

    def _poll_name(self) -> None:
        if not self._registry.is_kept() and not self._stopping.is_set():
            log.critical("worker_name_lost", executor=self._registry.name)
            os._exit(1)  # at once, and its children with it: another worker may go on with their runs

    def _poll_workers(self) -> None:
        self._is_leader = self._registry.lead()
        self._registry.take_over(self._workflows.workers(), take_over)

    def _poll_runs(self) -> None:
        jobs = self._parts.jobs
        for row in jobs.open_runs():
            partition = row.model if jobs.kinds[row.kind].partitioned else None
            self._workflows.enqueue(
                row.kind, self._run_workflows[row.kind], row.id, row.id, partition=partition
            )
            if row.cancel_requested:
                jobs.cancel(row.id)

    def _sign_known(self) -> None:
        sign_known(self._parts.database, self._parts.signer)

    def _poll_jobs(self) -> None:
        self._parts.jobs.fail_abandoned(end_of)

    def _poll_watches(self) -> None:
        for promotion, size in self._parts.watching.due():
            self._workflows.enqueue(
                WATCHING_QUEUE, self._watch_workflow, f"{promotion}:{size}", promotion, size
            )

    async def _check_records(self) -> None:
        await asyncio.to_thread(self._parts.jobs.open_runs)


def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    configure_logging(settings, "work")
    configure_telemetry(settings)
    worker = Worker(settings)
    code = 0
    try:
        worker.start()
        worker.wait()
        worker.stop()
    except Exception:
        log.exception("worker_failed")
        code = 1
    end_telemetry()
    # The thread of a workflow may still wait for its child. None of that may be recorded as an ending, so
    # this process ends here, and its children with it; nor must a failed worker keep its name until then.
    os._exit(code)

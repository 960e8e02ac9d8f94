"""The job worker: turns queued runs into durable workflows, watches promotions and mirrors the ledger.

    runs, every 0.5 s         a queued run becomes a workflow (of the run's id: repeating attaches to it),
                              and a run that somebody cancelled is ended
    its name, every 1 s       a worker that lost its name ends itself (`worker_registry.py`)
    the others, every 5 s     what a dead worker left is taken over

and one worker of the stage, for all of them:

    jobs, every 5 s           a run whose job died without a word fails
    uploads, every 2 s        a confirmed upload whose run was cancelled waits no more
    watches, every 2 s        a promotion that is due for a look gets a workflow of its own
    aliases, every 10 s       MLflow's aliases follow the ledger
    the other stage, 10 s     versions it served or trained are taken in, where there is another

Whatever ends this process, SIGKILL included, its runs go on at the step that was interrupted: in the next
process of its name, or in another worker after five to ten seconds, whichever is first.
"""

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID

from data_processor.adapters.mlflow_aliases import MlflowAliases
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.adapters.mlflow_connection import MlflowConnection
from data_processor.database import Database
from data_processor.datasets.storing_run import StoringRun
from data_processor.kinds import plain_kinds
from data_processor.models.ledger import Ledger
from data_processor.models.reconcile import Reconciler
from data_processor.models.registry import Registry
from data_processor.models.stage_sync import StageSync
from data_processor.probes import Probes
from data_processor.runs.jobs import PROMPT_S, UNHURRIED_S, Jobs, Work, carry_through
from data_processor.runs.metrics import RunMetrics
from data_processor.service.logging import configure_logging
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.telemetry import configure_telemetry
from data_processor.settings import Settings
from data_processor.training.adoption import VersionCheck
from data_processor.training.promotion_watch import Watching, define_watch
from data_processor.training.retrain import Retraining
from data_processor.training.sample import SamplePlant
from data_processor.worker_registry import NameTakenError, open_workers

APPLICATION_VERSION = "1"
"""Constant, because DBOS strands the jobs of another version."""
WATCHING_QUEUE = "watching"
NAME_S, OTHERS_S, JOBS_S = 1.0, 5.0, 5.0
DUTY = "duty"
"""The roster's lock of the one worker that looks after what the stage has once."""
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
        self._stage_sync = (
            StageSync(settings.stage, registry, ledger, aliases, check.take_in)
            if settings.stage == "staging" or settings.staging_required
            else None
        )
        training = Retraining(
            parallel_runs=settings.parallel_runs,
            registry=registry,
            ledger=ledger,
            reconciler=self._reconciler,
        )
        kinds = [training, *plain_kinds(settings, self._database)]
        self._jobs = Jobs(settings, self._database, kinds, RunMetrics(metrics.registry))
        self._storing = next(kind for kind in kinds if isinstance(kind, StoringRun))
        self._watching = Watching(settings, self._database, ledger, self._reconciler)
        self._sample = SamplePlant(settings, self._database, ledger)
        self._probes = (
            None
            if settings.worker_port is None
            else Probes(settings, metrics, {"records": self._check_records}, settings.worker_port)
        )
        self._stopping = threading.Event()
        self._handed_over: set[str] = set()
        self._on_duty = False

    def start(self) -> None:
        """Migrate, launch DBOS, which resumes what was interrupted, and start looking."""
        self._workers = open_workers(self._settings.jobs_url)
        try:
            name = self._workers.enrol(self._settings.executor_id)
        except NameTakenError as error:
            sys.exit(str(error))
        self._every(NAME_S, self._look_at_name)
        self._database.create_tables()
        DBOS(config=_dbos_config(self._settings, name))
        kinds = self._jobs.kinds
        self._workflows = {kind: _define(self._jobs, work) for kind, work in kinds.items()}
        self._watch = define_watch(self._watching)
        _define_former()
        DBOS.launch()
        for kind, work in kinds.items():
            DBOS.register_queue(kind, polling_interval_sec=work.poll_s, **work.limits)
        DBOS.register_queue(WATCHING_QUEUE, worker_concurrency=1, polling_interval_sec=UNHURRIED_S)
        self._look_at_others()
        self._every(PROMPT_S, self._look_at_runs)
        self._every(OTHERS_S, self._look_at_others)
        self._every(JOBS_S, self._on_behalf(self._look_at_jobs))
        self._every(UNHURRIED_S, self._on_behalf(self._storing.mend))
        self._every(UNHURRIED_S, self._on_behalf(self._look_at_watches))
        self._every(UNHURRIED_S, self._on_behalf(self._sample.ensure))
        self._every(self._settings.reconcile_interval_s, self._on_behalf(self._reconciler.look))
        if self._stage_sync is not None:
            self._every(self._settings.reconcile_interval_s, self._on_behalf(self._stage_sync.look))
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
        """Let go of every job without ending it: the next worker resumes it."""
        self._stopping.set()
        if self._probes is not None:
            self._probes.stop()
        DBOS.destroy()
        self._mlflow.close()
        self._workers.close()
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

    def _on_behalf(self, action: Callable[[], None]) -> Callable[[], None]:
        """Do something only while this worker is the one that does it for all of the stage."""

        @functools.wraps(action)
        def look() -> None:
            if self._on_duty:
                action()

        return look

    def _look_at_name(self) -> None:
        if not self._workers.is_kept() and not self._stopping.is_set():
            log.critical("worker_name_lost", executor=self._workers.name)
            os._exit(1)  # at once, and its children with it: another worker may go on with their runs

    def _look_at_others(self) -> None:
        self._on_duty = self._workers.hold(DUTY)
        pending = DBOS.list_workflows(
            status="PENDING", app_version=APPLICATION_VERSION, load_input=False, load_output=False
        )
        self._workers.take_over({job.executor_id for job in pending if job.executor_id}, _take_over)

    def _look_at_runs(self) -> None:
        for row in self._jobs.open_runs():
            if row.id not in self._handed_over:
                partition = row.model if self._jobs.kinds[row.kind].partitioned else None
                with SetWorkflowID(row.id), SetEnqueueOptions(queue_partition_key=partition):
                    DBOS.enqueue_workflow(row.kind, self._workflows[row.kind], row.id)
                self._handed_over.add(row.id)
            if row.cancel_requested:
                self._jobs.cancel(row.id)

    def _look_at_jobs(self) -> None:
        self._jobs.fail_abandoned(_end_of_job)

    def _look_at_watches(self) -> None:
        for promotion, size in self._watching.due():
            job = f"{promotion}:{size}"
            if job not in self._handed_over:
                with SetWorkflowID(job):
                    DBOS.enqueue_workflow(WATCHING_QUEUE, self._watch, promotion, size)
                self._handed_over.add(job)

    async def _check_records(self) -> None:
        await asyncio.to_thread(self._jobs.open_runs)


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
    # A workflow's thread may still wait for its child. Nothing of that may be written down as an ending, so
    # this process ends here, and the child with it; nor does one that failed keep its name until then.
    os._exit(code)


def _define(jobs: Jobs, work: Work) -> Callable[[str], str]:
    """Register a kind's workflow with DBOS and return it."""

    def step(name: str, action: Callable[..., Any], *args: Any) -> Any:
        return DBOS.run_step({"name": name}, action, *args)

    @DBOS.workflow(name=work.workflow)
    def carry(run: str) -> str:
        return carry_through(jobs, work, run, step)

    return carry


def _define_former() -> None:
    """Let jobs of before storing was a run end: `StoringRun.look` gives their uploads runs."""

    @DBOS.workflow(name="keep_dataset")
    def keep_dataset(upload: str, attempt: int) -> str:
        del upload, attempt
        return "superseded"


def _end_of_job(run: str) -> str | None:
    """Return how the workflow of a run ended, or nothing if it did not."""
    job = DBOS.get_workflow_status(run)
    return job.status if job is not None and job.status in ENDED else None


def _take_over(name: str) -> None:
    """Queue the jobs of a worker that is gone: whoever takes one goes on at the step that was interrupted."""
    jobs = DBOS._recover_pending_workflows([name])  # noqa: SLF001  # what DBOS's paid service would call
    if jobs:
        log.warning("jobs_taken_over", executor=name, jobs=len(jobs))


def _dbos_config(settings: Settings, name: str) -> DBOSConfig:
    return {
        "name": "data-processor",
        "system_database_url": settings.jobs_url,
        "application_version": APPLICATION_VERSION,
        "executor_id": name,
        "serializer": DBOSPortableJSONSerializer(),  # its default would keep pickles in the jobs database
        "log_level": "WARNING",
    }

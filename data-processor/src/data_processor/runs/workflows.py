"""Durable workflows: what a worker has DBOS do, so that it survives the worker.

A workflow has an id, and queueing it twice is queueing it once. Each worker runs DBOS under its own name in
the worker registry: whatever it leaves is resumed at the interrupted step, by the next worker of that name or
by another one that takes it over.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID

from data_processor.runs.jobs import Jobs, Work, carry_through

APPLICATION_VERSION = "1"
"""Constant, because DBOS does not run the workflows of another version."""
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

log = structlog.get_logger(__name__)


class Workflows:
    """The workflows of one worker; there is one DBOS per process."""

    def __init__(self, jobs_url: str, name: str) -> None:
        """Configure DBOS for the worker of this name; define workflows between this and `launch`."""
        DBOS(config=_config(jobs_url, name))
        _define_retired()
        self._queued: set[str] = set()

    def launch(self, queues: Mapping[str, Mapping[str, Any]]) -> None:
        """Migrate the jobs database, resume what was interrupted, and work off these queues."""
        DBOS.launch()
        for queue, options in queues.items():
            DBOS.register_queue(queue, **options)

    def enqueue(
        self,
        queue: str,
        workflow: Callable[..., Any],
        identity: str,
        *arguments: Any,
        partition: str | None = None,
    ) -> None:
        """Queue a workflow once; those of one partition stand in a line of their own."""
        if identity in self._queued:
            return
        with SetWorkflowID(identity), SetEnqueueOptions(queue_partition_key=partition):
            DBOS.enqueue_workflow(queue, workflow, *arguments)
        self._queued.add(identity)

    def workers(self) -> set[str]:
        """Return the names of the workers that have begun a workflow and not ended it."""
        pending = DBOS.list_workflows(
            status="PENDING", app_version=APPLICATION_VERSION, load_input=False, load_output=False
        )
        return {workflow.executor_id for workflow in pending if workflow.executor_id}

    def close(self) -> None:
        """Leave every workflow as it is: the next worker resumes it."""
        DBOS.destroy()


def define_run(jobs: Jobs, work: Work) -> Callable[[str], str]:
    """Define the workflow that carries out a run of a kind; call this before `Workflows.launch`."""

    def step(name: str, action: Callable[..., Any], *args: Any) -> Any:
        return DBOS.run_step({"name": name}, action, *args)

    @DBOS.workflow(name=work.workflow)
    def carry(run: str) -> str:
        return carry_through(jobs, work, run, step)

    return carry


def end_of(identity: str) -> str | None:
    """Return the status in which a workflow ended, or None if it has not."""
    found = DBOS.get_workflow_status(identity)
    return found.status if found is not None and found.status in ENDED else None


def take_over(name: str) -> None:
    """Queue the workflows that a dead worker left; whoever takes one resumes it at the interrupted step.

    DBOS has no public call for that: `DBOS.resume_workflows` would queue again what another worker is running
    by now, and resets the count of attempts by which DBOS gives up a workflow that kills its workers.
    """
    found = DBOS._recover_pending_workflows([name])  # noqa: SLF001  # see above; a test fails if it changes
    if found:
        log.warning("jobs_taken_over", executor=name, jobs=len(found))


def _define_retired() -> None:
    """Let workflows of the first release end: `StoringRun.mend` gives their uploads runs."""

    @DBOS.workflow(name="keep_dataset")
    def keep_dataset(upload: str, attempt: int) -> str:
        del upload, attempt
        return "superseded"


def _config(jobs_url: str, name: str) -> DBOSConfig:
    return {
        "name": "data-processor",
        "system_database_url": jobs_url,
        "application_version": APPLICATION_VERSION,
        "executor_id": name,
        "serializer": DBOSPortableJSONSerializer(),  # its default would keep pickles in the jobs database
        "log_level": "WARNING",
    }

"""Every kind of background work there is. Adding one is an entry in `plain_kinds`, and a task.

    kind         what it does                             steps
    training     trains, tests and deploys a version      `training/retrain.py`
    dataset      makes a confirmed upload a version       `datasets/storing_run.py`
    evaluation   compares versions                        assess
    profile      describes a dataset version              profile

To add a kind:

1. Write each of its steps as a task: a function of the step's name that takes a `TaskContext` and returns a
   dictionary, in a module that `child.py: TASKS` names. It reports the share that is done by
   `context.log.progress(share)`, what happens by `context.log.say(sentence)`, and raises `TaskError` with the
   sentence that people read if it cannot go on. `{"result": {...}}` is kept and shown as the run's result.
   It may be interrupted and begun anew.
2. Name the kind, its steps and what they are called with in `plain_kinds`.
3. Queue its runs with `Runs.queue`, in the transaction of what asks for them.

Being listed, followed, logged, cancelled, resumed after a crash and shown on the pages come with that.
"""

from data_processor.database import Database
from data_processor.datasets.storing_run import StoringRun
from data_processor.rows import RunRow
from data_processor.runs.jobs import Work
from data_processor.settings import Settings
from data_processor.training.default_models import plant_defaults


def plain_kinds(settings: Settings, database: Database) -> list[Work]:
    """Return the kinds that need no more than settings and records: all but training."""
    return [
        StoringRun(settings, database, stored=plant_defaults),
        Work("evaluation", {"assess": 1.0}, arguments=_compared),
        Work("profile", {"profile": 1.0}, arguments=_explored),
    ]


def _compared(row: RunRow) -> dict[str, object]:
    return {"model": row.model, "versions": row.options["versions"], "dataset": row.dataset}


def _explored(row: RunRow) -> dict[str, object]:
    return {"dataset": row.dataset, "version": row.dataset_version}

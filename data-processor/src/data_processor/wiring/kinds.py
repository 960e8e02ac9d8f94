"""Every kind of background work. A new kind is an entry in `plain_kinds`, and a task for each of its steps.

    kind         what it does                                         steps
    training     trains a version, tests it at the gate, promotes it  `training/retrain.py`
    dataset      stores a confirmed upload as a version               `datasets/storing_run.py`
    evaluation   compares versions                                    assess
    profile      describes a dataset version                          profile
    live         learns epoch by epoch, steered meanwhile                 load, train
    drift        compares recent inputs with the training data        compare_inputs

To add a kind:

1. Write each of its steps as a task: a function with the step's name that takes a `TaskContext` and returns a
   dictionary, in a module that `child.py: TASKS` names. It reports progress by `context.log.progress(share)`,
   logs sentences by `context.log.say(sentence)`, and raises `TaskError` with a sentence for the user if it
   cannot go on. `{"result": {...}}` is stored and shown as the result of the run. A task may be interrupted
   and started again.
2. Name the kind, its steps and their arguments in `plain_kinds`.
3. Queue its runs with `Runs.queue`, in the transaction of whatever asks for them.

Its runs are then listed, followed, logged, cancelled, resumed after a crash and shown on the pages.
"""

from data_processor.database import Database
from data_processor.datasets.storing_run import StoringRun
from data_processor.drift.schedule import KIND as DRIFT
from data_processor.rows import RunRow
from data_processor.runs.jobs import Work
from data_processor.settings import Settings
from data_processor.training.default_models import plant_defaults
from data_processor.training.live.kind import Learning


def plain_kinds(settings: Settings, database: Database) -> list[Work]:
    """Return the kinds that need only settings and the records database: all but training."""
    return [
        StoringRun(settings, database, stored=plant_defaults),
        Work("evaluation", {"assess": 1.0}, arguments=_compared),
        Work("profile", {"profile": 1.0}, arguments=_explored),
        Learning(settings.live_runs),
        Work(DRIFT, {"compare_inputs": 1.0}),
    ]


def _compared(row: RunRow) -> dict[str, object]:
    return {"model": row.model, "versions": row.options["versions"], "dataset": row.dataset}


def _explored(row: RunRow) -> dict[str, object]:
    return {"dataset": row.dataset, "version": row.dataset_version}

"""The default models: the first dataset of a task that has some gets one of each, and they stay.

So whoever has just uploaded texts has a model to ask, and whoever trains more has one to compare with. This
module does not import scikit-learn: the worker plants them when the dataset is stored.
"""

from itertools import count

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.features.schema import Schema
from data_processor.models.policy import Policy
from data_processor.models.registry import add_model
from data_processor.rows import DatasetRow, ModelRow
from data_processor.runs.service import Runs
from data_processor.tasks.registry import row_task_of

BUDGET_S = 10.0
"""A short search for each: somebody is waiting for all of them."""
LONGEST_NAME = 63

log = structlog.get_logger(__name__)


def plant_defaults(session: Session, runs: Runs, dataset: DatasetRow) -> list[str]:
    """Create the default models of a dataset and queue their first runs, unless there are some already.

    Return their names. All happens in the caller's transaction: repeating it plants nothing twice.
    """
    task = row_task_of(dataset.task)
    planted = select(ModelRow.name).where(ModelRow.built_in, ModelRow.task == dataset.task).limit(1)
    if not task.default_models or session.scalar(planted):
        return []
    target = Schema.model_validate(dataset.schema).target
    names = []
    for estimator in task.default_models:
        name = _free_name(session, dataset.name, estimator)
        add_model(
            session,
            name,
            task=dataset.task,
            dataset=dataset.name,
            target=target,
            policy=Policy(),
            built_in=True,
        )
        runs.open(
            session,
            name,
            trigger="initial",
            reason=(
                f"{dataset.name!r} is the first dataset for {task.description.label.lower()}, so it gets a "
                "default model of each kind."
            ),
            subject=PLATFORM,
            options={"budget_s": BUDGET_S, "candidates": [{"estimator": estimator}]},
        )
        names.append(name)
    log.info("default_models_planted", dataset=dataset.name, models=names)
    return names


def _free_name(session: Session, dataset: str, estimator: str) -> str:
    """Return a model name that says both and is not taken."""
    for number in count(1):
        tail = f"-{estimator}" if number == 1 else f"-{estimator}-{number}"
        name = dataset[: LONGEST_NAME - len(tail)].rstrip("-") + tail
        if session.get(ModelRow, name) is None:
            return name
    raise AssertionError("There are more numbers than models.")

"""The default models: the first dataset of texts gets one of each estimator, and they stay.

So somebody who has just brought texts has something to ask, and whoever trains more has something to compare
with. It imports no scikit-learn: the worker plants them when the dataset is stored.
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
from data_processor.tasks.texts.declared import ESTIMATORS

TASK = "text-classification"
BUDGET_S = 10.0
"""A short search for each: somebody is waiting for all of them."""
LONGEST_NAME = 63

log = structlog.get_logger(__name__)


def plant_defaults(session: Session, runs: Runs, dataset: DatasetRow) -> list[str]:
    """Create the default models of a dataset and queue their first runs, unless there are some already.

    Return their names. All happens in the caller's transaction: repeating it plants nothing twice.
    """
    if dataset.task != TASK or session.scalar(select(ModelRow.name).where(ModelRow.built_in).limit(1)):
        return []
    target = Schema.model_validate(dataset.schema).target
    names = []
    for estimator in ESTIMATORS:
        name = _free_name(session, dataset.name, estimator.name)
        add_model(
            session,
            name,
            task=TASK,
            dataset=dataset.name,
            target=target,
            policy=Policy(),
            built_in=True,
        )
        runs.open(
            session,
            name,
            trigger="initial",
            reason=f"The first dataset of texts, {dataset.name!r}, has a default model of each kind.",
            subject=PLATFORM,
            options={"budget_s": BUDGET_S, "candidates": [{"estimator": estimator.name}]},
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

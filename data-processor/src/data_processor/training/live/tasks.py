"""The steps of a live run: its rows, then its learning. Each may be repeated."""

from typing import Any

from data_processor.adapters.stores import open_report_store
from data_processor.features.preparation import Preparation
from data_processor.rows import LiveRunRow
from data_processor.runs.context import TaskContext, TaskError
from data_processor.tasks.candidates import Candidate, Vectorizer
from data_processor.tasks.incremental.learners import too_large
from data_processor.training.label_sources import FILE as RATERS
from data_processor.training.live.data import LiveData, prepare_live
from data_processor.training.live.journal import Journal
from data_processor.training.live.loop import TrainingLoop, one_thread
from data_processor.training.live.steering import Steering
from data_processor.training.live.store import LiveStore
from data_processor.training.live.trainer import Trainer
from data_processor.training.metrics import selection_metric
from data_processor.training.plan import PLAN, Plan, read_plan, seed_of
from data_processor.training.snapshot import snapshot
from data_processor.training.tasks import split, split_of, validate


def load(context: TaskContext) -> dict[str, Any]:
    """Store the dataset with its feedback as a version, or take the original's; divide the rows.

    A fork learns from the same rows as its original, and so does whoever keeps it.
    """
    live, store = _live(context), _store(context)
    _set(context, state="preparing")
    if live.parent is None:
        found = snapshot(context)
    else:
        terms = _store(context, live.parent).terms()
        found = {"row": take_terms(context, terms)}
    validate(context)
    split(context)
    plan = read_plan(context)
    metric = selection_metric(plan.policy, plan.schema_.task)
    store.put_terms(
        {
            "plan": plan.model_dump(mode="json"),
            "raters": context.read_json(RATERS),
            "seed": _seed(context, live),
        }
    )
    _set(context, metric=metric)
    return found


def train(context: TaskContext) -> dict[str, Any]:
    """Learn epoch by epoch until somebody or something ends it."""
    live, store, terms = _live(context), _store(context), _store(context).terms()
    original = None
    if live.parent is not None:
        above = _store(context, live.parent)
        original = (Steering(context.database, above), above)
    data = data_of(context, live, terms["seed"])
    settings, columns = live.first_hyperparameters, data.features.shape[1]
    if problem := too_large(live.estimator, settings, columns=columns, classes=len(data.labels)):
        raise TaskError(problem)
    with one_thread(), Journal(context.database, store.run) as journal:
        loop = TrainingLoop(data, live.estimator, settings, terms["seed"])
        trainer = Trainer(loop, Steering(context.database, store), store, context.log, original)
        return {"result": trainer.train(journal)}


def data_of(context: TaskContext, live: LiveRunRow, seed: int) -> LiveData:
    """Return what a live run learns from; a child that takes it up again prepares it alike."""
    plan = read_plan(context)
    metric = selection_metric(plan.policy, plan.schema_.task)
    return prepare_live(split_of(context), candidate_of(live, plan.policy.preparation), metric, seed)


def candidate_of(live: LiveRunRow, preparation: Preparation) -> Candidate:
    """Return a live run as what a search would call a candidate."""
    vectorizer = Vectorizer(name=live.vectorizer) if live.vectorizer else None
    return Candidate(
        estimator=live.estimator,
        params=live.hyperparameters,
        vectorizer=vectorizer,
        preparation=preparation,
    )


def take_terms(context: TaskContext, terms: dict[str, Any]) -> dict[str, Any]:
    """Let this run learn from the rows of another one, divided alike; return fields of its row."""
    plan = Plan.model_validate(terms["plan"])
    context.write_json(RATERS, terms["raters"])
    mine = plan.model_copy(update={"run": context.run})
    context.write(PLAN, lambda path: path.write_text(mine.model_dump_json()))
    return {"dataset_version": plan.dataset_version}


def _seed(context: TaskContext, live: LiveRunRow) -> int:
    """Return the seed of a run: all of a model have the same, so that their curves differ by what was set."""
    if live.parent is None:
        return seed_of(read_plan(context).salt)
    seed: int = _store(context, live.parent).terms()["seed"]
    return seed


def _live(context: TaskContext) -> LiveRunRow:
    with context.database.reading() as session:
        return session.get_one(LiveRunRow, context.run)


def _store(context: TaskContext, run: str | None = None) -> LiveStore:
    return LiveStore(context.database, open_report_store(context.settings), run or str(context.run))


def _set(context: TaskContext, **fields: Any) -> None:
    with context.database.transaction() as session:
        live = session.get_one(LiveRunRow, context.run)
        for name, value in fields.items():
            setattr(live, name, value)

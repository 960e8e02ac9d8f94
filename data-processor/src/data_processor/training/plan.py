"""The terms of a run, fixed in its first step: whatever happens meanwhile, all its steps agree on them."""

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from data_processor.datasets.version_store import open_version_store
from data_processor.features.schema import Holdout, Schema
from data_processor.features.ties import Cutoff
from data_processor.feedback.facts import AUTOMATIC
from data_processor.models.access import registry_of
from data_processor.models.policy import Policy
from data_processor.models.repository import serving_version
from data_processor.rows import DatasetVersionRow, ModelRow, RunRow
from data_processor.runs.context import TaskContext, TaskError

PLAN = "plan.json"


class Plan(BaseModel):
    """The terms of one run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    model: str
    stage: str
    salt: str
    by_score: bool
    """A fallen score or drift opened it: its validation and test rows are recent ones."""
    policy: Policy
    budget_s: float
    candidates: list[dict[str, Any]] | None
    seed: int
    code_revision: str
    champion: str | None
    """The version that held the stage when the run began; the promotion insists that it still does."""
    champion_feedback_seq: int | None
    """The number of the last feedback that the champion was trained on: later feedback is recent."""
    champion_holdout: Holdout = Holdout()
    """What was held out from the champion."""
    champion_cutoff: Cutoff | None = None
    """By time: the last that the champion was fitted to."""
    gate_number: int
    """Which gate against this champion it is, from 1."""
    dataset: str
    dataset_version: int
    dataset_revision: str
    feedback_seq: int
    schema_: Schema
    """The dataset's schema, as it was confirmed."""

    @property
    def opponent(self) -> str:
        """Whom the challenger meets at the gate, in words."""
        if self.champion is None:
            return "no champion"
        return f"champion: version {self.champion} (gate {self.gate_number} against it)"


def make_plan(context: TaskContext, row: RunRow, model: ModelRow, version: DatasetVersionRow) -> Plan:
    """Fix the terms of a run on a dataset version and keep them."""
    champion = champion_of(context, row)
    held = registry_of(context).manifest(row.model, champion) if champion else None
    policy = Policy.model_validate(model.policy)
    plan = Plan(
        run=row.id,
        model=row.model,
        stage=row.stage,
        salt=model.salt,
        by_score=row.trigger in AUTOMATIC,
        policy=policy,
        budget_s=row.options.get("budget_s", policy.budget_s),
        candidates=row.options.get("candidates"),
        seed=seed_of(row.id),
        code_revision=context.settings.code_revision,
        champion=champion,
        champion_feedback_seq=held.lineage.feedback_seq if held else None,
        champion_holdout=held.table.holdout if held else Holdout(),
        champion_cutoff=held.lineage.cutoff if held else None,
        gate_number=_gates_against(context, row, champion) + 1,
        dataset=version.dataset,
        dataset_version=version.version,
        dataset_revision=version.revision,
        feedback_seq=version.feedback_seq,
        schema_=open_version_store(context).schema(version.dataset),
    )
    context.write(PLAN, lambda path: path.write_text(plan.model_dump_json()))
    return plan


def read_plan(context: TaskContext) -> Plan:
    """Return the terms of this child's run."""
    return context.keep(PLAN, lambda: Plan.model_validate_json(context.path(PLAN).read_text()))


def rows_of(context: TaskContext) -> tuple[RunRow, ModelRow]:
    """Return the rows of this child's run and of its model; raises `TaskError` if the model is gone."""
    with context.database.reading() as session:
        row = session.get_one(RunRow, context.run)
        model = session.get(ModelRow, row.model)
    if model is None:
        raise TaskError(f"The model {row.model!r} no longer exists.")
    return row, model


def champion_of(context: TaskContext, row: RunRow) -> str | None:
    """Return the version that the run's stage serves, if any."""
    with context.database.reading() as session:
        return serving_version(session, row.model, row.stage)


def seed_of(name: str) -> int:
    """Return the seed of everything random that follows from a name: of a run from its id."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") >> 1


def _gates_against(context: TaskContext, row: RunRow, champion: str | None) -> int:
    """Count the gates that other runs have met against this champion."""
    query = select(func.count()).where(
        RunRow.model == row.model,
        RunRow.stage == row.stage,
        RunRow.champion == champion,
        RunRow.gate.is_not(None),
        RunRow.id != row.id,
    )
    with context.database.reading() as session:
        return session.scalar(query) or 0

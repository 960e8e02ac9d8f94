"""Models as people see them: which version is served, its score, and which others there are."""

from collections.abc import Container, Mapping
from typing import Any

from sqlalchemy.orm import Session

from data_processor.catalogue.schemas import AliasRefusal, ModelDetail, ModelRequest, ModelShort, VersionShort
from data_processor.database import Database
from data_processor.datasets.confirmed import Confirmed
from data_processor.datasets.repository import last_stored_upload, ready_dataset
from data_processor.features.schema import Schema
from data_processor.feedback.schemas import ModelScore
from data_processor.feedback.service import FeedbackService
from data_processor.models.ledger import Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.manifest import NewerVersionError, read_manifest
from data_processor.models.policy import Policy
from data_processor.models.policy_change import changed
from data_processor.models.refusals import Refusals
from data_processor.models.registry import Registry
from data_processor.models.waiting import why_unserved
from data_processor.rows import DatasetRow, ModelRow, PromotionRow, VersionRow
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.service.errors import Conflict, Invalid, NotFound
from data_processor.tasks.registry import picture_task, task_of
from data_processor.training.requests import check_candidates


class Catalogue:
    """Describes the models of one stage, and creates new ones."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        ledger: Ledger,
        feedback: FeedbackService,
        runs: Runs,
        *,
        loaded: LoadedVersions,
        stage: str,
    ) -> None:
        """Describe what this stage serves."""
        self._database = database
        self._registry = registry
        self._ledger = ledger
        self._loaded = loaded
        self._feedback = feedback
        self._runs = runs
        self._refusals = Refusals(database, stage)
        self._stage = stage

    def models(self) -> list[ModelShort]:
        """Describe every model in short."""
        current = self._ledger.all_current(self._stage)
        return [self._short(row, current.get(row.name)) for row in self._registry.list_models()]

    def model(self, name: str, *, ready: bool, problem: str | None) -> ModelDetail:
        """Describe one model: whether it answers, and what keeps its version from being served.

        Raises `NotFound`.
        """
        row = self._registry.get_model(name)
        entry = self._ledger.current(name, self._stage)
        table = self._table(row, entry)
        if entry is None and (known := self._registry.versions(name)):
            problem = why_unserved(known[0], self._stage)
        return ModelDetail(
            **self._short(row, entry).model_dump(),
            dataset=row.dataset,
            schema=table.json_schema(),
            columns=[column.name for column in table.inputs],
            target=row.target,
            classes=list(table.classes),
            policy=Policy.model_validate(row.policy),
            versions=self.versions(name),
            ready=ready,
            refusals=[AliasRefusal.model_validate(row) for row in self._refusals.of(name)],
            problem=problem,
        )

    def versions(self, model: str) -> list[VersionShort]:
        """Describe the versions of a model, newest first; raises `NotFound`."""
        stages: dict[str, list[str]] = {}
        for stage in ("staging", "main"):
            if entry := self._ledger.current(model, stage):
                stages.setdefault(entry.version, []).append(stage)
        loaded = self._loaded.of(model)
        return [
            _version(row, stages, loaded, self._registry.problem(row))
            for row in self._registry.versions(model)
        ]

    def create(self, asked: ModelRequest, subject: str) -> tuple[ModelRow, str]:
        """Create a model and queue the run that trains its first version; return both.

        Raises `NotFound` for an unknown dataset, `Conflict` for one that is not ready or a name that is
        taken, `Invalid` for a task that is not the dataset's and for every bad field of the policy.
        """
        chosen = asked.model_dump(include={"selection_metric", "preparation"}, exclude_none=True)
        with self._database.transaction() as session:
            dataset = _dataset_for(session, asked)
            if asked.task not in (None, dataset.task):
                message = f"is {asked.task!r}, but dataset {asked.dataset!r} is for {dataset.task!r}"
                raise Invalid(
                    "The model was not created.", errors=[{"loc": ["body", "task"], "message": message}]
                )
            check_candidates(dataset.task, asked.candidates)
            schema = Schema.model_validate(dataset.schema)
            upload = last_stored_upload(session, dataset.name)
            given = beginning(schema, upload.confirmed if upload else None)
            row = self._registry.create_model(
                session,
                asked.name,
                task=dataset.task,
                dataset=dataset.name,
                target=schema.target,
                policy=changed(given, {**asked.policy, **chosen}, dataset.task),
            )
            run = self._runs.open(
                session,
                row.name,
                trigger="initial",
                reason=f"{subject} created the model.",
                subject=subject,
                options=asked.model_dump(include={"candidates"}, exclude_none=True),
            )
            return row, run.id

    def _short(self, row: ModelRow, entry: PromotionRow | None) -> ModelShort:
        found = self._feedback.score(row.name, self._stage) if entry else None
        score = ModelScore.model_validate(found) if found else None
        return ModelShort(
            name=row.name,
            task=row.task,
            takes=task_of(row.task).description.takes,
            built_in=row.built_in,
            version=entry.version if entry else None,
            stage=self._stage,
            score=score,
            state=score.state if score else "collecting",
        )

    def _table(self, row: ModelRow, entry: PromotionRow | None) -> Schema:
        """Return the schema of what is served, or of the dataset before anything is."""
        if entry is not None:
            try:
                return self._registry.manifest(row.name, entry.version).table
            except NewerVersionError as newer:  # which is not asked, but shown
                return newer.known.table
        with self._database.reading() as session:
            dataset = session.get(DatasetRow, row.dataset)
        if dataset is None:
            raise NotFound(f"Model {row.name!r} has no version yet, and its dataset {row.dataset!r} is gone.")
        return Schema.model_validate(dataset.schema)


def _dataset_for(session: Session, asked: ModelRequest) -> DatasetRow:
    """Return the dataset of a new model: the one it names, or for pictures a gallery of its own."""
    task = picture_task(asked.task)
    problem = None
    if task is None and asked.dataset is None:
        problem = "must be named: the model learns from it"
    if task is not None and asked.dataset is not None:
        problem = "must be left out: a model for pictures makes its own as people are enrolled"
    if problem is not None:
        raise Invalid("The model was not created.", errors=[{"loc": ["body", "dataset"], "message": problem}])
    if task is None:
        found = ready_dataset(session, str(asked.dataset))
        if picture_task(found.task) is not None:
            message = f"{found.name!r} is the gallery of another model: leave it out, and name the task"
            raise Invalid(
                "The model was not created.", errors=[{"loc": ["body", "dataset"], "message": message}]
            )
        return found
    if session.get(DatasetRow, asked.name) is not None:
        raise Conflict(
            f"There is a dataset {asked.name!r}, and the model's own would have that name: choose another."
        )
    schema = task.gallery_schema.model_dump(mode="json")
    row = DatasetRow(name=asked.name, task=asked.task, schema=schema, state="ready", created_at=now())
    session.add(row)
    session.flush()
    return row


def beginning(schema: Schema, confirmed: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields of a policy that follow from the dataset a model is made on.

    How its columns are prepared was said when it was confirmed; the rest is its task's to say.
    """
    fields: dict[str, Any] = {}
    if confirmed is not None:
        preparation = Confirmed.model_validate(confirmed).preparation.for_models()
        fields["preparation"] = preparation.model_dump()
    target = next(column for column in schema.columns if column.name == schema.target)
    return fields | task_of(schema.task).first_policy(target)


def _version(
    row: VersionRow, stages: Mapping[str, list[str]], loaded: Container[str], problem: str | None
) -> VersionShort:
    try:
        manifest = read_manifest(row.manifest)
    except NewerVersionError as newer:
        manifest, problem = newer.known, problem or newer.detail
    return VersionShort(
        version=row.version,
        created_at=row.created_at,
        metrics=manifest.metrics,
        candidate=manifest.candidate,
        preparation=manifest.preparation,
        engine=manifest.engine,
        lineage=manifest.lineage,
        receipt=manifest.receipt,
        stages=stages.get(row.version, []),
        barred=row.barred,
        loaded=row.version in loaded,
        problem=problem,
    )

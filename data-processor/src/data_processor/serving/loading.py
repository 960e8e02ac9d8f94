"""Loads a version from the registry into memory: fetched, verified, loaded, and tried before it serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from data_processor.features.packing import Numbers, pack_rows
from data_processor.features.schema import Schema
from data_processor.models.engine import load_engine, verified
from data_processor.models.manifest import RECOGNISER_FILE, Manifest, NewerVersionError
from data_processor.models.policy import Policy
from data_processor.models.registry import ArtefactRejectedError, Registry
from data_processor.predictions.records import PredictionStore
from data_processor.serving.diagnosis import Limits
from data_processor.serving.recognition import FaceEngine, FaceTally, PictureValidator, Recognition
from data_processor.serving.tally import Tally
from data_processor.serving.validation import Validator
from data_processor.settings import Settings
from data_processor.tasks.faces.recogniser import RecogniserRejectedError, load_recogniser
from data_processor.tasks.registry import picture_task, row_task_of
from data_processor.tasks.task import Engine

WARM_ROWS = (1, 1, 64)
REPLAYED = 10
"""Recorded inputs that a version must answer before it is served."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """One version in memory, ready to answer."""

    model: str
    stage: str
    version: str
    manifest: Manifest
    engine: Engine
    policy: Policy
    validator: Validator | PictureValidator
    tally: Tally | FaceTally
    describe: Callable[[Numbers], list[bytes]]
    """Returns the JSON of each answer of the engine."""
    head: bytes
    """The JSON of a response up to its predictions."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that it can answer with; none for regression."""
        return self.manifest.table.classes


class Loader:
    """Brings versions into memory."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        predictions: PredictionStore,
        recognition: Recognition | None = None,
    ) -> None:
        """Load versions of the registry, and try each with the latest recorded predictions.

        Versions that recognise faces need `recognition`.
        """
        self._recognition = recognition
        self._settings = settings
        self._registry = registry
        self._predictions = predictions
        self._limits = Limits(settings.max_rows, settings.max_text_length)

    def load(self, model: str, version: str) -> LoadedModel:
        """Return a version that has passed its trial; blocks.

        Raises `NotFound`, `ArtefactRejectedError` for a version that is not what its manifest says, and
        whatever fetching and loading its files raise.
        """
        directory = self._registry.directory(model, version)
        manifest = self._registry.manifest(model, version)
        policy = Policy.model_validate(self._registry.get_model(model).policy)
        head = msgspec.json.encode({"model": model, "version": version, "stage": self._settings.stage})
        for_pictures = picture_task(manifest.table.task) is not None
        parts = self._recogniser if for_pictures else self._rows_engine
        return LoadedModel(
            model=model,
            stage=self._settings.stage,
            version=version,
            manifest=manifest,
            policy=policy,
            head=head[:-1] + b',"predictions":[',
            **parts(directory, manifest, policy),
        )

    def _rows_engine(self, directory: Path, manifest: Manifest, policy: Policy) -> dict[str, Any]:
        """Return what answers rows of a table."""
        settings, table = self._settings, manifest.table
        engine = load_engine(directory, manifest, settings.trusted_types, settings.inference_threads)
        recorded = self._predictions.page(manifest.model, limit=REPLAYED)
        _try(engine, manifest, [found.inputs for found in recorded])
        return {
            "engine": engine,
            "validator": Validator(table, policy, self._limits),
            "tally": Tally(table),
            "describe": partial(row_task_of(table.task).answers, schema=table),
        }

    def _recogniser(self, directory: Path, manifest: Manifest, _policy: Policy) -> dict[str, Any]:
        """Return what recognises faces: the version, and the model's gallery as it sees it."""
        if self._recognition is None:
            raise ArtefactRejectedError("Only a serving process recognises faces.")
        content = verified(directory, RECOGNISER_FILE, manifest)
        try:
            recogniser = load_recogniser(content, self._recognition.extractors)
        except RecogniserRejectedError as error:
            raise ArtefactRejectedError(
                f"Version {manifest.version} of {manifest.model!r} cannot be served: {error}"
            ) from error
        view = self._recognition.galleries.open(manifest.model, recogniser)
        engine = FaceEngine(view)
        engine.try_out()
        return {
            "engine": engine,
            "validator": PictureValidator(self._recognition.faces, view),
            "tally": FaceTally(),
            "describe": engine.describe,
        }

    def with_policy(self, loaded: LoadedModel, policy: Policy) -> LoadedModel:
        """Return the same version with another policy."""
        if isinstance(loaded.validator, PictureValidator):
            return replace(loaded, policy=policy)
        validator = Validator(loaded.manifest.table, policy, self._limits)
        return replace(loaded, policy=policy, validator=validator)


def reason_of(error: Exception) -> str:
    """Return why a version could not be loaded, as a caller may read it."""
    if isinstance(error, ArtefactRejectedError | NewerVersionError):
        return str(error)
    return f"loading it failed ({type(error).__name__}); see the log of the data-processor for the details."


def _try(engine: Engine, manifest: Manifest, recorded: Sequence[dict[str, Any]]) -> None:
    """Warm up an engine with default and recent inputs; reject it if its answers cannot be right."""
    table = manifest.table
    defaults: dict[str, Any] = {column.name: column.default_value for column in table.inputs}
    batches = [[row] * count for count in WARM_ROWS for row in (defaults, {})]
    batches += [[_known(row, table)] for row in recorded]
    for rows in batches:
        answer = engine.predict(*pack_rows(rows, table))
        if answer.shape != (len(rows), len(table.classes) or 1) or not np.isfinite(answer).all():
            raise ArtefactRejectedError(
                f"Version {manifest.version} of {manifest.model!r} does not answer every input with one "
                "finite number per class."
            )


def _known(row: dict[str, Any], table: Schema) -> dict[str, Any]:
    """Return the part of an input, recorded under whatever schema, that this schema takes."""
    kinds = {column.name: float | int if column.kind == "numeric" else str for column in table.inputs}
    return {name: value for name, value in row.items() if name in kinds and isinstance(value, kinds[name])}

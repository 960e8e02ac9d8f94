"""Comparing versions on request: asked for in `serve`, worked out in a child process that ends with it."""

import secrets
import shutil
from threading import Lock

from data_processor.database import Database, DatasetRow
from data_processor.models.registry import Registry
from data_processor.service.errors import Conflict, Invalid, NotFound, NotReady
from data_processor.settings import Settings
from data_processor.training.child import Child, ChildFailedError, ChildGoneError
from data_processor.training.schemas import Evaluation

TURN_S = 60
"""How long somebody waits for the evaluation before theirs."""


class Evaluations:
    """Evaluates versions, one request at a time."""

    def __init__(self, settings: Settings, database: Database, registry: Registry) -> None:
        """Evaluate what the registry has."""
        self._settings = settings
        self._database = database
        self._registry = registry
        self._turn = Lock()

    def evaluate(self, model: str, versions: list[str], dataset: str | None) -> Evaluation:
        """Compare versions on a dataset, or on the model's own reference rows: blocks for some seconds.

        Raises `NotFound` for what does not exist, `Invalid` for a version named twice, `Conflict` when the
        data does not suit the versions, `NotReady` when others are waited for.
        """
        name = self._check(model, versions, dataset)
        if not self._turn.acquire(timeout=TURN_S):
            raise NotReady("Another evaluation takes its time; try again.", headers={"Retry-After": "30"})
        folder = self._settings.runs_dir / f"evaluation-{secrets.token_hex(4)}"
        try:
            child = Child(self._settings, folder)
            try:
                found = child.ask("assess", model=model, versions=versions, dataset=name)
            finally:
                child.close()
        except ChildFailedError as error:
            raise Conflict(str(error)) from error
        except ChildGoneError as error:
            raise NotReady(str(error), headers={"Retry-After": "30"}) from error
        finally:
            self._turn.release()
            shutil.rmtree(folder, ignore_errors=True)
        return Evaluation.model_validate(found)

    def _check(self, model: str, versions: list[str], dataset: str | None) -> str:
        row = self._registry.get_model(model)
        if len(set(versions)) < len(versions):
            errors = [{"loc": ["body", "versions"], "message": "names a version twice"}]
            raise Invalid("The versions were not evaluated.", errors=errors)  # type: ignore[arg-type]
        for version in versions:
            self._registry.version(model, version)
        name = dataset or row.dataset
        with self._database.reading() as session:
            found = session.get(DatasetRow, name)
        if found is None:
            raise NotFound(f"There is no dataset {name!r}.")
        if found.state != "ready":
            raise Conflict(f"Dataset {name!r} is {found.state} and not ready yet.")
        return name

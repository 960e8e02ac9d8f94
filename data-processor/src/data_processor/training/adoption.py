"""Checking a version that came through MLflow, moved by hand or from another stage, before it is served."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from data_processor.adapters.mlflow_aliases import Known, MlflowAliases
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.models.manifest import MANIFEST_FILE, Manifest
from data_processor.models.registry import Registry
from data_processor.runs.child import Child, ChildFailedError, ChildGoneError
from data_processor.service.errors import Conflict, NotFound, Problem
from data_processor.settings import Settings


class VersionCheck:
    """Decides whether a version may be served, in a child process of its own."""

    def __init__(
        self, settings: Settings, registry: Registry, aliases: MlflowAliases, artefacts: MlflowArtefacts
    ) -> None:
        """Find versions in the registry first, and in MLflow those it does not know."""
        self._settings = settings
        self._registry = registry
        self._aliases = aliases
        self._artefacts = artefacts

    def __call__(self, model: str, version: str) -> str | None:
        """Return why a version may not be served, or None when its files passed every check."""

        def find(folder: Path) -> None:
            try:
                self._registry.version(model, version)
            except NotFound:
                source = self._aliases.source(model, version)
                self._registry.add_version(self._manifest(model, version, source, folder), source)

        return self._problem(model, version, find)

    def take_in(self, model: str, known: Known) -> str | None:
        """Make a version of another stage, its model and its dataset known here; return as `__call__`."""

        def settle(folder: Path) -> None:
            try:
                self._registry.version(model, known.version)
            except NotFound:
                manifest = self._manifest(model, known.version, known.source, folder)
                # That stage numbers its own feedback: here, the version counts as older than all of it.
                cutoff = manifest.lineage.cutoff
                older = cutoff and cutoff.model_copy(update={"feedback": 0})
                lineage = manifest.lineage.model_copy(update={"feedback_seq": 0, "cutoff": older})
                self._make_model(manifest)
                self._registry.add_version(manifest.model_copy(update={"lineage": lineage}), known.source)

        return self._problem(model, known.version, settle, take_in=True)

    def _problem(
        self, model: str, version: str, prepare: Callable[[Path], None], *, take_in: bool = False
    ) -> str | None:
        folder = Path(tempfile.mkdtemp(prefix="adoption-", dir=self._settings.runs_dir))
        try:
            prepare(folder)
            child = Child(self._settings, folder)
            try:
                if take_in:
                    child.ask("take_in_dataset", model=model, version=version)
                child.ask("inspect", model=model, version=version)
            finally:
                child.close()
        except (ChildFailedError, ChildGoneError, Problem, FileNotFoundError, ValueError) as error:
            return str(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return None

    def _make_model(self, manifest: Manifest) -> None:
        try:
            self._registry.create_model(
                None,
                manifest.model,
                task=manifest.table.task,
                dataset=manifest.lineage.dataset,
                target=manifest.table.target,
                policy=manifest.policy,
                salt=manifest.salt,
            )
        except Conflict:
            return  # this stage has it

    def _manifest(self, model: str, version: str, source: str, folder: Path) -> Manifest:
        """Fetch the `version.json` of a version; raises `ValueError` if it describes another one."""
        target = folder / MANIFEST_FILE
        self._artefacts.fetch(source, MANIFEST_FILE, target)
        try:
            manifest = Manifest.model_validate(json.loads(target.read_text()))
        except ValidationError as error:
            raise ValueError(
                f"{MANIFEST_FILE} of version {version} is not a valid manifest: {error}"
            ) from error
        if (manifest.model, manifest.version) != (model, version):
            described = f"version {manifest.version} of {manifest.model!r}"
            raise ValueError(f"{MANIFEST_FILE} of version {version} describes {described}.")
        return manifest

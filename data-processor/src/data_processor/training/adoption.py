"""Checking a version that somebody pointed MLflow's alias to, before a stage may serve it."""

import json
import shutil
import tempfile
from pathlib import Path

from pydantic import ValidationError

from data_processor.adapters.mlflow_aliases import MlflowAliases
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.models.manifest import MANIFEST_FILE, Manifest
from data_processor.models.registry import Registry
from data_processor.service.errors import NotFound, Problem
from data_processor.settings import Settings
from data_processor.training.child import Child, ChildFailedError, ChildGoneError


class VersionCheck:
    """Decides whether a version may be served, in a child process of its own."""

    def __init__(
        self, settings: Settings, registry: Registry, aliases: MlflowAliases, artefacts: MlflowArtefacts
    ) -> None:
        """Look for versions in the registry first, and in MLflow for those it does not know."""
        self._settings = settings
        self._registry = registry
        self._aliases = aliases
        self._artefacts = artefacts

    def __call__(self, model: str, version: str) -> str | None:
        """Return why a version may not be served, or None when its files passed every check."""
        folder = Path(tempfile.mkdtemp(prefix="adoption-", dir=self._settings.runs_dir))
        try:
            self._import(model, version, folder)
            child = Child(self._settings, folder)
            try:
                child.ask("inspect", model=model, version=version)
            finally:
                child.close()
        except (ChildFailedError, ChildGoneError, Problem, FileNotFoundError, ValueError) as error:
            return str(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return None

    def _import(self, model: str, version: str, folder: Path) -> None:
        """Take in a version that this stage sees for the first time, by the `version.json` it carries."""
        try:
            self._registry.version(model, version)
        except NotFound:
            source = self._aliases.source(model, version)
            target = folder / MANIFEST_FILE
            self._artefacts.fetch(source, MANIFEST_FILE, target)
            try:
                manifest = Manifest.model_validate(json.loads(target.read_text()))
            except ValidationError as error:
                raise ValueError(
                    f"{MANIFEST_FILE} of version {version} is not one of ours: {error}"
                ) from error
            if (manifest.model, manifest.version) != (model, version):
                described = f"version {manifest.version} of {manifest.model!r}"
                raise ValueError(f"{MANIFEST_FILE} of version {version} describes {described}.") from None
            self._registry.add_version(manifest, source)

"""Checking a version that MLflow proposes, by an alias that was moved or by what another stage says of it."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_processor.adapters.mlflow_aliases import Known
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.models.exchange import Exchange, in_any_stage
from data_processor.models.manifest import MANIFEST_FILE, Manifest, read_manifest
from data_processor.models.registry import Registry
from data_processor.runs.child import Child, ChildFailedError, ChildGoneError
from data_processor.service.errors import Conflict, NotFound, Problem
from data_processor.settings import Settings


class VersionCheck:
    """Decides whether a version may be served, in a child process of its own."""

    def __init__(
        self, settings: Settings, registry: Registry, artefacts: MlflowArtefacts, exchange: Exchange
    ) -> None:
        """Find versions in the registry, and in MLflow those that the other stage has signed."""
        self._settings = settings
        self._registry = registry
        self._artefacts = artefacts
        self._exchange = exchange

    def __call__(self, model: str, version: str) -> str | None:
        """Return why a version of this stage may not be served, or None when it passed every check."""
        return self._problem(model, version)

    def take_in(self, model: str, known: Known) -> str | None:
        """Make a version of another stage, its model and its dataset known here; return as `__call__`."""

        def settle(folder: Path) -> None:
            try:
                self._require_signed(known, self._registry.version(model, known.version).manifest)
            except NotFound:
                described = self._described(known, folder)
                manifest = _manifest(model, known.version, described)
                self._require_signed(known, described)
                self._make_model(manifest)
                self._registry.add_version(manifest, known.source, written=in_any_stage(described))

        return self._problem(model, known.version, settle)

    def _problem(self, model: str, version: str, take_in: Callable[[Path], None] | None = None) -> str | None:
        folder = Path(tempfile.mkdtemp(prefix="adoption-", dir=self._settings.runs_dir))
        try:
            if take_in is not None:
                take_in(folder)
            child = Child(self._settings, folder)
            try:
                if take_in is not None:
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

    def _described(self, known: Known, folder: Path) -> Any:
        """Fetch the `version.json` of a version; raises `ValueError` if it is no JSON."""
        target = folder / MANIFEST_FILE
        self._artefacts.fetch(known.source, MANIFEST_FILE, target)
        return json.loads(target.read_text())

    def _require_signed(self, known: Known, described: dict[str, Any]) -> None:
        """Raise `ValueError` unless the other stage has signed what MLflow says of this version."""
        if problem := self._exchange.problem(known, described):
            raise ValueError(problem)


def _manifest(model: str, version: str, described: dict[str, Any]) -> Manifest:
    """Return the manifest of a version; raises `ValueError` and `NewerVersionError`."""
    try:
        manifest = read_manifest(described)
    except ValidationError as error:
        raise ValueError(f"{MANIFEST_FILE} of version {version} is not a valid manifest: {error}") from error
    if (manifest.model, manifest.version) != (model, version):
        other = f"version {manifest.version} of {manifest.model!r}"
        raise ValueError(f"{MANIFEST_FILE} of version {version} describes {other}.")
    return manifest

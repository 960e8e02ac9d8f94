"""Models and their versions: what the platform knows about them, and verified local copies of their files."""

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.features.holdout import EXACT
from data_processor.models.manifest import MANIFEST_FILE, Manifest, read_manifest
from data_processor.models.policy import Policy
from data_processor.models.policy_change import changed
from data_processor.models.repository import find_model, find_version
from data_processor.models.signatures import Signer
from data_processor.models.uses import uses_of, why_kept
from data_processor.rows import LoadedRow, ModelRow, PersonRow, VersionRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict


class ArtefactStore(Protocol):
    """Where the files of versions are stored permanently."""

    def fetch(self, artefact_uri: str, name: str, target: Path) -> None:
        """Download one file of a version to a path."""


class ArtefactRejectedError(Exception):
    """A version is not one that this stage signed, or a file is not the one that its manifest describes."""


class Registry:
    """The models and versions of this stack."""

    def __init__(self, database: Database, models_dir: Path, store: ArtefactStore, signer: Signer) -> None:
        """Keep rows in the database, signed, and copies of files under `models_dir`."""
        self._signer = signer
        self._database = database
        self._models_dir = models_dir
        self._store = store
        self._manifests: dict[tuple[str, str], Manifest] = {}

    def create_model(
        self,
        session: Session | None,
        name: str,
        *,
        task: str,
        dataset: str,
        target: str,
        policy: Policy,
        salt: str | None = None,
    ) -> ModelRow:
        """Create a model, inside the caller's transaction if one is given; raises `Conflict` if it exists.

        The salt fixes for ever which rows are holdout rows; if none is given, it is random.
        """
        with self._transaction(session) as held:
            return add_model(held, name, task=task, dataset=dataset, target=target, policy=policy, salt=salt)

    def get_model(self, name: str, session: Session | None = None) -> ModelRow:
        """Return a model; raises `NotFound`."""
        with nullcontext(session) if session else self._database.reading() as held:
            return find_model(held, name)

    def list_models(self) -> list[ModelRow]:
        """Return every model by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(ModelRow).order_by(ModelRow.name)))

    def change_policy(self, name: str, changes: dict[str, Any]) -> Policy:
        """Merge changes into a model's policy; raises `Invalid` naming every bad field."""
        with self._database.transaction() as session:
            row = find_model(session, name, self._database)
            policy = changed(row.policy, changes, row.task)
            row.policy = policy.model_dump(mode="json")
            return policy

    def add_version(
        self,
        manifest: Manifest,
        artefact_uri: str,
        session: Session | None = None,
        *,
        written: dict[str, Any] | None = None,
    ) -> VersionRow:
        """Add a version and sign it: call this only for one that was made here, or whose origin was checked.

        `written` is the manifest as the stage that made it wrote it down, whose code may have been another.
        Repeating the call changes nothing; raises `Conflict` if another version holds its number.
        """
        described = written or manifest.model_dump(mode="json")
        with self._transaction(session) as held:
            find_model(held, manifest.model, self._database)
            row = held.get(VersionRow, (manifest.model, manifest.version))
            if row is None:
                row = VersionRow(
                    model=manifest.model,
                    version=manifest.version,
                    manifest=described,
                    artefact_uri=artefact_uri,
                    signature=self._signer.sign(described),
                )
                held.add(row)
                held.flush()
            elif row.manifest != described:
                raise Conflict(
                    f"Version {manifest.version} of {manifest.model!r} already exists and differs."
                )
            return row

    def versions(self, model: str) -> list[VersionRow]:
        """Return the versions of a model, newest first; raises `NotFound` for an unknown model."""
        query = (
            select(VersionRow)
            .where(VersionRow.model == model)
            .order_by(VersionRow.created_at.desc(), VersionRow.version.desc())
        )
        with self._database.reading() as session:
            find_model(session, model)
            return list(session.scalars(query))

    def version(self, model: str, version: str) -> VersionRow:
        """Return one version; raises `NotFound`."""
        with self._database.reading() as session:
            return find_version(session, model, version)

    def existing(self, keys: list[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these versions, each a model and a number, exist."""
        query = select(VersionRow.model, VersionRow.version)
        query = query.where(tuple_(VersionRow.model, VersionRow.version).in_(keys))
        with self._database.reading() as session:
            return {(model, version) for model, version in session.execute(query)}

    def manifest(self, model: str, version: str) -> Manifest:
        """Return the manifest of a version; raises `NotFound` and `NewerVersionError`."""
        known = self._manifests.get((model, version))
        if known is None:
            known = read_manifest(self.version(model, version).manifest)
            self._manifests[model, version] = known
        return known

    def problem(self, row: VersionRow) -> str | None:
        """Return why a version may not be loaded, or None if this stage has signed it."""
        return self._signer.problem(row)

    def directory(self, model: str, version: str) -> Path:
        """Return the folder with a version's verified files, downloading what is missing or damaged.

        Raises `NotFound` for an unknown version, `NewerVersionError` for one of a newer release, and
        `ArtefactRejectedError` for one that this stage has not signed and for a file that is not its own.
        """
        row = self.version(model, version)
        if problem := self.problem(row):
            raise ArtefactRejectedError(problem)
        manifest = self.manifest(model, version)
        folder = self._models_dir / model / version
        if not _damaged(folder, manifest):
            return folder
        partial = folder.with_name(f".{version}.{secrets.token_hex(6)}")
        partial.mkdir(parents=True)
        try:
            for name in manifest.artefacts:
                if Path(name).name != name:
                    raise ArtefactRejectedError(f"{name!r} is a path, not the name of a version's file.")
                self._store.fetch(row.artefact_uri, name, partial / name)
            (partial / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2))
            if damaged := _damaged(partial, manifest):
                raise ArtefactRejectedError(
                    f"{damaged} of version {version} of {model!r} does not have the SHA-256 of its manifest."
                )
            _replace(partial, folder, manifest)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    def delete_version(self, model: str, version: str) -> None:
        """Forget a version; raises `Conflict` while something needs it (`uses.py`)."""
        with self._database.transaction() as session:
            find_model(session, model, self._database)
            find_version(session, model, version)
            if use := uses_of(session, model).get(version):
                raise Conflict(f"Version {version} of {model!r} cannot be deleted: {use}.")
            self._forget(session, model, [version])

    def delete_unused_versions(self, model: str) -> list[str]:
        """Forget every version that nothing needs (`uses.py`); return which."""
        with self._database.transaction() as session:
            find_model(session, model, self._database)
            used = uses_of(session, model)
            known = session.scalars(select(VersionRow.version).where(VersionRow.model == model))
            unused = [version for version in known if version not in used]
            self._forget(session, model, unused)
            return unused

    def delete_model(self, model: str) -> None:
        """Forget a model and its versions; raises `Conflict` for a default, or while something needs it."""
        with self._database.transaction() as session:
            row = find_model(session, model, self._database)
            if problem := why_kept(session, row):
                raise problem
            self._forget_model(session, row)

    def delete_unused_models(self, dataset: str | None = None) -> tuple[list[str], dict[str, str]]:
        """Forget every model that people made and nothing needs, of one dataset if one is given.

        Return which, and why each of the others stays.
        """
        query = select(ModelRow).order_by(ModelRow.name)
        query = query.where(ModelRow.dataset == dataset) if dataset is not None else query
        deleted: list[str] = []
        kept: dict[str, str] = {}
        with self._database.transaction() as session:
            for row in session.scalars(self._database.lock(query)):
                if problem := why_kept(session, row):
                    kept[row.name] = problem.detail
                else:
                    self._forget_model(session, row)
                    deleted.append(row.name)
        return deleted, kept

    def _forget_model(self, session: Session, row: ModelRow) -> None:
        known = list(session.scalars(select(VersionRow.version).where(VersionRow.model == row.name)))
        self._forget(session, row.name, known)
        # Who was enrolled in its gallery goes with it (`gallery/forgetting.py`).
        enrolled = update(PersonRow).where(PersonRow.model == row.name)
        session.execute(enrolled.values(forgotten_at=now()))
        session.delete(row)

    def _forget(self, session: Session, model: str, versions: list[str]) -> None:
        gone = (VersionRow.model == model) & VersionRow.version.in_(versions)
        session.execute(delete(VersionRow).where(gone))
        loaded = (LoadedRow.model == model) & LoadedRow.version.in_(versions)
        session.execute(delete(LoadedRow).where(loaded))
        for version in versions:
            self._manifests.pop((model, version), None)
            shutil.rmtree(self._models_dir / model / version, ignore_errors=True)

    @contextmanager
    def _transaction(self, session: Session | None) -> Iterator[Session]:
        with nullcontext(session) if session else self._database.transaction() as held:
            yield held


def add_model(
    session: Session,
    name: str,
    *,
    task: str,
    dataset: str,
    target: str,
    policy: Policy,
    salt: str | None = None,
    built_in: bool = False,
) -> ModelRow:
    """Add a model to the records; raises `Conflict` if it exists. Without a salt it gets a random one."""
    if session.get(ModelRow, name) is not None:
        raise Conflict(f"There is already a model {name!r}.")
    row = ModelRow(
        name=name,
        task=task,
        dataset=dataset,
        target=target,
        salt=salt or f"{EXACT}{secrets.token_hex(13)}",
        policy=policy.model_dump(mode="json"),
        built_in=built_in,
    )
    session.add(row)
    session.flush()
    return row


def _damaged(folder: Path, manifest: Manifest) -> str | None:
    """Return the first file that is missing or not what the manifest says, if there is one."""
    for name, artefact in manifest.artefacts.items():
        path = folder / name
        if not path.is_file():
            return name
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != artefact.sha256:
                return name
    return None


def _replace(partial: Path, folder: Path, manifest: Manifest) -> None:
    """Put a verified folder in place; another process may have been faster."""
    if folder.exists():
        stale = folder.with_name(f"{partial.name}.stale")
        folder.rename(stale)
        shutil.rmtree(stale, ignore_errors=True)
    try:
        partial.rename(folder)
    except OSError:
        if _damaged(folder, manifest):
            raise

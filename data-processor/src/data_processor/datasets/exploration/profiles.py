"""The profiles of dataset versions as people ask for them: computed by a run, then stored."""

from contextlib import suppress
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.datasets.exploration.schemas import FORMAT, ProfileComputing
from data_processor.datasets.repository import find_dataset, newest_uploaded_version
from data_processor.rows import OPEN_RUN, DatasetProfileRow, DatasetRow, DatasetVersionRow, RunRow
from data_processor.runs.repository import open_runs
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, NotFound
from data_processor.tasks.registry import picture_task

KIND = "profile"
Part = Literal["profile", "report"]


class Profiles:
    """Answers requests for profiles; the worker computes them."""

    def __init__(self, database: Database, runs: Runs) -> None:
        """Read these records and queue runs."""
        self._database = database
        self._runs = runs

    def read(self, dataset: str, version: int | None, part: Part, subject: str) -> str | ProfileComputing:
        """Return the profile of a version (JSON) or its report (HTML); none given: of the newest upload.

        It is computed if nobody asked before. Raises `NotFound`, and `Conflict` if there is no version yet or
        the last attempt came to nothing: then it is for `ask_again` to try another time.
        """
        with self._database.reading() as session:
            number = _version(session, dataset, version)
            content = _kept(session, dataset, number, part)
        if content is not None:
            return content
        with self._database.transaction() as session:
            _lock(self._database, session, dataset)
            last = _last_run(session, dataset, number)
            if last is not None and last.status in ("failed", "cancelled"):
                why = last.error or "It was cancelled."
                raise Conflict(
                    f"The profile of version {number} of dataset {dataset!r} was not computed: {why} "
                    "POST to this address to have it computed again.",
                    run=last.id,
                    error=why,
                )
            return _described(_queue(self._runs, session, dataset, number, subject))

    def ask_again(self, dataset: str, version: int | None, subject: str) -> ProfileComputing:
        """Have a profile computed again, unless that is being done; the present one stays until then.

        Raises as `read` does, but for an attempt that came to nothing.
        """
        with self._database.transaction() as session:
            number = _version(session, dataset, version)
            _lock(self._database, session, dataset)
            return _described(_queue(self._runs, session, dataset, number, subject))


def explore_stored(runs: Runs, session: Session, dataset: str, version: int) -> None:
    """Have the profile of a version that was just stored computed before anybody asks for it."""
    if _kept(session, dataset, version, "profile") is None:
        _queue(runs, session, dataset, version, PLATFORM)


def cancel_profiles(database: Database, runs: Runs, dataset: str) -> None:
    """Cancel the profile runs of a dataset that is being deleted: nobody will read them."""
    with database.reading() as session:
        found = open_runs(session, dataset=dataset, kinds=[KIND])
    for row in found:
        with suppress(Conflict):  # it came to its end meanwhile
            runs.cancel(row.id, PLATFORM)


def _queue(runs: Runs, session: Session, dataset: str, version: int, subject: str) -> RunRow:
    """Queue the run that computes a profile, or return the one that is open; the caller holds the dataset."""
    last = _last_run(session, dataset, version)
    if last is not None and last.status in OPEN_RUN:
        return last
    stored = subject == PLATFORM
    return runs.queue(
        session,
        KIND,
        dataset=dataset,
        dataset_version=version,
        trigger="upload" if stored else "manual",
        reason="A new version was stored." if stored else f"{subject} asked for it.",
        subject=subject,
    )


def _version(session: Session, dataset: str, version: int | None) -> int:
    if picture_task(find_dataset(session, dataset).task) is not None:
        raise Conflict(f"Dataset {dataset!r} is a gallery: it has faces, and no columns to describe.")
    if version is not None:
        if session.get(DatasetVersionRow, (dataset, version)) is None:
            raise NotFound(f"Dataset {dataset!r} has no version {version}.")
        return version
    newest = newest_uploaded_version(session, dataset)
    if newest is None:
        raise Conflict(
            f"Dataset {dataset!r} has no version yet: confirm its columns, and wait until it is stored."
        )
    return newest.version


def _kept(session: Session, dataset: str, version: int, part: Part) -> str | None:
    content = DatasetProfileRow.profile if part == "profile" else DatasetProfileRow.report
    query = select(content).where(
        DatasetProfileRow.dataset == dataset,
        DatasetProfileRow.version == version,
        DatasetProfileRow.format == FORMAT,
    )
    return session.scalar(query)


def _last_run(session: Session, dataset: str, version: int) -> RunRow | None:
    query = select(RunRow).where(
        RunRow.kind == KIND, RunRow.dataset == dataset, RunRow.dataset_version == version
    )
    return session.scalar(query.order_by(RunRow.created_at.desc()).limit(1))


def _lock(database: Database, session: Session, dataset: str) -> None:
    """Let nobody else queue a run of this dataset, nor delete it, until the transaction ends."""
    session.execute(database.lock(select(DatasetRow.name).where(DatasetRow.name == dataset)))


def _described(row: RunRow) -> ProfileComputing:
    assert row.dataset is not None  # noqa: S101  # both are what these runs are about
    assert row.dataset_version is not None  # noqa: S101
    return ProfileComputing(
        dataset=row.dataset, version=row.dataset_version, run=row.id, progress=row.progress
    )

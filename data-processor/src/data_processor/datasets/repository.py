"""The queries on datasets, their uploaded files and their versions."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.database import Database
from data_processor.rows import DELETING, DatasetRow, DatasetUploadRow, DatasetVersionRow, ModelRow
from data_processor.service.errors import Conflict, NotFound


def find_dataset(
    session: Session, name: str, lock: Database | None = None, *, deleting: bool = False
) -> DatasetRow:
    """Return a dataset, locked until the transaction ends if a database is given; raises `NotFound`.

    One that is being deleted is found only with `deleting`.
    """
    query = select(DatasetRow).where(DatasetRow.name == name)
    row = session.scalar(lock.lock(query) if lock else query)
    if row is None or (row.state == DELETING and not deleting):
        raise NotFound(f"There is no dataset {name!r}.")
    return row


def ready_dataset(session: Session, name: str) -> DatasetRow:
    """Return a dataset that has a version; raises `NotFound`, and `Conflict` before it has one."""
    row = find_dataset(session, name)
    if row.state != "ready":
        raise Conflict(f"Dataset {name!r} is {row.state} and not ready yet.")
    return row


def newest_upload(session: Session, dataset: str) -> DatasetUploadRow | None:
    """Return the newest file of a dataset, whatever became of it."""
    query = select(DatasetUploadRow).where(DatasetUploadRow.dataset == dataset)
    return session.scalar(query.order_by(DatasetUploadRow.created_at.desc()).limit(1))


def stored_uploads(session: Session, dataset: str, limit: int | None = None) -> list[DatasetUploadRow]:
    """Return the files of a dataset that became versions, newest first."""
    query = select(DatasetUploadRow).where(
        DatasetUploadRow.dataset == dataset, DatasetUploadRow.state == "ready"
    )
    return list(session.scalars(query.order_by(DatasetUploadRow.created_at.desc()).limit(limit)))


def last_stored_upload(session: Session, dataset: str) -> DatasetUploadRow | None:
    """Return the newest file of a dataset that became a version."""
    return next(iter(stored_uploads(session, dataset, limit=1)), None)


def versions_of(session: Session, dataset: str) -> list[DatasetVersionRow]:
    """Return the versions of a dataset, oldest first."""
    query = select(DatasetVersionRow).where(DatasetVersionRow.dataset == dataset)
    return list(session.scalars(query.order_by(DatasetVersionRow.version)))


def newest_uploaded_version(session: Session, dataset: str) -> DatasetVersionRow | None:
    """Return the newest version of a dataset that was uploaded, which no snapshot is."""
    query = select(DatasetVersionRow).where(
        DatasetVersionRow.dataset == dataset, DatasetVersionRow.kind == "upload"
    )
    return session.scalar(query.order_by(DatasetVersionRow.version.desc()).limit(1))


def models_on(session: Session, dataset: str) -> list[str]:
    """Return the names of the models on a dataset."""
    query = select(ModelRow.name).where(ModelRow.dataset == dataset)
    return list(session.scalars(query.order_by(ModelRow.name)))

"""Datasets: their versions, uploads and profiles."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from data_processor.rows.base import Base
from data_processor.service.database import now

DELETING = "deleting"
"""The state of a dataset that is hidden from everybody while the last of it is being removed."""


class DatasetRow(Base):
    """A named table under DVC."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    schema: Mapped[dict[str, Any]]
    """`features/schema.py: Schema`."""
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetVersionRow(Base):
    """One immutable DVC revision of a dataset."""

    __tablename__ = "dataset_versions"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[str]
    """The git commit in the dataset repository."""
    kind: Mapped[str]
    """`upload`, or `snapshot`: the last upload with the labelled feedback behind it."""
    rows: Mapped[int]
    feedback_seq: Mapped[int] = mapped_column(default=0)
    """The number of the last feedback in it; later feedback is recent to a version trained on it."""
    sha256: Mapped[str]
    purged_at: Mapped[datetime | None]
    """When its table was deleted for good, because somebody in it was forgotten."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetUploadRow(Base):
    """One uploaded file on its way to a version: proposed → storing → ready or failed."""

    __tablename__ = "dataset_uploads"
    __table_args__ = (Index("dataset_uploads_of_a_dataset", "dataset", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Also the name of its folder, and what its version was requested by."""
    dataset: Mapped[str]
    state: Mapped[str] = mapped_column(default="proposed")
    proposal: Mapped[dict[str, Any]]
    """What its columns seem to be, and how the file was read (`datasets/proposing.py`)."""
    difference: Mapped[dict[str, Any] | None]
    """How it differs from the version before (`datasets/difference.py`), if there is one."""
    confirmed: Mapped[dict[str, Any] | None]
    """What a person confirmed (`datasets/confirmed.py: Confirmed`)."""
    attempt: Mapped[int] = mapped_column(default=0)
    """How often it was confirmed: each time starts a run."""
    run: Mapped[str | None]
    """The run that stores it, or the last one that tried."""
    version: Mapped[int | None]
    """The dataset version it became."""
    stored: Mapped[dict[str, Any] | None]
    """What was found when it was stored: rows, class counts, data-quality warnings."""
    error: Mapped[str | None]
    subject: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetProfileRow(Base):
    """The profile of a dataset version, computed once (`datasets/exploration/`)."""

    __tablename__ = "dataset_profiles"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    format: Mapped[int]
    """The version of the profile's format."""
    profile: Mapped[str]
    """JSON, `datasets/exploration/schemas.py: Profile`."""
    report: Mapped[str]
    """One HTML file."""
    made_at: Mapped[datetime] = mapped_column(default=now)

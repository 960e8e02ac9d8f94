"""What the routes of datasets take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from data_processor.features.schema import Kind

DatasetState = Literal["proposed", "storing", "ready", "failed"]
DatasetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class ProposedColumn(BaseModel):
    """One column, and what it seems to be."""

    name: str
    kind: Kind
    reason: str = Field(description="Why this kind is proposed.")
    type: str = Field(description="What its values are: integer, number, boolean, datetime or text.")
    missing: int
    distinct: int = Field(description="Different values, missing ones apart.")
    examples: list[Any]
    counts: dict[str, int] = Field(description="How often each value is there; empty if there are many.")
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    renamed: str | None = Field(None, description="What the version before calls it.")


class DatasetWarning(BaseModel):
    """One thing to know before training."""

    code: str
    column: str | None
    message: str


class FileSource(BaseModel):
    """How the file was read."""

    format: Literal["csv", "parquet", "xlsx", "json"]
    header: bool
    encoding: str | None
    delimiter: str | None
    decimal: str | None
    notes: list[str]


class DatasetDifference(BaseModel):
    """How a file differs from the version before it."""

    version: int = Field(description="The version it is compared with.")
    rows: dict[str, int]
    added: list[str] = Field(description="Columns that are new.")
    removed: list[str] = Field(description="Columns that are gone.")
    changed: list[dict[str, Any]] = Field(description="What is different in a column, before and after.")


class DatasetProposal(BaseModel):
    """What an uploaded file seems to hold."""

    name: str
    state: DatasetState
    rows: int
    columns: list[ProposedColumn]
    target: str | None = Field(description="The column that is probably to be predicted.")
    warnings: list[DatasetWarning] = Field(description="Those of the target are about the proposed one.")
    source: FileSource
    difference: DatasetDifference | None


class DatasetStoring(BaseModel):
    """A confirmed dataset that is being stored."""

    name: str
    state: Literal["storing"]
    run: str = Field(description="The run that stores it.")


class DatasetColumn(BaseModel):
    """One column of a stored dataset."""

    name: str
    kind: Kind


class DatasetShort(BaseModel):
    """One dataset in a list."""

    name: str
    state: DatasetState = Field(description="Of the newest file; `version` is what can be used meanwhile.")
    version: int | None = Field(description="The newest version that is stored.")
    rows: int
    task: str | None
    target: str | None
    created_at: datetime


class DatasetDetail(DatasetShort):
    """One dataset with everything that is known of it."""

    classes: dict[str, int] = Field(description="How many rows each class has; empty for a regression.")
    columns: list[DatasetColumn] = Field(description="As confirmed; before that, as proposed.")
    warnings: list[DatasetWarning]
    proposal: DatasetProposal | None = Field(description="Of the newest file.")
    tables: list[str] = Field(description="Its tables in the warehouse.")
    models: list[str] = Field(description="The models that use it.")
    error: str | None = Field(description="Why the newest file could not be stored, if it could not.")
    run: str | None = Field(description="The run that stores the newest file, or did; null before it.")


class DatasetVersion(BaseModel):
    """One immutable version of a dataset."""

    version: int
    kind: Literal["upload", "snapshot"]
    rows: int
    revision: str
    created_at: datetime
    difference: DatasetDifference | None = Field(description="From the upload before, if there was one.")

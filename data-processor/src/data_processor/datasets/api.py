"""The routes of datasets: upload, confirm, show, delete."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_processor.caller import Caller, CallerDep
from data_processor.datasets import description
from data_processor.datasets.confirmed import SchemaConfirmation
from data_processor.datasets.deletion import Deletion
from data_processor.datasets.folder import SOURCE_FILE
from data_processor.datasets.schemas import (
    DatasetDetail,
    DatasetName,
    DatasetProposal,
    DatasetShort,
    DatasetStoring,
    DatasetVersion,
    ProposedHoldout,
)
from data_processor.datasets.service import DatasetService
from data_processor.datasets.spooling import FILE_FIELD, Spool
from data_processor.dependencies import current_state
from data_processor.service.errors import BadRequest, FieldError, Invalid

PATH = "/v1/datasets"
FORM_BYTES = 64 * 1024
"""How much larger a form may be than the file in it."""


class ReadingFields(BaseModel):
    """How to read a file; what is left out is detected."""

    model_config = ConfigDict(extra="forbid")

    delimiter: str | None = Field(
        None, pattern=r"^[^\r\n\"A-Za-z0-9]$|^tab$", description="What separates the columns of a CSV."
    )
    encoding: str | None = Field(
        None, max_length=40, description="The encoding of a CSV or JSON file, e.g. cp1252."
    )
    decimal: Literal[".", ","] | None = Field(None, description="The decimal mark of a CSV.")
    header: bool | None = Field(None, description="Whether the first row names the columns.")
    skip_rows: int | None = Field(
        None, ge=0, le=1000, description="How many rows above the table to leave out: titles, comments."
    )
    skip_footer: int | None = Field(
        None, ge=0, le=20, description="How many rows below it to leave out: totals, notes."
    )
    index: Literal["keep", "drop"] | None = Field(
        None, description="What to do with row labels: a first column without a name, or a frame's index."
    )


class UploadForm(ReadingFields):
    """The fields beside the file; all but the name are detected if they are left out."""

    name: DatasetName


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    datasets: DatasetService
    deletion: Deletion


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(prefix=PATH, tags=["datasets"])
_form = UploadForm.model_json_schema()
_body = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                **_form,
                "properties": {FILE_FIELD: {"type": "string", "format": "binary"}, **_form["properties"]},
                "required": [FILE_FIELD, *_form["required"]],
            }
        }
    },
}


@router.post("", status_code=201, openapi_extra={"requestBody": _body})
async def upload_dataset(request: Request, state: StateDep, caller: CallerDep) -> DatasetProposal:
    """Upload a table as CSV, Parquet, XLSX or JSON; the answer proposes what its columns are.

    For a dataset that exists, it becomes the next version once its columns are confirmed.
    """
    folder = await asyncio.to_thread(state.datasets.new_folder)
    async with _removed_if_refused(folder):
        spool = Spool(request.headers.get("content-type", ""), folder / SOURCE_FILE)
        await spool.take(request.stream())
        form = _checked(spool.fields)
        await asyncio.to_thread(state.datasets.check_free, form.name)
        hints = _hints(form.model_dump(exclude={"name"}))
        return await _propose(request, state, folder, form.name, spool.filename or "", hints, caller)


@router.put("/{dataset}/reading")
async def read_dataset_again(
    dataset: str, body: ReadingFields, request: Request, state: StateDep, caller: CallerDep
) -> DatasetProposal:
    """Read the newest file of a dataset in another way, before its columns are confirmed.

    Fields that are left out stay as they were; null has them detected again.
    """
    folder, filename, hints = await asyncio.to_thread(state.datasets.source_again, dataset)
    async with _removed_if_refused(folder):
        hints |= _hints(body.model_dump(exclude_unset=True))
        return await _propose(request, state, folder, dataset, filename, hints, caller)


@router.put("/{dataset}/schema", status_code=202)
def confirm_dataset(
    dataset: str, body: SchemaConfirmation, state: StateDep, caller: CallerDep
) -> DatasetStoring:
    """Confirm what the columns are and which one to predict; this starts the run that stores the dataset."""
    run = state.datasets.confirm(dataset, body, caller.subject)
    return DatasetStoring(name=dataset, state="storing", run=run)


@router.get("/{dataset}/holdout")
async def audit_dataset(
    dataset: str,
    target: Annotated[str, Query(max_length=200, description="The column to predict.")],
    state: StateDep,
    _caller: CallerDep,
) -> ProposedHoldout:
    """Show whether rows of the newest file belong together, for a target; measuring it takes some seconds."""
    return ProposedHoldout.model_validate(await state.datasets.audit(dataset, target))


@router.get("")
def list_datasets(state: StateDep, _caller: CallerDep) -> list[DatasetShort]:
    """List the datasets by name."""
    return [description.short(*found) for found in state.datasets.rows()]


@router.get("/{dataset}")
def read_dataset(dataset: str, state: StateDep, _caller: CallerDep) -> DatasetDetail:
    """Show a dataset: its state, its columns and how many rows each class has."""
    return description.detail(*state.datasets.row(dataset))


@router.delete("/{dataset}", status_code=204)
def delete_dataset(dataset: str, state: StateDep, _caller: CallerDep) -> None:
    """Delete a dataset; 409 while a model uses it."""
    state.deletion.delete(dataset)


@router.get("/{dataset}/versions")
def list_dataset_versions(dataset: str, state: StateDep, _caller: CallerDep) -> list[DatasetVersion]:
    """List the versions of a dataset, newest first, each with its difference from the one before."""
    return [description.version_of(*found) for found in state.datasets.versions(dataset)]


@asynccontextmanager
async def _removed_if_refused(folder: Path) -> AsyncIterator[None]:
    """Remove the folder of an upload if nothing comes of it."""
    try:
        yield
    except BaseException:  # a hung-up client cancels this
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
        raise


async def _propose(  # noqa: PLR0917  # what a reading is made of
    request: Request,
    state: State,
    folder: Path,
    name: str,
    filename: str,
    hints: dict[str, Any],
    caller: Caller,
) -> DatasetProposal:
    reading = asyncio.ensure_future(state.datasets.read(folder, name, filename, hints))
    hung_up = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait((reading, hung_up), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise BadRequest("The sender hung up before the file was read: nothing was stored.")
        found = reading.result()
    finally:
        hung_up.cancel()
        reading.cancel()
        await asyncio.wait((reading, hung_up))
    upload = await asyncio.to_thread(state.datasets.propose, folder, name, found, caller.subject)
    return description.proposal_of(upload)


async def _hung_up(request: Request) -> None:
    """Return when the sender of a request, whose body has been read, is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _hints(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: "\t" if (name, value) == ("delimiter", "tab") else value for name, value in fields.items()}


def _checked(fields: dict[str, str]) -> UploadForm:
    """Return the fields of a form; an empty one was left out. Raises `Invalid` naming every bad one."""
    try:
        return UploadForm.model_validate({name: value for name, value in fields.items() if value != ""})
    except ValidationError as error:
        errors = [
            FieldError(loc=["body", *found["loc"]], message=_with_value(found["msg"], found))
            for found in error.errors()
        ]
        raise Invalid("The form is not valid; nothing was stored.", errors=errors) from error


def _with_value(message: str, found: Mapping[str, Any]) -> str:
    wrong_value = found["type"] not in ("missing", "extra_forbidden")
    return f"{message}, not {str(found['input'])[:60]!r}" if wrong_value else message

"""The routes of datasets: upload, confirm, show, delete."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_processor.caller import Caller, CallerDep
from data_processor.datasets import description
from data_processor.datasets.confirmation import SchemaConfirmation
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
from data_processor.service.errors import FieldError, Invalid

PATH = "/v1/datasets"
SOURCE_FILE = "source"
FORM_BYTES = 64 * 1024
"""How much larger a form may be than the file in it."""


class UploadForm(BaseModel):
    """The fields beside the file; all but the name are detected if they are left out."""

    model_config = ConfigDict(extra="forbid")

    name: DatasetName
    delimiter: str | None = Field(
        None, pattern=r"^[^\r\n\"A-Za-z0-9]$|^tab$", description="What separates the columns of a CSV."
    )
    encoding: str | None = Field(None, max_length=40, description="The encoding of a CSV, e.g. cp1252.")
    decimal: Literal[".", ","] | None = Field(None, description="The decimal mark of a CSV.")
    header: bool | None = Field(None, description="Whether the first row names the columns.")


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    datasets: DatasetService


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
    try:
        spool = Spool(request.headers.get("content-type", ""), folder / SOURCE_FILE)
        await spool.take(request.stream())
        form = _checked(spool.fields)
        return await _propose(state, folder, form, spool.filename or "", caller)
    except BaseException:  # a hung-up client cancels this
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
        raise


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
    async with state.datasets.turns:
        found = await asyncio.to_thread(state.datasets.audit, dataset, target)
    return ProposedHoldout.model_validate(found)


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
    state.datasets.delete(dataset)


@router.get("/{dataset}/versions")
def list_dataset_versions(dataset: str, state: StateDep, _caller: CallerDep) -> list[DatasetVersion]:
    """List the versions of a dataset, newest first, each with its difference from the one before."""
    return [description.version_of(*found) for found in state.datasets.versions(dataset)]


async def _propose(
    state: State, folder: Path, form: UploadForm, filename: str, caller: Caller
) -> DatasetProposal:
    await asyncio.to_thread(state.datasets.check_free, form.name)
    hints = form.model_dump(exclude={"name"})
    hints["delimiter"] = "\t" if form.delimiter == "tab" else form.delimiter
    async with state.datasets.turns:
        # Shielded: a thread cannot be stopped, and its folder must not vanish under it.
        reading = asyncio.ensure_future(
            asyncio.to_thread(state.datasets.propose, folder, form.name, filename, hints, caller.subject)
        )
        try:
            upload = await asyncio.shield(reading)
        except asyncio.CancelledError:
            await reading
            raise
    return description.proposal_of(upload)


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

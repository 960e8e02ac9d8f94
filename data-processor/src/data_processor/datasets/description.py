"""Datasets as the public API describes them."""

from collections.abc import Mapping
from typing import Any, cast

from data_processor.datasets.schemas import (
    DatasetColumn,
    DatasetDetail,
    DatasetProposal,
    DatasetShort,
    DatasetState,
    DatasetVersion,
)
from data_processor.features.schema import Schema
from data_processor.rows import DatasetRow, DatasetUploadRow, DatasetVersionRow


def proposal_of(upload: DatasetUploadRow) -> DatasetProposal:
    """Describe an uploaded file."""
    columns = [
        {**column, "reading": column["readings"][0]["reading"]} if column.get("readings") else column
        for column in upload.proposal["columns"]
    ]
    return DatasetProposal.model_validate(
        {
            **upload.proposal,
            "columns": columns,
            "name": upload.dataset,
            "state": upload.state,
            "difference": upload.difference,
        }
    )


def short(
    row: DatasetRow, upload: DatasetUploadRow | None, version: DatasetVersionRow | None
) -> DatasetShort:
    """Describe a dataset in short."""
    schema = Schema.model_validate(row.schema) if row.schema else None
    proposed = upload.proposal if upload else {}
    return DatasetShort(
        name=row.name,
        state=cast("DatasetState", upload.state if upload else row.state),
        version=version.version if version else None,
        rows=_rows(upload, version),
        task=row.task or None,
        target=schema.target if schema else _asked_target(upload) or proposed.get("target"),
        created_at=row.created_at,
    )


def detail(
    row: DatasetRow,
    upload: DatasetUploadRow | None,
    version: DatasetVersionRow | None,
    models: list[str],
) -> DatasetDetail:
    """Describe a dataset."""
    stored: Mapping[str, Any] = (upload.stored if upload else None) or {}
    proposal = proposal_of(upload) if upload else None
    warnings = (
        stored.get("warnings") if stored else [w.model_dump() for w in proposal.warnings] if proposal else []
    )
    return DatasetDetail.model_validate(
        {
            **short(row, upload, version).model_dump(),
            "classes": stored.get("classes") if stored else _classes(upload),
            "columns": _columns(row, upload),
            "holdout": Schema.model_validate(row.schema).holdout if row.schema else None,
            "warnings": warnings,
            "proposal": proposal,
            "tables": stored.get("tables", []),
            "models": models,
            "error": upload.error if upload else None,
            "run": upload.run if upload else None,
        }
    )


def version_of(version: DatasetVersionRow, upload: DatasetUploadRow | None) -> DatasetVersion:
    """Describe one version."""
    return DatasetVersion.model_validate(
        {
            "version": version.version,
            "kind": version.kind,
            "rows": version.rows,
            "revision": version.revision,
            "created_at": version.created_at,
            "difference": upload.difference if upload else None,
        }
    )


def _rows(upload: DatasetUploadRow | None, version: DatasetVersionRow | None) -> int:
    if upload is not None and upload.stored is not None:
        return int(upload.stored["rows"])
    if upload is not None:
        return int(upload.proposal["rows"])
    return version.rows if version else 0


def _asked_target(upload: DatasetUploadRow | None) -> str | None:
    return str(upload.confirmed["target"]) if upload and upload.confirmed else None


def _columns(row: DatasetRow, upload: DatasetUploadRow | None) -> list[DatasetColumn]:
    if upload is not None and upload.confirmed is not None:
        return [DatasetColumn.model_validate(column) for column in upload.confirmed["columns"].values()]
    if upload is not None:
        return [
            DatasetColumn(name=column.get("renamed") or column["name"], kind=column["kind"])
            for column in upload.proposal["columns"]
        ]
    columns = Schema.model_validate(row.schema).columns if row.schema else ()
    return [DatasetColumn(name=column.name, kind=column.kind) for column in columns]


def _classes(upload: DatasetUploadRow | None) -> dict[str, int]:
    """Return the class counts of a file that is not stored yet, by the target it has or probably has."""
    if upload is None:
        return {}
    columns = {column["name"]: column for column in upload.proposal["columns"]}
    wanted = upload.proposal["target"]
    if upload.confirmed is not None:
        target = upload.confirmed["target"]
        wanted = next(k for k, column in upload.confirmed["columns"].items() if column["name"] == target)
    counts: dict[str, int] = columns[wanted]["counts"] if wanted in columns else {}
    return counts

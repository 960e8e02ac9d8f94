"""Between the protocol's tensors and the rows and predictions of the platform. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from pipeline_api.oip.datatypes import READERS, WrongValue
from pipeline_api.oip.schemas import (
    Datatype,
    InferRequest,
    Parameters,
    RequestTensor,
    ResponseTensor,
    TensorMetadata,
)
from pipeline_api.service.errors import FieldError, Invalid

Row = dict[str, Any]
Prediction = Mapping[str, Any]

MAX_ERRORS = 100
"""Wrong values that are reported; the rest is probably wrong in the same way."""


def rows_of(request: InferRequest) -> list[Row]:
    """Return one row per position of the tensors; raise 422 that names every value that does not fit."""
    errors: list[FieldError] = []
    columns: list[list[Any]] = []
    first = request.inputs[0]
    if first.shape[0] == 0:
        empty = "The batch is empty: give at least one row."
        raise Invalid(empty, errors=[{"loc": ["inputs", 0, "shape"], "message": empty}])
    names = [tensor.name for tensor in request.inputs]
    for index, tensor in enumerate(request.inputs):
        loc: list[str | int] = ["inputs", index]
        if names.index(tensor.name) != index:
            errors.append({"loc": [*loc, "name"], "message": f"There are two tensors named '{tensor.name}'."})
        wrong_shape = _why_shape_is_wrong(tensor, first)
        if wrong_shape is not None:
            errors.append({"loc": [*loc, "shape"], "message": wrong_shape})
            continue
        values, wrong = _values_of(tensor)
        columns.append(values)
        errors.extend({"loc": [*loc, "data", at], "message": message} for at, message in wrong)
    if errors:
        raise Invalid(f"The tensors are not valid: {errors[0]['message']}", errors=errors[:MAX_ERRORS])
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _why_shape_is_wrong(tensor: RequestTensor, first: RequestTensor) -> str | None:
    count = tensor.shape[0]
    if count < 0 or tensor.shape[1:] not in ([], [1]):
        return f"{tensor.name}: the shape must be [n] or [n, 1] for n rows, not {tensor.shape}."
    if count != first.shape[0]:
        expected = f"expected {first.shape[0]} rows, as in {first.name}, found {count}"
        return f"{tensor.name}: {expected}; every tensor has one value per row."
    if len(tensor.data) != count:
        found = f"there are {len(tensor.data)}"
        return f"{tensor.name}: the shape {tensor.shape} means {count} values, but {found}."
    return None


def _values_of(tensor: RequestTensor) -> tuple[list[Any], list[tuple[int, str]]]:
    """Return a tensor's values, one per row, and which of them do not match its datatype or its shape."""
    read = READERS[tensor.datatype]
    nested = len(tensor.shape) > 1 and isinstance(tensor.data[0], list)
    values: list[Any] = []
    wrong: list[tuple[int, str]] = []
    for at, item in enumerate(tensor.data):
        try:
            value = _only(item) if nested else item
            values.append(None if value is None else read(value))
        except WrongValue as error:
            wrong.append((at, f"{tensor.name} ({tensor.datatype}): {error}."))
    return values, wrong


def _only(item: Any) -> Any:
    """Return the value of a row that is nested as the shape `[n, 1]` says."""
    if isinstance(item, list) and len(item) == 1:
        return item[0]
    raise WrongValue("a list of one value, like the first row", item)


def outputs_of(predictions: Sequence[Prediction], wanted: Sequence[str]) -> list[ResponseTensor]:
    """Return predictions as tensors, all of them or the wanted ones in the requested order.

    Classification: `label` and `probabilities` of shape `[n, classes]`, with the classes in its parameters;
    regression: `value`. Always: `id`, which feedback refers to, `flags` as JSON, and `ask`.
    """
    count = len(predictions)
    tensors: dict[str, ResponseTensor] = {}

    def add(
        name: str, datatype: Datatype, data: list[Any], width: int | None = None, **parameters: str
    ) -> None:
        shape = [count] if width is None else [count, width]
        tensors[name] = ResponseTensor.model_construct(
            name=name, datatype=datatype, shape=shape, data=data, parameters=parameters
        )

    first = predictions[0] if predictions else {}
    if "value" in first:
        add("value", "FP64", [p["value"] for p in predictions])
    if "label" in first:
        # The protocol has no null for text: no label is the empty text.
        add("label", "BYTES", [p["label"] or "" for p in predictions])
    if first.get("probabilities"):
        classes = list(first["probabilities"])
        data = [p["probabilities"][name] for p in predictions for name in classes]
        add("probabilities", "FP64", data, len(classes), classes=json.dumps(classes))
    add("id", "BYTES", [p["id"] for p in predictions])
    add("flags", "BYTES", [json.dumps(p.get("flags", [])) for p in predictions])
    add("ask", "BOOL", [bool(p.get("ask", False)) for p in predictions])
    return [tensors[name] for name in wanted] if wanted else list(tensors.values())


class _Column(BaseModel):
    type: str | list[str] = "string"
    values: str | None = Field(None, alias="x-values")


class RowSchema(BaseModel):
    """The JSON Schema of one row of a model, as far as the protocol needs it."""

    properties: dict[str, _Column]
    required: list[str] = []
    holdout: dict[str, str] = Field({}, alias="x-holdout")


def input_metadata(schema: RowSchema) -> list[TensorMetadata]:
    """Return a model's input tensors.

    Behind them, the group and the time by which rows are held out, where they are no inputs: tensors that may
    be sent too, of text or of any other datatype.
    """
    inputs = [
        TensorMetadata(
            name=name,
            datatype=_datatype(column),
            shape=[-1],
            parameters={"required": name in schema.required},
        )
        for name, column in schema.properties.items()
    ]
    beside = [
        TensorMetadata(
            name=name, datatype="BYTES", shape=[-1], parameters={"required": False, "holdout": what}
        )
        for name, what in _held_out_by(schema.holdout)
        if name not in schema.properties
    ]
    return inputs + beside


def _held_out_by(holdout: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the columns by which rows are held out, and what each says of a row."""
    found = [(holdout.get("column"), holdout.get("by", "")), (holdout.get("time"), "time")]
    return [(column, what) for column, what in found if column is not None]


def output_metadata(task: str, classes: Sequence[str]) -> list[TensorMetadata]:
    """Return a model's output tensors."""
    answer = [TensorMetadata(name="value", datatype="FP64", shape=[-1])]
    if task != "tabular-regression":
        answer = [TensorMetadata(name="label", datatype="BYTES", shape=[-1])]
    if classes:
        parameters: Parameters = {"classes": json.dumps(list(classes))}
        answer.append(
            TensorMetadata(
                name="probabilities", datatype="FP64", shape=[-1, len(classes)], parameters=parameters
            )
        )
    return [
        *answer,
        TensorMetadata(name="id", datatype="BYTES", shape=[-1]),
        TensorMetadata(name="flags", datatype="BYTES", shape=[-1]),
        TensorMetadata(name="ask", datatype="BOOL", shape=[-1]),
    ]


def _datatype(column: _Column) -> Datatype:
    if column.values == "boolean":
        return "BOOL"
    kinds = [column.type] if isinstance(column.type, str) else column.type
    if "integer" in kinds:
        return "INT64"
    return "FP64" if "number" in kinds else "BYTES"

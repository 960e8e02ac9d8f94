import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_api.oip.schemas import InferRequest, ResponseTensor
from pipeline_api.oip.tensors import RowSchema, input_metadata, output_metadata, outputs_of, rows_of
from pipeline_api.service.errors import FieldError, Invalid

finite = st.floats(allow_nan=False, allow_infinity=False)
columns = {
    "BYTES": st.text(),
    "BOOL": st.booleans(),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "UINT8": st.integers(0, 255),
    "UINT64": st.integers(0, 2**64 - 1),
    "FP64": finite | st.integers(-(2**53), 2**53),
    "FP32": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "FP16": st.floats(allow_nan=False, allow_infinity=False, width=16),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return rows and the datatype of each of their columns."""
    datatypes = draw(
        st.dictionaries(st.text(min_size=1), st.sampled_from(sorted(columns)), min_size=1, max_size=5)
    )
    row = st.fixed_dictionaries({name: st.none() | columns[kind] for name, kind in datatypes.items()})
    return draw(st.lists(row, min_size=1, max_size=6)), datatypes


def request(rows: list[dict[str, Any]], datatypes: dict[str, str], *, nested: bool = False) -> dict[str, Any]:
    count = len(rows)
    return {
        "inputs": [
            {
                "name": name,
                "datatype": kind,
                "shape": [count, 1] if nested else [count],
                "data": [[row[name]] if nested else row[name] for row in rows],
            }
            for name, kind in datatypes.items()
        ]
    }


@given(tables(), st.booleans())
def test_a_table_survives_the_way_through_tensors(
    table: tuple[list[dict[str, Any]], dict[str, str]], nested: bool
) -> None:
    rows, datatypes = table
    body = json.dumps(request(rows, datatypes, nested=nested))

    read = rows_of(InferRequest.model_validate_json(body))

    assert read == rows
    assert msgspec.json.decode(msgspec.json.encode(read)) == rows  # what the data-processor is sent


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["a", "b", "c"]),
                "datatype": st.sampled_from([*columns, "INT32", "FP16"]),
                "shape": st.lists(st.integers(-1, 3), min_size=1, max_size=2),
                "data": st.lists(junk, max_size=3),
            }
        ),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_is_sent_is_read_or_refused_by_name(tensors: list[dict[str, Any]]) -> None:
    refused: list[FieldError] | None = None
    try:
        rows = rows_of(InferRequest.model_validate({"inputs": tensors}))
    except Invalid as problem:
        refused = list(problem.errors or [])
    if refused is not None:
        assert refused
        assert all(error["loc"][0] == "inputs" for error in refused)
        return
    assert len(rows) == tensors[0]["shape"][0]
    for row in rows:
        assert row.keys() == {tensor["name"] for tensor in tensors}
        assert all(value is None or isinstance(value, str | int | float) for value in row.values())
        assert not any(isinstance(value, float) and not math.isfinite(value) for value in row.values())


def errors_of(tensors: list[dict[str, Any]]) -> list[tuple[list[Any], str]]:
    with pytest.raises(Invalid) as refused:
        rows_of(InferRequest.model_validate({"inputs": tensors}))
    return [(list(error["loc"]), error["message"]) for error in refused.value.errors or []]


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "data": data, "shape": shape or [len(data)]}


def test_every_value_that_does_not_fit_is_named() -> None:
    errors = errors_of(
        [tensor("age", "INT64", [1, 2.5, "3", True]), tensor("job", "BYTES", ["a", 2, None, "b"])]
    )

    assert [loc for loc, _ in errors] == [
        ["inputs", 0, "data", 1],
        ["inputs", 0, "data", 2],
        ["inputs", 0, "data", 3],
        ["inputs", 1, "data", 1],
    ]
    assert errors[1][1] == f'age (INT64): expected a whole number from {-(2**63)} to {2**63 - 1}, not "3".'
    assert errors[3][1] == "job (BYTES): expected text, not 2."


@pytest.mark.parametrize(
    ("tensors", "loc"),
    [
        ([tensor("a", "FP64", [1, 2]), tensor("b", "FP64", [1])], ["inputs", 1, "shape"]),
        ([tensor("a", "FP64", [1, 2], [2, 2])], ["inputs", 0, "shape"]),
        ([tensor("a", "FP64", [1, 2], [3])], ["inputs", 0, "shape"]),
        ([tensor("a", "FP64", [1], [-1])], ["inputs", 0, "shape"]),
        ([tensor("a", "FP64", [1]), tensor("a", "FP64", [2])], ["inputs", 1, "name"]),
        ([tensor("a", "FP64", [math.inf])], ["inputs", 0, "data", 0]),
        ([tensor("a", "FP64", [[1, 2]])], ["inputs", 0, "data", 0]),
        ([tensor("a", "FP64", [1, [2]], [2, 1])], ["inputs", 0, "data", 1]),
        ([tensor("a", "FP64", [[1], 2], [2, 1])], ["inputs", 0, "data", 1]),
        ([tensor("a", "FP64", [[1], [2]], [2])], ["inputs", 0, "data", 0]),
    ],
)
def test_tensors_that_do_not_make_a_table_are_refused(tensors: list[dict[str, Any]], loc: list[Any]) -> None:
    assert errors_of(tensors)[0][0] == loc


def test_an_empty_batch_is_refused_in_words() -> None:
    errors = errors_of([tensor("a", "FP64", [], [0]), tensor("b", "FP64", [], [0])])

    assert errors == [(["inputs", 0, "shape"], "The batch is empty: give at least one row.")]


def test_what_is_null_is_absent() -> None:
    nothing = {"id": None, "parameters": None, "outputs": None}
    inputs = [tensor("a", "INT8", [1]) | {"parameters": None}]
    asked = InferRequest.model_validate(nothing | {"inputs": inputs})

    assert rows_of(asked) == [{"a": 1}]
    assert not asked.outputs


def test_a_number_that_is_none_is_missing() -> None:
    asked = InferRequest.model_validate_json(
        '{"inputs": [{"name": "a", "datatype": "FP64", "shape": [2], "data": [NaN, null]}]}'
    )

    assert rows_of(asked) == [{"a": None}, {"a": None}]


PREDICTIONS = [
    {"id": "p-1", "label": "a", "probabilities": {"a": 0.75, "b": 0.25}, "flags": ["x"], "ask": True},
    {"id": "p-2", "label": "b", "probabilities": {"a": 0.5, "b": 0.5}, "flags": [], "ask": False},
]


def by_name(tensors: list[ResponseTensor]) -> dict[str, ResponseTensor]:
    return {tensor.name: tensor for tensor in tensors}


def test_a_classification_is_a_label_and_a_probability_per_class() -> None:
    outputs = by_name(outputs_of(PREDICTIONS, []))

    assert (outputs["label"].datatype, outputs["label"].data) == ("BYTES", ["a", "b"])
    assert outputs["probabilities"].shape == [2, 2]
    assert outputs["probabilities"].data == [0.75, 0.25, 0.5, 0.5]
    assert outputs["probabilities"].parameters == {"classes": '["a", "b"]'}
    assert outputs["id"].data == ["p-1", "p-2"]
    assert outputs["flags"].data == ['["x"]', "[]"]
    assert outputs["ask"].data == [True, False]


def test_a_regression_is_a_value() -> None:
    outputs = by_name(outputs_of([{"id": "p-1", "value": 1.5, "flags": [], "ask": False}], []))

    assert (outputs["value"].datatype, outputs["value"].shape, outputs["value"].data) == ("FP64", [1], [1.5])
    assert "label" not in outputs


def test_only_what_is_wanted_comes_in_the_order_asked_for() -> None:
    assert [output.name for output in outputs_of(PREDICTIONS, ["id", "label"])] == ["id", "label"]


def test_the_metadata_promises_what_the_outputs_are() -> None:
    promised = {output.name: output for output in output_metadata("tabular-classification", ["a", "b"])}

    for output in outputs_of(PREDICTIONS, []):
        assert promised[output.name].datatype == output.datatype
        assert len(promised[output.name].shape) == len(output.shape)
        assert promised[output.name].parameters == output.parameters


def test_columns_have_the_datatype_of_their_kind() -> None:
    schema = {
        "properties": {
            "age": {"type": ["integer", "null"]},
            "share": {"type": "number"},
            "job": {"type": ["string", "null"]},
            "member": {"type": "string", "x-values": "boolean"},
        },
        "required": ["share"],
    }

    tensors = input_metadata(RowSchema.model_validate(schema))

    found = [(m.name, m.datatype, m.shape, m.parameters["required"]) for m in tensors]

    assert found == [
        ("age", "INT64", [-1], False),
        ("share", "FP64", [-1], True),
        ("job", "BYTES", [-1], False),
        ("member", "BOOL", [-1], False),
    ]

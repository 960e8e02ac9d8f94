import json

import pandas as pd
import pytest
from pydantic import SecretStr

from data_processor.datasets.census import make_table, schema_of
from data_processor.datasets.inference import infer_schema, observed
from data_processor.datasets.tables import keepable
from data_processor.features.reading import Reading
from data_processor.features.schema import Schema
from data_processor.models.policy import Policy
from data_processor.runs.context import TaskError
from data_processor.serving.validation import Checked, Validator
from data_processor.settings import Settings
from data_processor.training.asking import ROWS, read_as_served


@pytest.fixture
def settings() -> Settings:
    secret = SecretStr("s" * 16)
    return Settings(service_token=secret, caller_key=secret, signing_key=secret)


def ask(frame: pd.DataFrame, schema: Schema, settings: Settings) -> tuple[int, list[str]]:
    said: list[str] = []
    packed = read_as_served(frame, schema, Policy(), settings, lambda text, _: said.append(text))
    return len(packed.numeric), said


def test_rows_that_were_trained_on_can_be_asked(settings: Settings) -> None:
    table = make_table(400, seed=7)
    schema = schema_of(table)
    assert ask(keepable(table, schema), schema, settings) == (ROWS, [])


def test_rows_with_odd_names_and_large_numbers_can_be_asked(settings: Settings) -> None:
    frame = pd.DataFrame(
        {
            'width 5"': [1_700_000_000_000.0 + ms for ms in range(120)],
            "line\nbreak": [None, "a", "b\\c"] * 40,
            "y": [0.5, 1.5, 2.5, 3.5] * 30,
        }
    )
    schema = infer_schema(frame, "y", task="tabular-regression")
    assert schema.precise
    assert ask(keepable(frame, schema), schema, settings) == (120, [])


def test_booleans_dates_and_whole_numbers_can_be_asked_by_tensors(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame(
        {
            "member": ["yes", "no", None] * 40,
            "since": ["2024-02-29", None, "2025-01-01"] * 40,
            "visits": [3.0, 0.0, 12.0] * 39 + [3, 0, 12.5],
            "share": [0.5, None, 2.0] * 40,
            "y": ["a", "b", "b"] * 40,
        }
    )
    schema = infer_schema(frame.head(117), "y")  # the half visit comes later, with feedback
    reading = Reading(values="boolean", true=("yes",), false=("no",))
    columns = tuple(
        c.model_copy(update={"reading": reading}) if c.name == "member" else c for c in schema.columns
    )
    schema = schema.model_copy(update={"columns": columns})
    sent: list[bytes] = []
    check = Validator.check

    def watched(self: Validator, body: bytes) -> Checked:
        sent.append(body)
        return check(self, body)

    monkeypatch.setattr(Validator, "check", watched)

    assert ask(keepable(frame, schema), schema, settings) == (120, [])
    as_they_stand, by_tensors = (json.loads(body)["inputs"] for body in sent)
    assert [row["member"] for row in by_tensors[:3]] == [True, False, None]
    assert [row["member"] for row in as_they_stand[:3]] == ["yes", "no", None]
    assert (by_tensors[0]["visits"], by_tensors[-1]["visits"]) == (3, 12.5)
    assert by_tensors[1] == {"member": False, "since": None, "visits": 0, "share": None}


def test_a_column_that_no_longer_is_what_was_confirmed_is_said(settings: Settings) -> None:
    table = make_table(200, seed=7)
    schema = schema_of(table)
    strict = schema.model_copy(
        update={"columns": tuple(c.model_copy(update={"nullable": False}) for c in schema.columns)}
    )
    frame = keepable(table, schema)
    frame.loc[0, "age"] = None
    with pytest.raises(TaskError, match=r"cannot be asked as they stand: 0\.age: is missing"):
        ask(frame, observed(strict, frame), settings)


def test_rows_that_no_request_may_carry_are_left_out(settings: Settings) -> None:
    frame = pd.DataFrame({"note": ["short words here", "a b" * 10_000] * 60, "y": ["no", "yes"] * 60})
    schema = infer_schema(frame, "y", kinds={"note": "text"})
    assert ask(keepable(frame, schema), schema, settings) == (60, [])

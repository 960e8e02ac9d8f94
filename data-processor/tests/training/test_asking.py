import pandas as pd
import pytest
from pydantic import SecretStr

from data_processor.datasets.census import make_table, schema_of
from data_processor.datasets.inference import infer_schema, observed
from data_processor.datasets.tables import keepable
from data_processor.features.schema import Schema
from data_processor.models.policy import Policy
from data_processor.runs.context import TaskError
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

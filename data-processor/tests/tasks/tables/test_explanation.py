import time
from typing import Any

import numpy as np
import pytest

from data_processor.features.calendar import FEATURES
from data_processor.features.packing import pack_rows
from data_processor.features.schema import Schema
from data_processor.models.background import read_background
from data_processor.models.engine import load_engine
from data_processor.tasks.tables.explanation import TabularExplainer

TYPES = ("numpy.dtype",)


@pytest.fixture(scope="module")
def census(tiny_versions: Any) -> TabularExplainer:
    tiny = tiny_versions["1"]
    engine = load_engine(tiny.folder, tiny.manifest, TYPES)
    return TabularExplainer(engine, tiny.manifest.table, read_background(tiny.folder, tiny.manifest))


def test_baseline_and_contributions_add_up_to_the_served_answer(
    census: TabularExplainer, inputs: list[dict[str, Any]]
) -> None:
    table = census._schema
    for row in inputs[:5]:
        served = census._engine.predict(*pack_rows([row], table))[0]
        for place in range(len(table.classes)):
            found = census.explain(row, place)
            assert found.value == pytest.approx(served[place], abs=1e-6)
            assert found.baseline + sum(found.contributions.values()) == pytest.approx(found.value, abs=1e-6)
            assert list(found.contributions) == [column.name for column in table.inputs]


def test_the_baseline_is_the_mean_answer_on_the_background(census: TabularExplainer, inputs: Any) -> None:
    said = census._engine.predict(*census._background)[:, 1].mean()
    found = census.explain(inputs[0], 1)
    assert found.baseline == pytest.approx(said, abs=1e-6)
    assert found.background_rows == len(census._background.numeric)


def test_missing_inputs_are_explained_too_and_the_same_question_has_the_same_answer(
    census: TabularExplainer, inputs: Any
) -> None:
    row = {**inputs[0], "workclass": None}
    del row["age"]
    first, second = (census.explain(row, 1) for _ in range(2))
    assert first == second
    assert np.isfinite(list(first.contributions.values())).all()


class Price:
    """A model whose Shapley values are known: 3 a + b, and 10 more where c is "x"; d counts for nothing."""

    def predict(self, numeric: Any, strings: Any) -> Any:
        answer = 3 * numeric[:, 0] + numeric[:, 1] + 10 * (strings[:, 0] == "x")
        return answer.astype(np.float32)[:, None]


@pytest.mark.parametrize("others", [0, 20])
def test_contributions_of_an_additive_model_are_what_each_input_adds(others: int) -> None:
    kinds = {"a": "numeric", "b": "numeric", "c": "text", **{f"d{i}": "text" for i in range(others)}}
    table = Schema.model_validate(
        {
            "task": "tabular-regression",
            "target": "price",
            "columns": [{"name": name, "kind": kind} for name, kind in kinds.items()],
        }
    )
    rest = {f"d{i}": "word" for i in range(others)}
    background = pack_rows([{"a": 0, "b": 2, "c": "x", **rest}, {"a": 2, "b": 2, "c": "y", **rest}], table)
    found = TabularExplainer(Price(), table, background).explain({"a": 5, "b": 2, "c": "x"}, 0)
    assert found.baseline == pytest.approx(10)
    assert found.value == pytest.approx(27)
    expected = {"a": 12, "b": 0, "c": 5, **dict.fromkeys(rest, 0)}
    assert found.contributions == pytest.approx(expected, abs=1e-5)
    assert ("exact" in found.method) == (others == 0)


def test_a_timestamp_moves_an_answer_as_one_input() -> None:
    class Seasonal:
        """Twice the month, and ten more on the first day of one."""

        def predict(self, numeric: Any, strings: Any) -> Any:
            del strings
            return (2 * numeric[:, 2] + 10 * (numeric[:, 3] == 1)).astype(np.float32)[:, None]

    columns = [{"name": "a", "kind": "numeric"}, {"name": "sold", "kind": "datetime", "calendar": FEATURES}]
    table = Schema.model_validate({"task": "tabular-regression", "target": "price", "columns": columns})
    background = pack_rows([{"a": 1, "sold": "2025-03-05"}], table)
    found = TabularExplainer(Seasonal(), table, background).explain({"a": 2, "sold": "2025-07-01"}, 0)

    assert found.contributions == pytest.approx({"a": 0, "sold": 18})


def test_a_slow_version_is_asked_less(census: TabularExplainer) -> None:
    class Slow:
        def predict(self, numeric: Any, strings: Any) -> Any:
            time.sleep(0.0002 * len(numeric))
            return census._engine.predict(numeric, strings)

    slow = TabularExplainer(Slow(), census._schema, census._background)
    assert slow._orders == 1
    assert len(slow._background.numeric) < len(census._background.numeric)

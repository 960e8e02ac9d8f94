import time
from typing import Any

import numpy as np
import pytest

from data_processor.features.calendar import FEATURES
from data_processor.features.packing import pack_rows
from data_processor.features.schema import Schema
from data_processor.features.split import Split
from data_processor.models.background import ROWS, read_background, write_background
from data_processor.models.engine import load_engine
from data_processor.models.manifest import BACKGROUND_FILE, Manifest
from data_processor.models.registry import ArtefactRejectedError
from data_processor.serving.explanation import Ready, explain_row, make_ready

TYPES = ("numpy.dtype",)


@pytest.fixture(scope="module")
def census(tiny_versions: Any) -> Ready:
    tiny = tiny_versions["1"]
    engine = load_engine(tiny.folder, tiny.manifest, TYPES)
    return make_ready(tiny.manifest, engine, read_background(tiny.folder, tiny.manifest))


def test_baseline_and_contributions_add_up_to_the_served_answer(
    census: Ready, inputs: list[dict[str, Any]]
) -> None:
    table = census.manifest.table
    for row in inputs[:5]:
        served = census.engine.predict(*pack_rows([row], table))[0]
        for place, label in enumerate(table.classes):
            found = explain_row(census, row, label)
            assert found.value == pytest.approx(served[place], abs=1e-6)
            assert found.baseline + sum(found.contributions.values()) == pytest.approx(found.value, abs=1e-6)
            assert list(found.contributions) == [column.name for column in table.inputs]


def test_the_baseline_is_the_mean_answer_on_the_background(census: Ready, inputs: Any) -> None:
    said = census.engine.predict(*census.background)[:, 1].mean()
    found = explain_row(census, inputs[0], ">50K")
    assert found.baseline == pytest.approx(said, abs=1e-6)
    assert found.background_rows == len(census.background.numeric)


def test_missing_inputs_are_explained_too_and_the_same_question_has_the_same_answer(
    census: Ready, inputs: Any
) -> None:
    row = {**inputs[0], "workclass": None}
    del row["age"]
    first, second = (explain_row(census, row, ">50K") for _ in range(2))
    assert first == second
    assert np.isfinite(list(first.contributions.values())).all()


class Price:
    """A model whose Shapley values are known: 3 a + b, and 10 more where c is "x"; d counts for nothing."""

    def predict(self, numeric: Any, strings: Any) -> Any:
        answer = 3 * numeric[:, 0] + numeric[:, 1] + 10 * (strings[:, 0] == "x")
        return answer.astype(np.float32)[:, None]


@pytest.mark.parametrize("others", [0, 20])
def test_contributions_of_an_additive_model_are_what_each_input_adds(tiny_versions: Any, others: int) -> None:
    kinds = {"a": "numeric", "b": "numeric", "c": "text", **{f"d{i}": "text" for i in range(others)}}
    table = Schema.model_validate(
        {
            "task": "tabular-regression",
            "target": "price",
            "columns": [{"name": name, "kind": kind} for name, kind in kinds.items()],
        }
    )
    manifest: Manifest = tiny_versions["1"].manifest.model_copy(update={"table": table})
    rest = {f"d{i}": "word" for i in range(others)}
    background = pack_rows([{"a": 0, "b": 2, "c": "x", **rest}, {"a": 2, "b": 2, "c": "y", **rest}], table)
    found = explain_row(make_ready(manifest, Price(), background), {"a": 5, "b": 2, "c": "x"}, None)
    assert found.baseline == pytest.approx(10)
    assert found.value == pytest.approx(27)
    expected = {"a": 12, "b": 0, "c": 5, **dict.fromkeys(rest, 0)}
    assert found.contributions == pytest.approx(expected, abs=1e-5)
    assert ("exact" in found.method) == (others == 0)


def test_a_moment_moves_an_answer_as_one_input(tiny_versions: Any) -> None:
    class Seasonal:
        """Twice the month, and ten more on the first day of one."""

        def predict(self, numeric: Any, strings: Any) -> Any:
            del strings
            return (2 * numeric[:, 2] + 10 * (numeric[:, 3] == 1)).astype(np.float32)[:, None]

    columns = [{"name": "a", "kind": "numeric"}, {"name": "sold", "kind": "datetime", "calendar": FEATURES}]
    table = Schema.model_validate({"task": "tabular-regression", "target": "price", "columns": columns})
    manifest: Manifest = tiny_versions["1"].manifest.model_copy(update={"table": table})
    background = pack_rows([{"a": 1, "sold": "2025-03-05"}], table)
    found = explain_row(make_ready(manifest, Seasonal(), background), {"a": 2, "sold": "2025-07-01"}, None)

    assert found.contributions == pytest.approx({"a": 0, "sold": 18})


def test_a_slow_version_is_asked_less(census: Ready) -> None:
    class Slow:
        def predict(self, numeric: Any, strings: Any) -> Any:
            time.sleep(0.0002 * len(numeric))
            return census.engine.predict(numeric, strings)

    slow = make_ready(census.manifest, Slow(), census.background)
    assert slow.orders == 1
    assert len(slow.background.numeric) < len(census.background.numeric)


def test_a_background_is_drawn_from_the_rows_and_read_back_as_it_was(
    census_split: Split, tiny_versions: Any, tmp_path: Any
) -> None:
    schema = census_split.schema
    for name in ("one", "two"):
        write_background(census_split.allowed, schema, 7, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    tiny = tiny_versions["1"]
    packed = read_background(tiny.folder, tiny.manifest)
    assert packed.numeric.shape == (ROWS, len(tiny.manifest.table.numeric))
    assert packed.strings.shape == (ROWS, len(tiny.manifest.table.strings))


def test_a_background_that_is_not_the_manifests_is_refused(tiny_versions: Any, tmp_path: Any) -> None:
    (tmp_path / BACKGROUND_FILE).write_text('{"numeric": [], "strings": []}')
    with pytest.raises(ArtefactRejectedError, match=r"background\.json of version 1"):
        read_background(tmp_path, tiny_versions["1"].manifest)

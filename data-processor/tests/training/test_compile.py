from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.packing import MISSING, pack_rows, unpack
from data_processor.features.preparation import Preparation
from data_processor.features.split import Split, prepare_data
from data_processor.models.artefact import load_pipeline, save_pipeline
from data_processor.settings import Settings
from data_processor.tasks.candidates import BLEND, Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables.families import families
from data_processor.training.compile import UNSEEN, _other_labels, compare, compile_model, convert

NAMES = list(families("tabular-classification"))
SMALL = {
    "logistic-regression": {},
    "hist-gradient-boosting": {"max_iter": 30},
    "random-forest": {"n_estimators": 10, "min_samples_leaf": 5},
    "extra-trees": {"n_estimators": 10, "min_samples_leaf": 5},
}


@pytest.fixture(scope="module")
def fitted(census_split: Split) -> dict[str, Pipeline]:
    """Every estimator on the census."""
    candidates = {name: Candidate(estimator=name, params=SMALL[name]) for name in NAMES}
    return {
        name: fit(one, census_split.fitting, census_split.schema, seed=1) for name, one in candidates.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_compiles_and_answers_alike(
    census_split: Split, fitted: dict[str, Pipeline], name: str, tmp_path: Path
) -> None:
    target = tmp_path / "model.onnx"
    compiled = compile_model(fitted[name], census_split.schema, census_split.holdout.frame, target)

    assert compiled.engine == "onnx"
    assert compiled.parity.passed
    assert compiled.parity.labels_differing == 0
    assert compiled.parity.max_difference < 1e-5
    assert compiled.parity.rows > len(census_split.holdout) + 5_000
    assert target.exists()


def test_two_labels_that_are_equally_probable_are_a_tie_and_no_difference() -> None:
    tied, decided = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([[0.50002, 0.49998], [0.2, 0.8]])
    rounded = np.array([[0.4999999, 0.5000001], [0.2, 0.8]])
    assert _other_labels(tied, rounded) == 0
    assert _other_labels(rounded, tied) == 0
    assert _other_labels(decided, rounded) == 1


@pytest.mark.parametrize("name", families("tabular-regression"))
def test_regressions_compile_too(price_split: Split, name: str, tmp_path: Path) -> None:
    candidate = Candidate(estimator=name, params=SMALL.get(name, {}))
    pipeline = fit(candidate, price_split.fitting, price_split.schema, seed=1)
    compiled = compile_model(pipeline, price_split.schema, price_split.holdout.frame, tmp_path / "model.onnx")

    assert compiled.engine == "onnx", compiled.parity.reason


@pytest.mark.parametrize(
    "choices",
    [
        Preparation(numeric_missing="mean", categorical_missing="most_frequent", scaling="min_max"),
        Preparation(numeric_missing="extreme"),
        Preparation(numeric_missing="drop_row", categorical_missing="drop_row"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["logistic-regression", "hist-gradient-boosting", "random-forest"])
def test_every_preparation_compiles(
    census_split: Split, name: str, choices: Preparation, tmp_path: Path
) -> None:
    candidate = Candidate(estimator=name, params=SMALL[name], preparation=choices)
    pipeline = fit(candidate, census_split.fitting, census_split.schema, seed=1)
    compiled = compile_model(
        pipeline, census_split.schema, census_split.holdout.frame, tmp_path / "model.onnx"
    )

    assert compiled.engine == "onnx", compiled.parity.reason


def test_a_blend_compiles_to_one_model(census_split: Split, price_split: Split, tmp_path: Path) -> None:
    for split, names in ((census_split, NAMES), (price_split, ["ridge", "hist-gradient-boosting"])):
        members = [{"estimator": name, "params": SMALL.get(name, {}), "weight": 2.0} for name in names]
        pipeline = fit(
            Candidate(estimator=BLEND, params={"members": members}), split.fitting, split.schema, seed=1
        )
        compiled = compile_model(pipeline, split.schema, split.holdout.frame, tmp_path / "model.onnx")

        assert compiled.engine == "onnx", compiled.parity.reason


def test_a_blend_is_read_back_by_the_types_that_are_trusted_anyway(
    census_split: Split, tmp_path: Path
) -> None:
    members = [{"estimator": name, "params": SMALL[name], "weight": 1.0} for name in NAMES]
    pipeline = fit(
        Candidate(estimator=BLEND, params={"members": members}),
        census_split.fitting,
        census_split.schema,
        seed=1,
    )
    save_pipeline(pipeline, tmp_path / "model.skops")
    trusted = Settings.model_fields["trusted_types"].default
    again = load_pipeline((tmp_path / "model.skops").read_bytes(), trusted)

    np.testing.assert_array_equal(
        answer(again, census_split.holdout.frame), answer(pipeline, census_split.holdout.frame)
    )


@pytest.mark.parametrize("name", NAMES)
def test_moments_compile(name: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    days = pd.Timestamp("2023-05-01") + pd.to_timedelta(draw.integers(0, 900, 600), unit="D")
    frame = pd.DataFrame(
        {
            "sold": pd.Series(days.strftime("%Y-%m-%d"), dtype="str").where(draw.random(600) > 0.1),
            "answer": np.where(days.month > 6, "late", "early"),
        }
    )
    schema = infer_schema(frame, "answer", kinds={"sold": "datetime"})
    split = prepare_data(keepable(frame, schema), schema, "salt", None, validate_on_recent=False)
    pipeline = fit(Candidate(estimator=name, params=SMALL[name]), split.fitting, schema, seed=1)

    compiled = compile_model(pipeline, schema, split.holdout.frame, tmp_path / "model.onnx")

    assert compiled.engine == "onnx", compiled.parity.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_model_has_two_inputs_and_probabilities(
    census_split: Split, fitted: dict[str, Pipeline], name: str
) -> None:
    session = onnxruntime.InferenceSession(convert(fitted[name], census_split.schema))

    inputs = {found.name: (found.type, found.shape[1]) for found in session.get_inputs()}
    assert inputs == {"numeric": ("tensor(float)", 5), "strings": ("tensor(string)", 8)}
    outputs = {found.name: found.shape for found in session.get_outputs()}
    assert outputs["probabilities"][-1] == 2


texts = (
    st.sampled_from(["Private", "Sales", "Husband", "HS-grad", "White", "Female", MISSING, UNSEEN, ""])
    | st.text()
)
numbers = st.none() | st.integers(-5, 100_000) | st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", NAMES)
def test_any_row_is_answered_alike(
    census_split: Split, fitted: dict[str, Pipeline], name: str, data: st.DataObject
) -> None:
    schema = census_split.schema
    model = _compiled(fitted[name], census_split, name)
    row = st.fixed_dictionaries(
        {}, optional={c.name: numbers if c.kind == "numeric" else texts for c in schema.inputs}
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=4))

    parity = compare(fitted[name], model, schema, unpack(pack_rows(rows, schema), schema))

    assert parity.passed, parity.reason


_models: dict[str, bytes] = {}


def _compiled(pipeline: Pipeline, split: Split, name: str) -> bytes:
    if name not in _models:
        _models[name] = convert(pipeline, split.schema)
    return _models[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", ["numeric", "strings"])
def test_a_table_of_one_kind_of_columns_compiles(name: str, kept: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    columns = {"numeric": draw.normal(size=400), "strings": draw.choice(["a", "b", "c"], 400)}
    frame = pd.DataFrame({"it": columns[kept], "answer": draw.choice(["no", "yes"], 400)})
    schema = infer_schema(frame, "answer")
    split = prepare_data(keepable(frame, schema), schema, "salt", None, validate_on_recent=False)
    pipeline = fit(Candidate(estimator=name, params=SMALL[name]), split.fitting, schema, seed=1)

    compiled = compile_model(pipeline, schema, split.holdout.frame, tmp_path / "model.onnx")

    assert compiled.engine == "onnx", compiled.parity.reason
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [found.name for found in session.get_inputs()] == [kept]


@pytest.mark.parametrize("name", NAMES)
def test_several_classes_with_unusual_names_compile(name: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    size = draw.normal(size=900)
    labels = np.select([size < -0.5, size > 0.5], ["klein é", "1"], "<b>")
    frame = pd.DataFrame(
        {"size": size, "naïve-column": draw.choice(["ä", "ß", "日本"], 900), "answer": labels}
    )
    schema = infer_schema(frame, "answer")
    split = prepare_data(keepable(frame, schema), schema, "salt", None, validate_on_recent=False)
    pipeline = fit(Candidate(estimator=name, params=SMALL[name]), split.fitting, schema, seed=1)

    compiled = compile_model(pipeline, schema, split.holdout.frame, tmp_path / "model.onnx")

    assert compiled.engine == "onnx", compiled.parity.reason
    assert schema.classes == ("1", "<b>", "klein é")


def test_a_pipeline_that_is_compiled_wrongly_is_served_by_scikit_learn(
    census_split: Split, tmp_path: Path
) -> None:
    schema, rows = census_split.schema, census_split.fitting
    places = list(range(len(schema.numeric), len(schema.inputs)))
    native = Pipeline(
        [
            (
                "columns",
                ColumnTransformer(
                    [
                        ("numeric", "passthrough", list(range(len(schema.numeric)))),
                        (
                            "categories",
                            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                            places,
                        ),
                    ]
                ),
            ),
            ("model", HistGradientBoostingClassifier(max_iter=20, categorical_features=places)),
        ]
    ).fit(rows.frame, rows.target)
    target = tmp_path / "model.onnx"

    compiled = compile_model(native, schema, census_split.holdout.frame, target)

    assert compiled.engine == "scikit-learn"
    assert compiled.parity.labels_differing > 0
    assert "get another label" in compiled.parity.reason
    assert not target.exists()


def test_a_pipeline_that_cannot_be_compiled_is_served_by_scikit_learn(
    census_split: Split, tmp_path: Path
) -> None:
    class Unknown(HistGradientBoostingClassifier):  # type: ignore[misc]  # scikit-learn has no types
        """An estimator that nobody converts."""

    pipeline = Pipeline(
        [
            ("columns", ColumnTransformer([("numeric", "passthrough", [0, 1])])),
            ("model", Unknown(max_iter=2)),
        ]
    ).fit(census_split.fitting.frame, census_split.fitting.target)

    compiled = compile_model(
        pipeline, census_split.schema, census_split.holdout.frame, tmp_path / "model.onnx"
    )

    assert compiled.engine == "scikit-learn"
    assert compiled.parity.reason.startswith("It cannot be compiled to ONNX: ")


def test_answers_that_are_no_numbers_are_no_parity(
    census_split: Split, fitted: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = census_split.holdout.frame.iloc[:3]
    monkeypatch.setattr(
        "data_processor.training.compile._compiled", lambda *_: np.full((3, 2), np.nan, np.float32)
    )

    parity = compare(fitted["logistic-regression"], b"", census_split.schema, rows)

    assert not parity.passed

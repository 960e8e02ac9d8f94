"""Inputs and targets that 32 bits cannot tell apart: learnt from, compiled and answered as they are."""

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.packing import pack, pack_rows
from data_processor.features.preparation import Preparation
from data_processor.features.split import Split, prepare_data
from data_processor.models.artefact import load_pipeline, save_pipeline
from data_processor.models.engine import OnnxEngine
from data_processor.settings import Settings
from data_processor.tasks.candidates import BLEND, Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.registry import row_task_of
from data_processor.tasks.tables.centring import CentredRegressor, TargetScale
from data_processor.tasks.tables.engine import PipelineEngine
from data_processor.training.compile import compare, compile_model
from data_processor.training.scale import scale_of

SINCE_1970 = 1_700_000_000_000
SMALL = {
    "hist-gradient-boosting": {"max_iter": 20},
    "random-forest": {"n_estimators": 10},
    "extra-trees": {"n_estimators": 10},
}


def split_of(frame: pd.DataFrame, target: str) -> Split:
    schema = infer_schema(frame, target)
    return prepare_data(keepable(frame, schema), schema, "exact-salt", None, validate_on_recent=False)


@pytest.fixture(scope="module")
def instants() -> Split:
    """Milliseconds within ten minutes, of which the first half is something else than the second."""
    draw = np.random.default_rng(2)
    ms = draw.integers(0, 600_000, 600)
    frame = pd.DataFrame({"epoch_ms": SINCE_1970 + ms, "noise": draw.normal(size=600)})
    frame["epoch_ms"] = frame["epoch_ms"].astype("float64").where(draw.random(600) > 0.05)
    frame["phase"] = np.where(ms > 300_000, "late", "early")
    return split_of(frame, "phase")


@pytest.fixture(scope="module")
def totals() -> Split:
    draw = np.random.default_rng(3)
    a = draw.integers(0, 700, 600)
    return split_of(
        pd.DataFrame({"a": a, "total": 2_000_000_000 + 37 * a + draw.integers(0, 5, 600)}), "total"
    )


def right(split: Split, outputs: np.ndarray) -> float:
    labels = np.array(split.schema.classes)[outputs.argmax(axis=1)]
    known = split.holdout.frame["epoch_ms"].notna().to_numpy()
    return float((labels == split.holdout.target)[known].mean())


@pytest.mark.parametrize("name", ["logistic-regression", "hist-gradient-boosting", "extra-trees"])
def test_instants_are_learnt_from_to_the_millisecond(instants: Split, name: str, tmp_path: Path) -> None:
    pipeline = fit(
        Candidate(estimator=name, params=SMALL.get(name, {})), instants.fitting, instants.schema, 1
    )
    compiled = compile_model(pipeline, instants.schema, instants.holdout.frame, tmp_path / "model.onnx")

    assert right(instants, answer(pipeline, instants.holdout.frame)) > 0.97
    assert compiled.engine == "onnx", compiled.parity.reason
    engine = OnnxEngine((tmp_path / "model.onnx").read_bytes())
    assert right(instants, engine.predict(*pack(instants.holdout.frame, instants.schema))) > 0.97


def test_a_request_is_packed_as_training_packs_it(instants: Split) -> None:
    rows: list[dict[str, float | None]] = [{"epoch_ms": SINCE_1970 + 1, "noise": 0.1}, {"epoch_ms": None}]
    packed = pack_rows(rows, instants.schema)
    assert packed.numeric.dtype == np.float64
    assert packed.numeric[0].tolist() == [SINCE_1970 + 1, 0.1]


@pytest.mark.parametrize("numeric_missing", ["median", "extreme", "drop_row"])
def test_every_way_to_fill_gaps_goes_with_an_offset(
    instants: Split, numeric_missing: str, tmp_path: Path
) -> None:
    preparation = Preparation.model_validate({"numeric_missing": numeric_missing})
    candidate = Candidate(estimator="logistic-regression", params={}, preparation=preparation)
    pipeline = fit(candidate, instants.fitting, instants.schema, 1)
    compiled = compile_model(pipeline, instants.schema, instants.holdout.frame, tmp_path / "model.onnx")
    assert compiled.engine == "onnx", compiled.parity.reason


def test_the_preparation_is_described_in_the_tables_own_numbers(instants: Split) -> None:
    candidate = Candidate(estimator="logistic-regression", params={})
    pipeline = fit(candidate, instants.fitting, instants.schema, 1)
    learner = row_task_of(instants.schema.task).learner
    described = learner.prepared(pipeline, candidate, instants.fitting, instants.schema)
    line = next(one for one in described["columns"] if one["column"] == "epoch_ms")
    assert abs(line["missing"]["value"] - SINCE_1970 - 300_000) < 60_000
    assert abs(line["scaling"]["mean"] - SINCE_1970 - 300_000) < 60_000


@pytest.mark.parametrize("name", ["ridge", "hist-gradient-boosting", "random-forest", BLEND])
def test_large_targets_are_answered_to_their_last_digits(totals: Split, name: str, tmp_path: Path) -> None:
    members = [{"estimator": "ridge", "params": {}, "weight": w} for w in (0.75, 0.25)]
    params = {"members": members} if name == BLEND else SMALL.get(name, {})
    pipeline = fit(Candidate(estimator=name, params=params), totals.fitting, totals.schema, 1)
    frame, target = totals.holdout.frame, tmp_path / "model.onnx"
    compiled = compile_model(pipeline, totals.schema, frame, target, scale=scale_of(totals.holdout.target))

    assert compiled.engine == "onnx", compiled.parity.reason
    trained = answer(pipeline, frame)[:, 0]
    said = OnnxEngine(target.read_bytes()).predict(*pack(frame, totals.schema))
    assert np.abs(said[:, 0] - trained).max() < 0.1
    written = row_task_of(totals.schema.task).answers(said, totals.schema)
    assert len(set(written)) == len(np.unique(trained.round(2)))


def test_a_compiled_model_that_rounds_values_is_no_parity(
    totals: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of 128 is nothing to 2 000 000 000 and everything to its neighbours."""
    pipeline = fit(Candidate(estimator="ridge", params={}), totals.fitting, totals.schema, 1)
    frame, scale = totals.holdout.frame, scale_of(totals.holdout.target)
    rounded = answer(pipeline, frame).astype(np.float32)
    monkeypatch.setattr("data_processor.training.compile._compiled", lambda *_: rounded.astype(np.float64))
    assert not compare(pipeline, b"", totals.schema, frame, scale).passed


class Remembers(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Answers what it was fitted to."""

    def fit(self, _inputs: np.ndarray, values: np.ndarray, sample_weight: None = None) -> "Remembers":
        assert sample_weight is None
        self.values_ = values
        return self

    def predict(self, _inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self.values_)


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30),
    st.sampled_from(["plain", "square-root", "logarithm"]),
)
def test_every_scale_of_values_is_undone(values: list[float], scale: TargetScale) -> None:
    """A regressor that answers what it was fitted to gives the values back."""
    target = np.array(values)
    places = np.arange(len(values), dtype=np.float64)[:, None]
    fitted = CentredRegressor(Remembers(), scale).fit(places, target)
    spread = max(1.0, float(np.ptp(target)), float(np.abs(target).max()))
    np.testing.assert_allclose(fitted.predict(places), target, atol=1e-9 * spread)


@pytest.mark.parametrize("scale", ["square-root", "logarithm"])
def test_values_learnt_on_a_scale_of_their_own_compile(
    price_split: Split, totals: Split, scale: str, tmp_path: Path
) -> None:
    for split, trees in ((price_split, 600), (totals, 20)):
        params = {"max_iter": trees, "target": scale}
        candidate = Candidate(estimator="hist-gradient-boosting", params=params)
        pipeline = fit(candidate, split.fitting, split.schema, 1)
        measured = scale_of(split.holdout.target)
        frame, target = split.holdout.frame, tmp_path / "model.onnx"
        compiled = compile_model(pipeline, split.schema, frame, target, scale=measured)
        assert compiled.engine == "onnx", compiled.parity.reason
        error = np.abs(answer(pipeline, frame)[:, 0] - split.holdout.target)
        assert float(np.median(error)) < measured.spread / 4


def test_a_regressor_from_before_there_were_scales_answers_as_it_did(totals: Split) -> None:
    pipeline = fit(Candidate(estimator="ridge", params={}), totals.fitting, totals.schema, 1)
    before = answer(pipeline, totals.holdout.frame)
    model = pipeline.named_steps["model"]
    del model.__dict__["scale"], model.__dict__["floor_"]
    np.testing.assert_array_equal(answer(pipeline, totals.holdout.frame), before)


def test_a_saved_pipeline_answers_as_it_did(totals: Split, instants: Split, tmp_path: Path) -> None:
    trusted = Settings.model_fields["trusted_types"].default
    for split, name in ((totals, "ridge"), (instants, "logistic-regression")):
        pipeline = fit(Candidate(estimator=name, params={}), split.fitting, split.schema, 1)
        save_pipeline(pipeline, tmp_path / "model.skops")
        loaded = load_pipeline((tmp_path / "model.skops").read_bytes(), trusted)
        frame = split.holdout.frame
        assert answer(loaded, frame).tolist() == answer(pipeline, frame).tolist()
        engine = PipelineEngine(loaded, split.schema)
        assert engine.predict(*pack(frame, split.schema)) == pytest.approx(answer(pipeline, frame), abs=1e-6)


def test_a_table_of_ordinary_numbers_stays_in_32_bits(census_split: Split, tmp_path: Path) -> None:
    assert not census_split.schema.precise
    pipeline = fit(
        Candidate(estimator="logistic-regression", params={}), census_split.fitting, census_split.schema, 1
    )
    compile_model(pipeline, census_split.schema, census_split.holdout.frame, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert {one.name: one.type for one in session.get_inputs()}["numeric"] == "tensor(float)"

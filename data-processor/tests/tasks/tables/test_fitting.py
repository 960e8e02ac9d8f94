from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features.packing import MISSING
from data_processor.features.split import Rows, Split
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer, recent_weights
from data_processor.tasks.tables.families import families
from data_processor.tasks.tables.fitting import Watch, fit_table, stages_of

NAMES = list(families("tabular-classification"))


def candidate(name: str, task: str = "tabular-classification", **fields: object) -> Candidate:
    return Candidate(estimator=name, params=dict(families(task)[name].defaults), **fields)


@pytest.mark.parametrize("name", NAMES)
def test_a_fitted_pipeline_gives_probabilities_in_the_order_of_the_classes(
    census_split: Split, name: str
) -> None:
    pipeline = fit(candidate(name), census_split.fitting, census_split.schema, seed=1)
    said = answer(pipeline, census_split.holdout.frame)

    assert said.shape == (len(census_split.holdout), 2)
    np.testing.assert_allclose(said.sum(axis=1), 1)
    rich = census_split.holdout.target == ">50K"
    assert said[rich, 1].mean() > said[~rich, 1].mean() + 0.2
    assert tuple(pipeline.classes_) == census_split.schema.classes


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_unseen_values_in_every_column_are_answered(census_split: Split, name: str) -> None:
    pipeline = fit(candidate(name), census_split.fitting, census_split.schema, seed=1)
    frame = census_split.holdout.frame.iloc[:20].copy()
    frame[[c.name for c in census_split.schema.numeric]] = np.float32(np.nan)
    frame[[c.name for c in census_split.schema.strings]] = MISSING
    unseen = frame.assign(**{c.name: "never seen" for c in census_split.schema.strings})

    for odd in (frame, unseen):
        assert np.isfinite(answer(pipeline, odd)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_answers(census_split: Split, name: str) -> None:
    first, second = (
        answer(
            fit(candidate(name), census_split.fitting, census_split.schema, seed=3),
            census_split.holdout.frame,
        )
        for _ in range(2)
    )

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_a_column_without_a_single_value_is_no_obstacle(census_split: Split, name: str) -> None:
    rows = census_split.fitting
    frame = rows.frame.assign(age=np.float32(np.nan), race=MISSING)
    emptied = Rows(frame, rows.target, rows.positions, rows.recent, rows.predictions)
    pipeline = fit(candidate(name), emptied, census_split.schema, seed=1)

    assert np.isfinite(answer(pipeline, census_split.holdout.frame)).all()


@pytest.mark.parametrize("name", families("tabular-regression"))
def test_a_regression_answers_with_values(price_split: Split, name: str) -> None:
    pipeline = fit(candidate(name, "tabular-regression"), price_split.fitting, price_split.schema, seed=1)
    said = answer(pipeline, price_split.holdout.frame)

    assert said.shape == (len(price_split.holdout), 1)
    assert np.corrcoef(said[:, 0], price_split.holdout.target)[0, 1] > 0.75


def test_more_weight_for_recent_rows_follows_the_new_world(drifted_split: Split) -> None:
    rows = drifted_split.fitting.join(drifted_split.validation)
    right = {}
    for share in ("natural", 0.9, "only"):
        shared = Candidate(estimator="logistic-regression", params={}, recent_share=share)
        said = answer(fit(shared, rows, drifted_split.schema, seed=1), drifted_split.test.frame)
        labels = np.asarray(drifted_split.schema.classes, object)[said.argmax(axis=1)]
        right[share] = (labels == drifted_split.test.target).mean()

    assert right[0.9] > right["natural"] + 0.03
    assert right["only"] > right["natural"] + 0.03


@given(st.lists(st.booleans(), min_size=1, max_size=50), st.floats(0.05, 0.95))
def test_recent_rows_have_the_share_they_were_promised(recent: list[bool], share: float) -> None:
    flags = np.array(recent)
    weights = recent_weights(flags, share)

    assert weights.mean() == pytest.approx(1)
    if 0 < flags.sum() < len(flags):
        assert weights[flags].sum() / weights.sum() == pytest.approx(share)
    np.testing.assert_array_equal(recent_weights(flags, "natural"), 1)


@pytest.mark.parametrize("name", NAMES)
def test_rows_without_one_of_the_classes_are_refused(census_split: Split, name: str) -> None:
    poor = census_split.fitting.take(census_split.fitting.target == "<=50K")

    with pytest.raises(TooFewRowsError, match="has the class '>50K'"):
        fit(candidate(name), poor, census_split.schema, seed=1)
    with pytest.raises(TooFewRowsError, match="no row"):
        fit(candidate(name, recent_share="only"), census_split.fitting, census_split.schema, seed=1)


def test_rows_without_a_single_value_are_refused(price_split: Split) -> None:
    rows = price_split.fitting
    schema = price_split.schema.model_copy(
        update={"columns": tuple(c for c in price_split.schema.columns if c.name != "district")}
    )
    empty = Rows(
        rows.frame[["size"]].assign(size=np.float32(np.nan)),
        rows.target,
        rows.positions,
        rows.recent,
        rows.predictions,
    )

    with pytest.raises(TooFewRowsError, match="No column"):
        fit(candidate("ridge", "tabular-regression"), empty, schema, seed=1)


def test_forests_are_fitted_by_several_threads_without_a_word(price_split: Split) -> None:
    few = Candidate(estimator="random-forest", params={"n_estimators": 20, "max_leaf_nodes": 20})

    def work(seed: int) -> float:
        fitted = fit(few, price_split.fitting, price_split.schema, seed)
        return float(answer(fitted, price_split.holdout.frame).mean())

    with ThreadPoolExecutor(4) as threads:
        assert np.isfinite(list(threads.map(work, range(8)))).all()


@pytest.mark.parametrize("task", ["tabular-classification", "tabular-regression"])
def test_a_fit_that_watches_other_rows_is_the_fit_of_as_many_stages(
    census_split: Split, price_split: Split, task: str
) -> None:
    split = census_split if task == "tabular-classification" else price_split
    open_ended = Candidate(estimator="hist-gradient-boosting", params={"learning_rate": 0.1})
    watching = fit_table(open_ended, split.fitting, split.schema, 1, watch=Watch(split.validation, 300))
    stages = stages_of(watching)
    settled = open_ended.model_copy(update={"params": {**open_ended.params, "max_iter": stages}})

    assert 1 < stages < 300
    np.testing.assert_array_equal(
        answer(watching, split.holdout.frame),
        answer(fit_table(settled, split.fitting, split.schema, 1), split.holdout.frame),
    )


def test_a_fit_that_watches_has_no_more_stages_than_it_may(price_split: Split) -> None:
    slow = Candidate(estimator="hist-gradient-boosting", params={"learning_rate": 0.01})
    watch = Watch(price_split.validation, 25)
    assert stages_of(fit_table(slow, price_split.fitting, price_split.schema, 1, watch=watch)) == 25

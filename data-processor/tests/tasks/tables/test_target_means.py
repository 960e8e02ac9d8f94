import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features.cardinality import MOST_VALUES
from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.features.ties import Ties
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables.prepared import describe
from data_processor.tasks.tables.target_means import FOLDS, TargetMeans, folds_for, shrunk_means
from many_values import only, sales, split_of, without

DRAW = np.random.default_rng(7)


def error(rows: Rows, asked: Rows, schema: Schema, estimator: str) -> float:
    pipeline = fit(Candidate(estimator=estimator, params={}), only(rows, schema), schema, 1)
    answers = answer(pipeline, only(asked, schema).frame)
    return float(np.sqrt(((answers[:, 0] - asked.target) ** 2).mean()))


@pytest.mark.parametrize("estimator", ["ridge", "hist-gradient-boosting"])
def test_a_city_helps_and_noise_with_as_many_values_does_no_harm(estimator: str) -> None:
    gains, losses = [], []
    for seed in range(4):
        split, schema = split_of(sales(seed), "price")
        rows, asked = split.allowed, split.holdout
        plain = without(schema, "city", "noise", "remark")
        best = error(rows, asked, without(schema, "noise", "remark"), estimator)
        gains.append(best / error(rows, asked, plain, estimator))
        losses.append(error(rows, asked, without(schema, "remark"), estimator) / best)

    assert max(gains) < 0.85
    assert np.mean(losses) < 1.02


@given(st.integers(0, FOLDS - 1), st.floats(-1e6, 1e6))
def test_what_a_row_is_fitted_with_does_not_depend_on_its_own_fold(fold: int, value: float) -> None:
    random = np.random.default_rng(3)
    names = np.array([f"v{n}" for n in random.integers(0, 30, 300)], object)[:, None]
    folds, target = random.integers(0, FOLDS, 300), random.normal(0, 1, 300)
    before = TargetMeans(folds=folds).fit_transform(names, target)
    target[folds == fold] += value * random.normal(0, 1, int((folds == fold).sum()))
    after = TargetMeans(folds=folds).fit_transform(names, target)

    assert np.array_equal(before[folds == fold], after[folds == fold])


def test_a_value_that_no_row_had_is_the_mean_of_all() -> None:
    names = np.array([f"v{n % 30}" for n in range(300)], object)[:, None]
    step = TargetMeans().fit(names, np.array([float(n % 30) for n in range(300)]))

    (known, other) = step.transform(np.array([["v29"], ["elsewhere"]], object))
    assert known > 1
    assert other == 0


def test_noise_is_drawn_to_nothing_and_what_differs_is_believed() -> None:
    which = np.repeat(np.arange(200), 5)
    level = DRAW.normal(0, 3, 200)[which] + DRAW.normal(0, 1, 1000)
    weights = np.ones(1000)

    noise = shrunk_means(which, 200, DRAW.normal(0, 1, (1000, 1)), weights)
    told = shrunk_means(which, 200, level[:, None], weights)
    assert noise.std() < 0.1
    assert told.std() == pytest.approx(0.95, abs=0.05)


def test_the_means_follow_the_weights() -> None:
    which = np.tile(np.arange(40), 20)
    old = np.arange(800) < 400
    scores = np.where(old, which, 40 - which)[:, None].astype(float)

    assert shrunk_means(which, 40, scores, np.where(old, 1.9, 0.1))[39, 0] > 1
    assert shrunk_means(which, 40, scores, np.where(old, 0.1, 1.9))[39, 0] < -1


@pytest.mark.parametrize("count", [3, 14])
def test_of_many_classes_the_most_frequent_have_a_mean_each(count: int) -> None:
    labels = np.array([f"class {n % count}" for n in range(1400)], object)
    names = np.array([f"v{n % 70}" for n in range(1400)], object)[:, None]

    assert TargetMeans().fit_transform(names, labels).shape == (1400, min(count, 10))


def test_no_more_values_are_told_apart_than_is_said() -> None:
    codes = np.arange(2 * (MOST_VALUES + 500)) // 2
    names = np.array([f"v{code}" for code in codes], object)[:, None]
    step = TargetMeans().fit(names, codes.astype(float))

    assert len(step.values_[0]) == MOST_VALUES


def test_what_belongs_together_is_in_one_fold() -> None:
    rows = split_of(sales(1, 600), "price")[0].allowed
    groups = np.repeat(DRAW.random(len(rows) // 3 + 1), 3)[: len(rows)]
    by_group = type(rows)(rows.frame, rows.target, groups, rows.recent, rows.predictions, Ties(groups=groups))
    times = np.arange(len(rows)) // 2
    by_time = type(rows)(
        rows.frame, rows.target, rows.positions, rows.recent, rows.predictions, Ties(times=times)
    )

    folds = folds_for(by_group)
    assert all(len(set(folds[groups == one])) == 1 for one in np.unique(groups))
    assert set(folds) == set(range(FOLDS))
    windows = folds_for(by_time)
    assert (np.diff(windows) >= 0).all()
    assert set(windows) == set(range(FOLDS))


def test_a_version_says_how_it_learns_from_such_columns_and_keeps_nothing_of_its_rows() -> None:
    split, schema = split_of(sales(2), "price")
    one = Candidate(estimator="random-forest", params={})
    pipeline = fit(one, split.allowed, schema, 1)
    described = {line["column"]: line for line in describe(pipeline, one, split.allowed, schema)["columns"]}

    assert described["city"]["encoding"] == "target-mean"
    assert described["city"]["category_count"] == 300
    assert described["remark"]["encoding"] == "words"
    assert described["remark"]["components"] == 16
    columns = pipeline.named_steps["columns"]
    for _, step, _ in (*columns.transformers, *columns.transformers_):
        if isinstance(step, TargetMeans):
            assert step.weights is None
            assert step.folds is None

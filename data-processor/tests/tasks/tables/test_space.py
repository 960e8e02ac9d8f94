from dataclasses import replace

import numpy as np
import pytest

from data_processor.features.preparation import Preparation
from data_processor.features.split import Split
from data_processor.tasks.candidates import BLEND, Candidate, members_of
from data_processor.tasks.space import SearchRequest
from data_processor.tasks.tables.space import TabularSpace

ASKED = [{"estimator": "extra-trees"}]


def space(split: Split, budget_s: float, asked: list[dict[str, str]] | None = None) -> TabularSpace:
    return TabularSpace(split, SearchRequest("log_loss", budget_s, 1, asked, 0.9, Preparation()))


def first(space: TabularSpace) -> list[str]:
    """Return the estimators of the trials that a search begins with."""
    return [space.suggest(space.study.ask())[0].estimator for _ in space.study.get_trials()]


def test_an_estimator_whose_first_trial_wants_a_fifth_of_the_budget_is_left_out(census_split: Split) -> None:
    quick = ["logistic-regression", "hist-gradient-boosting", "random-forest"]

    assert first(space(census_split, 0.1)) == quick
    assert first(space(census_split, 20)) == [*quick, "extra-trees"]
    assert first(space(census_split, 0.1, ASKED)) == ["extra-trees"]


def test_a_cross_validation_with_time_begins_with_larger_models_too(census_split: Split) -> None:
    assert first(space(census_split, 60)).count("hist-gradient-boosting") == 4


def test_of_recent_rows_every_estimator_is_required_and_nothing_is_pruned(
    drifted_split: Split, census_split: Split
) -> None:
    recent, crossed = space(drifted_split, 60), space(census_split, 60)

    assert {recent.suggest(recent.study.ask())[1] for _ in range(3)} == {0, 1, 2}
    assert crossed.suggest(crossed.study.ask())[1] is None
    assert (list(recent.checkpoints), list(crossed.checkpoints)) == ([], [1, 2, 3, 4])


def test_of_many_rows_boosting_is_tried_first(census_split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first(space(census_split, 20))[:2] == ["logistic-regression", "hist-gradient-boosting"]
    monkeypatch.setattr("data_processor.tasks.tables.space.MANY_ROWS", 2_000)
    assert first(space(census_split, 20))[:2] == ["hist-gradient-boosting", "logistic-regression"]


def test_roots_are_only_tried_where_some_values_are_far_above_the_others(price_split: Split) -> None:
    def scales(split: Split) -> set[str]:
        request = SearchRequest("rmse", 60, 1, None, 0.9, Preparation())
        searched = TabularSpace(split, request)
        tried = [searched.suggest(searched.study.ask())[0] for _ in range(40)]
        return {one.params["target"] for one in tried if "target" in one.params}

    assert scales(price_split) == {"plain"}
    fitting, validation = (
        replace(part, target=np.exp(part.target / 50_000))
        for part in (price_split.fitting, price_split.validation)
    )
    skewed = replace(price_split, fitting=fitting, validation=validation)
    assert scales(skewed) == {"plain", "square-root", "logarithm"}


def test_a_regression_has_as_many_more_trees_as_it_has_more_rows(price_split: Split) -> None:
    request = SearchRequest("rmse", 4, 1, None, 0.9, Preparation())
    space = TabularSpace(many(price_split), request)
    leaves = {"max_leaf_nodes": 31}
    tried = Candidate(estimator="hist-gradient-boosting", params={**leaves, "max_iter": 200})
    ridge = Candidate(estimator="ridge", params={"alpha": 1.0})
    members = [{"estimator": one.estimator, "params": one.params, "weight": 0.5} for one in (tried, ridge)]
    blend = Candidate(estimator=BLEND, params={"members": members})

    assert space.on_every_row(tried).params == {**leaves, "max_iter": 300}
    assert space.on_every_row(ridge) == ridge
    assert [one.params for one, _ in members_of(space.on_every_row(blend))] == [
        {**leaves, "max_iter": 300},
        {"alpha": 1.0},
    ]
    asked = [{"estimator": "hist-gradient-boosting", "params": {"max_iter": 200}}]
    fixed = TabularSpace(many(price_split), request._replace(estimators=asked))
    assert fixed.on_every_row(tried) == tried


def many(split: Split) -> Split:
    """Return a split with rows enough to watch, a third of them in each fold."""
    fitting = split.fitting.join(split.fitting, split.fitting)
    positions = 0.2 + 0.8 * np.random.default_rng(1).random(len(fitting))
    return replace(split, fitting=replace(fitting, positions=positions))

from data_processor.features.preparation import Preparation
from data_processor.features.split import Split
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
    assert first(space(census_split, 60)).count("hist-gradient-boosting") == 3


def test_of_recent_rows_every_estimator_is_required_and_nothing_is_pruned(
    drifted_split: Split, census_split: Split
) -> None:
    recent, crossed = space(drifted_split, 60), space(census_split, 60)

    assert {recent.suggest(recent.study.ask())[1] for _ in range(3)} == {0, 1, 2}
    assert crossed.suggest(crossed.study.ask())[1] is None
    assert (list(recent.checkpoints), list(crossed.checkpoints)) == ([], [1, 2, 3, 4])

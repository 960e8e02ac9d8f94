import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_processor.features.hyperparameters import Hyperparameter, Value, defaults, problems


def declared(**fields: object) -> Hyperparameter:
    return Hyperparameter.model_validate(
        {"name": "trees", "title": "Trees", "help": "How many.", "kind": "integer", "default": 5, **fields}
    )


COUNT = declared(low=1, high=10, search=(2, 8))
SHARE = declared(name="share", kind="number", default=0.5, low=0.0, high=1.0, search=(0.1, 0.9))
WAY = declared(name="way", kind="choice", default="near", choices=("near", "far"), search=("near", "far"))
SWITCH = declared(name="switch", kind="flag", default=False, search=("no", "yes"))
OPEN = declared(name="open", default=None, nullable=True, low=1)
SPACE = (COUNT, SHARE, WAY, SWITCH, OPEN)


@pytest.mark.parametrize(
    ("one", "value", "message"),
    [
        (COUNT, 11, "11 is not possible; give a whole number from 1 to 10"),
        (COUNT, 2.5, "2.5 is not possible; give a whole number from 1 to 10"),
        (COUNT, True, "True is not possible; give a whole number from 1 to 10"),
        (COUNT, None, "may not be null; give a whole number from 1 to 10"),
        (SHARE, float("nan"), "nan is not possible; give a number from 0 to 1"),
        (WAY, "up", "'up' is not possible; give one of near, far"),
        (SWITCH, 1, "1 is not possible; give true or false"),
        (OPEN, 0, "0 is not possible; give a whole number from 1"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(
    one: Hyperparameter, value: object, message: str
) -> None:
    assert one.problem(value) == message


@pytest.mark.parametrize(
    ("one", "value"), [(COUNT, 10), (SHARE, 1), (WAY, "far"), (SWITCH, True), (OPEN, None)]
)
def test_a_right_value_has_no_problem(one: Hyperparameter, value: Value) -> None:
    assert one.problem(value) is None


@given(st.integers(0, 2**31))
def test_whatever_a_search_draws_may_also_be_asked_for(seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    drawn = {one.name: one.suggest(trial, "0:") for one in SPACE}
    assert problems(SPACE, drawn, "it") == []
    assert drawn["open"] is None
    assert 2 <= int(str(drawn["trees"])) <= 8


def test_problems_have_their_place_in_the_request() -> None:
    found = problems(SPACE, {"trees": 0, "branches": 1}, "oak", "body", 3)
    assert [tuple(one["loc"]) for one in found] == [("body", 3, "trees"), ("body", 3, "branches")]
    assert "oak has no hyperparameter 'branches'; it has trees, share" in found[1]["message"]


def test_defaults_are_by_name() -> None:
    assert defaults(SPACE) == {"trees": 5, "share": 0.5, "way": "near", "switch": False, "open": None}


@pytest.mark.parametrize("fields", [{"default": 11, "high": 10}, {"high": 4, "default": 3, "search": (1, 9)}])
def test_a_declaration_contradicting_itself_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        declared(low=1, **fields)


def test_a_choice_needs_choices() -> None:
    with pytest.raises(ValidationError, match="has no choices"):
        declared(kind="choice", default="near")

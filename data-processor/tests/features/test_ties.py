import numpy as np
import pandas as pd
import pytest

from data_processor.features import holdout, ties
from data_processor.features.schema import Column, Holdout, Schema
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN, Rows, Split, prepare_data
from data_processor.features.ties import Cutoff, Fitted

ENGINES, CYCLES = 60, 20
BY_ENGINE = Holdout(by="group", column="engine")
BY_DAY = Holdout(by="time", column="day")
BOTH = Holdout(by="group", column="engine", time="day")


def schema_of(by: Holdout) -> Schema:
    kinds = {"engine": "identifier", "day": "datetime", "x": "numeric", "life": "numeric"}
    columns = tuple(Column.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items())
    return Schema(task="tabular-regression", target="life", columns=columns, holdout=by)


def engines(feedback: int = 0, seed: int = 0) -> pd.DataFrame:
    """Return engines that start on different days and run on each; the last rows are feedback on some."""
    rng = np.random.default_rng(seed)
    engine, cycle = np.divmod(np.arange(ENGINES * CYCLES), CYCLES)
    first = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 60, ENGINES), "D")
    frame = pd.DataFrame(
        {
            "engine": engine,
            "day": (pd.Series(first[engine]) + pd.to_timedelta(cycle, "D")).dt.strftime("%Y-%m-%d"),
            "x": rng.normal(size=len(engine)),
            "life": 1.0 * CYCLES - cycle,
        }
    )
    frame[PREDICTION_COLUMN], frame[FEEDBACK_COLUMN] = "", 0
    if feedback:
        more = frame.sample(feedback, random_state=seed).assign(x=rng.normal(size=feedback))
        more["day"] = [None if n % 2 else f"2026-06-{1 + n % 30:02}" for n in range(feedback)]
        more[PREDICTION_COLUMN] = [f"p{n}" for n in range(1, feedback + 1)]
        more[FEEDBACK_COLUMN] = np.arange(1, feedback + 1)
        frame = pd.concat([frame, more], ignore_index=True)
    frame["x"] += np.arange(len(frame)) * 1e-3  # no two rows have the same inputs
    return frame


def parts(split: Split) -> dict[str, Rows]:
    return {name: getattr(split, name) for name in ("fitting", "validation", "test", "holdout")}


def groups(rows: Rows) -> set[float]:
    assert rows.ties.groups is not None
    return set(rows.ties.groups.tolist())


@pytest.mark.parametrize("by_recent", [True, False])
def test_a_group_is_whole_on_one_side(by_recent: bool) -> None:
    divided = prepare_data(engines(300), schema_of(BY_ENGINE), "salt", 0, validate_on_recent=by_recent)

    fitted = groups(divided.allowed)
    assert not fitted & groups(divided.holdout)
    assert not groups(divided.validation) & groups(divided.test if by_recent else divided.fitting)
    assert len(groups(divided.holdout)) == pytest.approx(0.2 * ENGINES, abs=8)


def test_a_group_keeps_its_side_in_every_later_version_and_under_every_name() -> None:
    frame, schema = engines(), schema_of(BY_ENGINE)
    before = prepare_data(frame, schema, "salt", None, validate_on_recent=False)
    renamed = schema_of(Holdout(by="group", column="motor"))
    later = pd.concat([frame, engines(seed=1)], ignore_index=True).rename(columns={"engine": "motor"})
    after = prepare_data(later.astype({"motor": str}), renamed, "salt", None, validate_on_recent=False)

    assert groups(before.holdout) == groups(after.holdout)


def test_the_group_column_is_not_what_decides_by_rows() -> None:
    schema = schema_of(Holdout())
    split = prepare_data(engines(), schema, "salt", None, validate_on_recent=False)

    assert split.holdout.ties.groups is None
    assert len(split.holdout) == pytest.approx(0.2 * ENGINES * CYCLES, rel=0.2)


def test_a_row_without_a_group_belongs_to_the_row_whose_inputs_it_repeats_or_to_itself() -> None:
    frame, schema = engines(), schema_of(BY_ENGINE)
    lonely = frame.iloc[:2].assign(engine=None)
    lonely.loc[1, "x"] = 1234.5
    at = ties.positions(pd.concat([frame, lonely], ignore_index=True), schema, "salt")

    assert at[-2] == at[0]
    assert at[-1] not in at[:-1]


def test_recent_rows_of_groups_that_the_champion_saw_are_not_compared() -> None:
    split = prepare_data(engines(300), schema_of(BY_ENGINE), "salt", 0, validate_on_recent=True)
    compared = split.test.unseen()

    assert holdout.on_holdout(compared.positions).all()
    assert 0 < len(compared) < len(split.test)
    assert len(split.holdout.unseen()) == len(split.holdout)


def test_a_champion_that_rows_were_held_out_from_saw_something_of_every_group() -> None:
    split = prepare_data(
        engines(), schema_of(BY_ENGINE), "salt", 0, validate_on_recent=False, champion=Fitted()
    )

    assert len(split.holdout) > 0
    assert len(split.holdout.unseen()) == 0


def test_by_time_the_newest_fifth_of_the_days_is_held_out_and_nothing_is_fitted_that_is_not_earlier() -> None:
    frame = engines()
    split = prepare_data(frame, schema_of(BY_DAY), "salt", None, validate_on_recent=False)

    days = frame["day"].nunique()
    assert len(np.unique(split.holdout.times)) == round(0.2 * days)
    assert split.allowed.times.max() < split.holdout.times.min()
    assert split.fitting.times.max() < split.validation.times.min()
    assert sum(map(len, parts(split).values())) == len(frame)
    at = ties.moments(frame["day"])
    before = np.unique(at)[: -round(0.2 * days)]
    assert split.cutoff == Cutoff(time=before.max(), feedback=0)


def test_rows_without_a_time_are_in_no_part() -> None:
    frame = engines()
    frame.loc[:9, "day"] = None
    split = prepare_data(frame, schema_of(BY_DAY), "salt", None, validate_on_recent=False)

    assert split.left_out == 10
    assert sum(map(len, parts(split).values())) == len(frame) - 10


def test_feedback_without_a_time_is_later_than_all_that_has_one() -> None:
    places, timeline = ties.order(
        np.array([3.0, np.nan, 1.0, np.nan, np.nan, 3.0]), np.array([0, 8, 0, 0, 5, 0])
    )

    assert places.tolist() == [1, 3, 0, -1, 2, 1]
    assert timeline.cutoff(places) == Cutoff(time=3.0, feedback=8)
    assert timeline.cutoff(places[:1]) == Cutoff(time=3.0, feedback=0)


def test_two_models_are_compared_only_on_rows_later_than_both_have_seen() -> None:
    frame, schema = engines(), schema_of(BY_DAY)
    first = prepare_data(frame, schema, "salt", None, validate_on_recent=False)
    more = frame.assign(day=(pd.to_datetime(frame["day"]) + pd.Timedelta(days=30)).dt.strftime("%Y-%m-%d"))
    both = pd.concat([frame, more], ignore_index=True)
    early = Fitted(BY_DAY, first.cutoff)
    late = Fitted(BY_DAY, Cutoff(time=ties.moments(more["day"]).max() - 3 * 86_400, feedback=0))
    for champion in (early, late):
        split = prepare_data(both, schema, "salt", 0, validate_on_recent=False, champion=champion)
        compared = split.holdout.unseen()
        assert split.timeline is not None
        assert champion.cutoff is not None
        at = split.timeline.times[compared.times]
        assert champion.cutoff.time is not None
        assert (at > champion.cutoff.time).all()
        assert compared.times.min() > split.allowed.times.max()
    assert len(np.unique(compared.times)) == 3


def test_a_champion_without_a_cutoff_has_seen_every_row_that_is_not_recent() -> None:
    split = prepare_data(
        engines(200), schema_of(BY_DAY), "salt", 0, validate_on_recent=True, champion=Fitted(BY_DAY)
    )

    assert len(split.holdout.unseen()) == 0
    assert len(split.test.unseen()) == len(split.test) > 0


def test_where_the_score_opened_the_run_recent_rows_choose_and_decide_by_time_too() -> None:
    split = prepare_data(
        engines(200), schema_of(BY_DAY), "salt", 0, validate_on_recent=True, champion=Fitted(BY_DAY)
    )

    assert split.chosen_on == "recent"
    assert split.validation.recent.all()
    assert split.test.recent.all()
    assert split.fitting.times.max() < split.holdout.times.min()
    assert split.before_holdout.times.max() < split.holdout.times.min() <= split.allowed.times.max()


def test_with_both_a_group_decides_the_side_and_one_that_spans_the_cut_is_not_fitted() -> None:
    frame = engines()
    split = prepare_data(frame, schema_of(BOTH), "salt", None, validate_on_recent=False)

    assert not groups(split.allowed) & groups(split.holdout)
    assert split.allowed.times.max() < split.holdout.times.min()
    alone = prepare_data(frame, schema_of(BY_DAY), "salt", None, validate_on_recent=False)
    by_group = ties.positions(frame, schema_of(BY_ENGINE), "salt")
    late = np.isin(frame["x"].to_numpy(np.float32), alone.holdout.frame["x"].to_numpy())
    spanning = set(by_group[ties.spanning(by_group, late)].tolist())
    assert spanning
    assert not groups(split.allowed) & spanning


def test_a_fit_sees_nothing_that_is_tied_to_what_it_answers() -> None:
    for by in (BY_ENGINE, BY_DAY, BOTH):
        split = prepare_data(engines(), schema_of(by), "salt", None, validate_on_recent=False)
        apart = split.fitting.apart_from(split.validation)
        assert len(apart) > 0
        if by.groups is not None:
            assert not groups(apart) & groups(split.validation)
        if by.times is not None:
            assert apart.times.max() < split.validation.times.min() - ties.GAP


def test_windows_are_of_as_many_times_each_and_follow_each_other() -> None:
    times = np.repeat([4, 7, 1, 9, 2, 5], [3, 1, 2, 2, 1, 1])
    at = ties.windows(times, 2)

    assert dict(zip(times.tolist(), at.tolist(), strict=True)) == {1: 0, 2: 0, 4: 1, 5: 1, 7: 2, 9: 2}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1970-01-02", "1970-01-01T00:00:01+00:00", None, "soon"], [86_400, 1, np.nan, np.nan]),
        ([3, 1, 2, 2], [3, 1, 2, 2]),
        (["7", "8.5", "inf", None], [7, 8.5, np.nan, np.nan]),
    ],
)
def test_times_are_numbers(values: list[object], expected: list[float]) -> None:
    assert np.array_equal(ties.moments(pd.Series(values)), expected, equal_nan=True)

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_processor.datasets.exploration import computing
from data_processor.datasets.exploration.sampling import Sample
from data_processor.datasets.exploration.schemas import Counts, Histogram, Periods, Profile
from data_processor.datasets.inference import infer_schema

ROWS = 240


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Return people of whom the old ones say angry things."""
    age = 20 + np.arange(ROWS) % 50
    angry = age > 45
    frame = pd.DataFrame(
        {
            "id": [f"P{n:04}" for n in range(ROWS)],
            "age": np.where(np.arange(ROWS) % 10 == 0, np.nan, age),
            "city": pd.Series([("Bern", "Rom", "Wien")[n % 3] for n in range(ROWS)], dtype="str"),
            "since": [f"2026-{1 + n % 12:02}-01" for n in range(ROWS)],
            "said": np.where(angry, "You stupid people, go away!", "What a lovely day, thank you."),
            "mood": np.where(angry, "angry", "calm"),
        }
    )
    return frame.astype({"said": "str", "mood": "str", "since": "str"})


@pytest.fixture(scope="module")
def profile(explore: Any, people: pd.DataFrame) -> Profile:
    found: Profile = explore(people, "mood", since="datetime", said="text", id="identifier")
    return found


def column(profile: Profile, name: str) -> Any:
    return next(found for found in profile.columns if found.name == name)


def test_each_column_has_its_type_and_what_is_missing(profile: Profile) -> None:
    assert [(c.name, c.type, c.missing) for c in profile.columns] == [
        ("id", "text", 0),
        ("age", "integer", 24),
        ("city", "text", 0),
        ("since", "date", 0),
        ("said", "text", 0),
        ("mood", "text", 0),
    ]
    assert column(profile, "age").statistics.maximum == 69
    assert column(profile, "city").distinct == 3


def test_each_kind_has_its_distribution(profile: Profile) -> None:
    forms = {found.name: type(found.distribution) for found in profile.columns if found.distribution}
    assert forms == {"age": Histogram, "city": Counts, "since": Periods, "mood": Counts}
    assert column(profile, "since").distribution.counts == [20] * 12


def test_the_target_is_told_by_each_other_column(profile: Profile) -> None:
    age = column(profile, "age")
    calm, angry = (age.by_target.counts[profile.classes.index(label)] for label in ("calm", "angry"))
    assert (sum(calm[:10]), sum(angry[:10])) == (sum(age.distribution.counts[:10]), 0)
    assert sum(angry[-5:]) == sum(age.distribution.counts[-5:])
    mood = column(profile, "mood")
    first, second = mood.distribution.counts
    assert mood.by_target.counts == [[first, 0], [0, second]]


def test_what_goes_with_the_target_is_found(profile: Profile) -> None:
    assert column(profile, "age").strength.measure == "correlation-ratio"
    assert column(profile, "age").strength.value > 0.7
    assert column(profile, "city").strength.value < 0.2
    assert profile.associations.columns == ["age", "city", "since", "mood"]
    assert column(profile, "said").strength is None


def test_texts_are_told_apart_by_class(profile: Profile) -> None:
    [said] = profile.texts
    assert [group.label for group in said.groups] == [None, *profile.classes]
    groups = {group.label: group for group in said.groups}
    assert groups[None].texts == ROWS
    assert [p.words for p in groups["angry"].phrases[0]] == ["away", "people", "stupid"]
    first = groups["angry"].phrases[0][0]
    assert (first.share, first.elsewhere) == (1.0, 0.0)
    assert [p.words for p in groups["angry"].phrases[1]] == ["stupid people"]
    assert groups["calm"].mean_words == 6
    assert sum(groups["calm"].lengths) == groups["calm"].texts
    assert "adjective" in groups["calm"].parts_of_speech
    assert {word.word for word in groups["calm"].cloud} == {"lovely", "day", "thank"}


def test_a_regression_has_means_and_its_texts_no_classes(explore: Any) -> None:
    frame = pd.DataFrame(
        {
            "size": np.arange(100.0),
            "note": [f"a nice flat number {n}" for n in range(100)],
            "rent": np.arange(100.0) * 9 + 0.5,
        }
    )
    found = explore(frame, "rent", task="tabular-regression", note="text")
    assert found.classes == []
    means = column(found, "size").by_target.means
    assert means == sorted(means)
    assert [group.label for group in found.texts[0].groups] == [None]
    assert column(found, "size").strength.value == pytest.approx(1)


def test_what_is_left_out_is_said(explore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "CHARTED", 1)
    frame = pd.DataFrame({"a": range(60), "b": range(60), "y": [f"c{n % 12}" for n in range(60)]})
    found = explore(frame, "y")
    assert found.notes == [
        "Only the first 1 of 3 columns are charted.",
        "Only the 8 most frequent of 12 classes are shown.",
    ]
    assert column(found, "b").distribution is None
    assert column(found, "y").distribution is not None


def test_how_far_it_is_is_told_and_never_goes_back(people: pd.DataFrame) -> None:
    told: list[float] = []
    schema = infer_schema(people, "mood", kinds={"said": "text"})
    sample = Sample(people, ROWS, dict.fromkeys(people.columns, 0))
    computing.compute("people", 1, schema, sample, lambda _what, share: told.append(share))
    assert told == sorted(told)
    assert len(told) >= 3
    assert 0 < told[0] < told[-1] < 1


CELL = st.none() | st.text(max_size=5)
NUMBER = st.none() | st.floats(-1e200, 1e200)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(CELL, NUMBER, CELL, st.sampled_from(["x", "y"])), min_size=2, max_size=15))
def test_any_table_has_a_profile_that_json_can_say(explore: Any, rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["city", "n", "said", "y"])
    frame.loc[:1, "y"] = ["x", "y"]
    frame["n"] = frame["n"].astype("float64")
    found = explore(frame, "y", city="categorical", n="numeric", said="text")
    json.loads(found.model_dump_json(), parse_constant=pytest.fail)
    assert Profile.model_validate_json(found.model_dump_json()) == found

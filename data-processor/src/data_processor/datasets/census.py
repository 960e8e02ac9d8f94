# ruff: noqa: PLR2004  # the numbers are the model: what each means stands beside it
"""A made-up census: the columns and categories of UCI Adult, filled with rows that describe nobody.

**Everything here is synthetic.** The shares of the categories and how they are related resemble those
published for UCI Adult (Becker & Kohavi 1996, CC BY 4.0); no row is taken from it, and nothing about people
may be concluded from these rows. They exist so that the platform has something to serve on its first start,
and a knob that no real table has: `drift` changes what income depends on, P(y | x), from one world (0) to
another (1), so that a model of the first becomes wrong in the second while a new one is right again. It also
ages the population a little, P(x).
"""

from itertools import accumulate
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.datasets import census_shares as shares
from data_processor.datasets.inference import infer_schema
from data_processor.features.schema import Schema

TARGET: Final = "income-per-year"
CLASSES: Final = ("<=50K", ">50K")
IGNORED: Final = "fnlwgt"
"""A sampling weight of the census: not a property of a person."""

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

DESCRIPTIONS: Final = {
    "age": "Age in years.",
    "workclass": "Kind of employer.",
    "fnlwgt": "Sampling weight of the census; not used.",
    "education": "Highest schooling completed.",
    "education-num": "The same as a number, 1 (preschool) to 16 (doctorate).",
    "marital-status": "Marital status.",
    "occupation": "Kind of work.",
    "relationship": "Role in the household.",
    "race": "As the census of 1994 named it.",
    "sex": "As the census of 1994 named it.",
    "capital-gain": "Gains from investments in the year, in dollars.",
    "capital-loss": "Losses from investments in the year, in dollars.",
    "hours-per-week": "Usual hours of work per week.",
    "native-country": "Country of birth.",
    "income-per-year": "Whether the income of the year is above 50 000 dollars.",
}
COLUMNS: Final = tuple(DESCRIPTIONS)


_SCHOOLING = NormalDist(10.1, 2.5)
_SCHOOLING_BOUNDS = [_SCHOOLING.inv_cdf(share) for share in accumulate(shares.EDUCATION_P[:-1])]


def make_table(rows: int, seed: int, drift: float = 0.0) -> pd.DataFrame:
    """Return that many synthetic rows in the columns of UCI Adult; the same arguments give the same rows.

    `drift` in [0, 1] moves from the old world to the new. Raises `ValueError` outside.
    """
    if not 0 <= drift <= 1:
        raise ValueError(f"The drift must be between 0 and 1, not {drift}.")
    draw = np.random.default_rng([seed, rows])
    people = _people(draw, rows, drift)
    logits = (1 - drift) * _old_world(people) + drift * _new_world(people) + 1.2 * drift * (1 - drift)
    rich = draw.random(rows) < 1 / (1 + np.exp(-logits))
    people[TARGET] = np.where(rich, CLASSES[1], CLASSES[0]).astype(object)
    table = pd.DataFrame({name: people[name] for name in COLUMNS})
    _lose_some(draw, table)
    return table


def schema_of(table: pd.DataFrame) -> Schema:
    """Return the schema of a census table, real or made up."""
    return infer_schema(
        table,
        TARGET,
        task="tabular-classification",
        kinds={IGNORED: "ignored"},
        descriptions=DESCRIPTIONS,
    )


def sample_rows(count: int, seed: int, drift: float = 0.0) -> list[dict[str, Any]]:
    """Return synthetic rows ready for JSON: `{"inputs": {...}, "label": ">50K"}`, missing values as null."""
    table = make_table(count, seed, drift).drop(columns=IGNORED)
    labels = table.pop(TARGET).tolist()
    cells = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return [{"inputs": inputs, "label": label} for inputs, label in zip(cells, labels, strict=True)]


def _people(draw: np.random.Generator, rows: int, drift: float) -> dict[str, Any]:
    sex = np.where(draw.random(rows) < shares.MALE, "Male", "Female").astype(object)
    male = sex == "Male"
    age = 17 + np.floor(73 * draw.beta(1.25, 3.0 - 0.35 * drift, rows)).astype(np.int64)
    race = _pick(draw, rows, shares.RACE)
    country = _pick(draw, rows, shares.COUNTRY)
    abroad = country != "United-States"
    marital = _pick_by(draw, np.digitize(age, shares.MARITAL_AGES) + 6 * ~male, shares.MARITAL)
    relationship = _pick_by(draw, _relationship_groups(marital, male, age), shares.RELATIONSHIP)

    schooling = draw.normal(_SCHOOLING.mean, _SCHOOLING.stdev, rows) - 1.2 * abroad * (
        draw.random(rows) < 0.5
    )
    schooling = np.where(age < 22, np.minimum(schooling, 10.4 - 0.5 * (age < 19)), schooling)
    number = _education_number(schooling)
    occupation = _pick_by(
        draw, np.digitize(number, shares.OCCUPATION_SCHOOLING) + 5 * ~male, shares.OCCUPATION
    )
    workclass = _pick_by(
        draw, pd.Index(shares.EMPLOYED_AS).get_indexer(pd.Index(occupation)), shares.WORKCLASS
    )

    usual = 40.0 + 4.5 * male + np.select([age < 22, age > 64], [-14.0, -12.0], 0.0)
    usual += 4.0 * np.isin(occupation, ("Exec-managerial", "Farming-fishing", "Prof-specialty"))
    full_time = (draw.random(rows) < 0.47) & (age > 20) & (age < 66)
    hours = np.where(full_time, 40.0, draw.normal(usual, 12.0))
    hours = np.clip(np.where(draw.random(rows) < 0.7, 5 * np.round(hours / 5), np.round(hours)), 1, 99)

    wealth = 0.05 * (age - 38) + 0.25 * (number - 10) + draw.logistic(0, 1, rows)
    gains = draw.random(rows) < 1 / (1 + np.exp(-(wealth - 4.2)))
    losses = ~gains & (draw.random(rows) < 1 / (1 + np.exp(-(wealth - 4.6))))
    return {
        "age": age,
        "workclass": workclass,
        "fnlwgt": np.round(np.exp(draw.normal(12.0, 0.5, rows))).astype(np.int64),
        "education": shares.EDUCATION[number - 1],
        "education-num": number,
        "marital-status": marital,
        "occupation": occupation,
        "relationship": relationship,
        "race": race,
        "sex": sex,
        "capital-gain": np.where(gains, draw.choice(shares.GAINS, rows, p=shares.GAINS_P), 0),
        "capital-loss": np.where(losses, draw.choice(shares.LOSSES, rows), 0),
        "hours-per-week": hours.astype(np.int64),
        "native-country": country,
    }


def _old_world(people: dict[str, Any]) -> Floats:
    """Return the logit of a high income where households, schooling, age and capital decide."""
    age, number, hours = people["age"], people["education-num"], people["hours-per-week"]
    married = np.isin(people["relationship"], ("Husband", "Wife"))
    prime = -(((age - 48) / 16.0) ** 2)
    logit: Floats = -4.95 + 3.3 * married + 0.52 * (number - 10) + 1.25 * prime
    logit += _of(people["occupation"], shares.OLD_PAY) + _of(people["workclass"], shares.OLD_EMPLOYERS)
    logit += 0.045 * np.clip(hours - 40, -25, 25)
    logit += 0.3 * married * np.clip(number - 9, 0, 5)
    logit += np.select([people["capital-gain"] > 5000, people["capital-gain"] > 0], [6.5, -0.7], 0.0)
    logit += np.where(people["capital-loss"] > 1800, 1.6, 0.0)
    return 0.7 * (logit + 1.42)


def _new_world(people: dict[str, Any]) -> Floats:
    """Return the logit of a high income where trades and hours are paid, not households and degrees."""
    age, hours = people["age"], people["hours-per-week"]
    married = np.isin(people["relationship"], ("Husband", "Wife"))
    logit: Floats = _of(people["occupation"], shares.NEW_PAY) + 0.1 * np.clip(hours - 40, -30, 25)
    logit += -0.5 * married - 0.01 * (age - 38)
    logit += np.where(people["capital-gain"] > 5000, 4.0, 0.0)
    return 2.2 * (logit - 2.2)


def _lose_some(draw: np.random.Generator, table: pd.DataFrame) -> None:
    """Take away what UCI Adult misses: employer and occupation together, and the country of birth."""
    lost = draw.random(len(table)) < shares.NO_OCCUPATION
    table.loc[lost, ["workclass", "occupation"]] = np.nan
    never = ~lost & (draw.random(len(table)) < shares.NEVER_WORKED) & (table["age"] < 30).to_numpy()
    table.loc[never, "workclass"] = "Never-worked"
    table.loc[never, "occupation"] = np.nan
    table.loc[draw.random(len(table)) < shares.NO_COUNTRY, "native-country"] = np.nan


def _relationship_groups(
    marital: Texts, male: NDArray[np.bool_], age: NDArray[np.int64]
) -> NDArray[np.int64]:
    together = np.isin(marital, ("Married-civ-spouse", "Married-AF-spouse"))
    single = marital == "Never-married"
    young = age < 26
    return np.select([together & male, together, single & young, single, male], [0, 1, 2, 3, 4], 5)


def _education_number(schooling: Floats) -> NDArray[np.int64]:
    """Return the census's number of a continuous schooling, by the published shares of each."""
    return 1 + np.searchsorted(_SCHOOLING_BOUNDS, schooling)


def _pick(draw: np.random.Generator, rows: int, table: dict[str, float]) -> Texts:
    return _pick_by(draw, np.zeros(rows, np.int64), [table])


def _pick_by(draw: np.random.Generator, group: NDArray[np.int64], tables: Any) -> Texts:
    """Pick one category per row with the weights of the row's group."""
    at = draw.random(len(group))
    picked = np.empty(len(group), object)
    for number, table in enumerate(tables):
        here = group == number
        weights = np.cumsum(list(table.values()))
        places = np.searchsorted(weights / weights[-1], at[here], side="right")
        picked[here] = np.array(list(table), object)[np.minimum(places, len(table) - 1)]
    return picked


def _of(values: Texts, effects: dict[str, float]) -> Floats:
    names, which = np.unique(values.astype(str), return_inverse=True)
    return np.array([effects.get(str(name), 0.0) for name in names])[which]

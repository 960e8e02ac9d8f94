"""What a profile holds: all that its charts are drawn from, on the pages and in the report.

A column's `distribution` is a row of bars, and everything said of the target by this column is in the order
of those bars. Shares are between 0 and 1; what cannot be computed (of a constant, of too few rows) is null.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from data_processor.features.schema import Kind

FORMAT = 1
"""Raised when the format of a profile changes: those stored in an older one are computed again."""
Measure = Literal["pearson", "spearman", "cramers-v", "correlation-ratio"]
Unit = Literal["hour", "day", "month", "quarter", "year"]


class Rows(BaseModel):
    """The rows that a profile describes."""

    total: int
    sampled: int = Field(
        description="Rows sampled with a fixed seed: everything is computed from them, except that missing "
        "values are counted in all rows."
    )


class Statistics(BaseModel):
    """A numeric column in a few numbers."""

    minimum: float | None
    lower_quartile: float | None
    median: float | None
    mean: float | None
    upper_quartile: float | None
    maximum: float | None
    deviation: float | None = Field(description="The standard deviation.")


class Histogram(BaseModel):
    """Numbers, counted in bins of one width; the last bin includes its upper edge."""

    form: Literal["histogram"] = "histogram"
    edges: list[float] = Field(description="One more than there are bars.")
    counts: list[int]
    below: int = Field(0, description="Numbers below the first bar: extreme values have no bar.")
    above: int = Field(0, description="Numbers above the last bar.")
    whole: bool = Field(description="Every number is whole, and the edges lie between whole numbers.")


class Counts(BaseModel):
    """Values and how often each occurs, the most frequent first."""

    form: Literal["counts"] = "counts"
    labels: list[str] = Field(description="The values.")
    counts: list[int]
    others: int = Field(0, description="Rows with a value that is not listed.")
    other_values: int = Field(0, description="Values that are not listed.")


class Periods(BaseModel):
    """Dates, counted by hour, day, month, quarter or several years; empty periods are included."""

    form: Literal["periods"] = "periods"
    unit: Unit
    step: int = Field(1, description="How many units a period lasts.")
    starts: list[str] = Field(description="The first day of each, or its hour, in ISO 8601.")
    counts: list[int]


Distribution = Annotated[Histogram | Counts | Periods, Field(discriminator="form")]


class ByTarget(BaseModel):
    """The target by a column, for each bar of the column's distribution."""

    counts: list[list[int]] = Field(
        [], description="Classification: the rows of each class, in the order of the profile's `classes`."
    )
    rows: list[int] = Field([], description="Regression: the rows whose target is known.")
    means: list[float | None] = Field([], description="Regression: the mean of the target.")
    errors: list[float | None] = Field([], description="Regression: the standard error of that mean.")


class Strength(BaseModel):
    """How strongly two columns are associated, from 0 to 1; between two numbers from -1 to 1."""

    measure: Measure
    value: float


class ColumnProfile(BaseModel):
    """One column."""

    name: str
    kind: Kind
    type: Literal["integer", "number", "date", "text"]
    missing: int = Field(description="Missing values in all rows.")
    distinct: int = Field(description="Distinct values in the sampled rows.")
    statistics: Statistics | None = None
    distribution: Distribution | None = Field(None, description="Null for free text and identifiers.")
    by_target: ByTarget | None = None
    strength: Strength | None = Field(None, description="How strongly it is associated with the target.")


class Pair(Strength):
    """How strongly two columns are associated."""

    first: str
    second: str


class Associations(BaseModel):
    """Every pair of the columns that are most strongly associated with the target."""

    columns: list[str]
    left_out: int = Field(description="Columns that were left out because there are too many.")
    pairs: list[Pair]


class Phrase(BaseModel):
    """A word, or a sequence of words."""

    words: str
    count: int
    share: float = Field(description="The share of the group's texts that contain it.")
    elsewhere: float | None = Field(description="The share of all other texts that contain it.")


class CloudWord(BaseModel):
    """A word in a word cloud: where it stands on a ground of 640 x 320, and how large."""

    word: str
    count: int
    x: float = Field(description="The left end of its baseline.")
    y: float = Field(description="Its baseline, from the top.")
    width: float
    size: float = Field(description="The height of its font.")


class TextGroup(BaseModel):
    """The texts of one class, or all of them."""

    label: str | None = Field(description="The class; null for all texts.")
    texts: int
    mean_words: float | None
    median_words: float | None
    lengths: list[int] = Field(description="Texts by their words, in the bins of `length_edges`.")
    parts_of_speech: dict[str, float] = Field(description="The share of each among the words.")
    phrases: list[list[Phrase]] = Field(description="The most frequent words, pairs and triples of words.")
    cloud: list[CloudWord]


class TextProfile(BaseModel):
    """One column of texts, by class of the target."""

    column: str
    texts: int = Field(description="How many texts were read.")
    length_edges: list[float]
    groups: list[TextGroup] = Field(description="All texts first, then those of each class.")
    notes: list[str]


class Profile(BaseModel):
    """A dataset version, described for people who want to understand it before they train on it."""

    state: Literal["ready"] = "ready"
    dataset: str
    version: int
    task: str
    target: str
    classes: list[str] = Field(description="The most frequent first; of many, only the first are listed.")
    rows: Rows
    columns: list[ColumnProfile]
    associations: Associations
    texts: list[TextProfile]
    notes: list[str] = Field(description="What was left out, and why.")
    made_at: datetime


class ProfileComputing(BaseModel):
    """A profile that is being computed."""

    state: Literal["computing"] = "computing"
    dataset: str
    version: int
    run: str = Field(description="The run that computes it.")
    progress: float = Field(description="The share that is done, 0 to 1.")

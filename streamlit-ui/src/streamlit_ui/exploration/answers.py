"""The profile of a dataset version, as far as the pages read it (`GET /v1/datasets/{dataset}/profile`).

A column's `distribution` is a row of bars; what `by_target` says is in the order of those bars.
"""

from typing import Literal, TypedDict


class Rows(TypedDict):
    """Which rows a profile speaks of."""

    total: int
    sampled: int


class Statistics(TypedDict):
    """A numeric column in a few numbers."""

    minimum: float | None
    lower_quartile: float | None
    median: float | None
    mean: float | None
    upper_quartile: float | None
    maximum: float | None
    deviation: float | None


class Distribution(TypedDict, total=False):
    """Bars: of numbers between `edges`, of `labels`, or of periods from their `starts` on."""

    form: Literal["histogram", "counts", "periods"]
    counts: list[int]
    edges: list[float]
    whole: bool
    below: int
    above: int
    labels: list[str]
    others: int
    other_values: int
    unit: Literal["hour", "day", "month", "quarter", "year"]
    step: int
    starts: list[str]


class ByTarget(TypedDict):
    """The target for each bar: the rows of each class, or the mean with its standard error."""

    counts: list[list[int]]
    rows: list[int]
    means: list[float | None]
    errors: list[float | None]


class Strength(TypedDict):
    """How strongly a column goes together with the target."""

    measure: str
    value: float


class ColumnProfile(TypedDict):
    """One column."""

    name: str
    kind: str
    type: str
    missing: int
    distinct: int
    statistics: Statistics | None
    distribution: Distribution | None
    by_target: ByTarget | None
    strength: Strength | None


class Pair(TypedDict):
    """How strongly two columns go together."""

    first: str
    second: str
    measure: str
    value: float


class Associations(TypedDict):
    """Pairs of columns."""

    columns: list[str]
    left_out: int
    pairs: list[Pair]


class Phrase(TypedDict):
    """A word, or words that follow each other."""

    words: str
    count: int
    share: float
    elsewhere: float | None


class CloudWord(TypedDict):
    """A word of a word cloud, on a ground of 640 x 320."""

    word: str
    count: int
    x: float
    y: float
    width: float
    size: float


class TextGroup(TypedDict):
    """The texts of one class, or all of them."""

    label: str | None
    texts: int
    mean_words: float | None
    median_words: float | None
    lengths: list[int]
    parts_of_speech: dict[str, float]
    phrases: list[list[Phrase]]
    cloud: list[CloudWord]


class TextProfile(TypedDict):
    """One column of texts."""

    column: str
    texts: int
    length_edges: list[float]
    groups: list[TextGroup]
    notes: list[str]


class Profile(TypedDict):
    """A dataset version, described."""

    state: Literal["ready"]
    dataset: str
    version: int
    task: str
    target: str
    classes: list[str]
    rows: Rows
    columns: list[ColumnProfile]
    associations: Associations
    texts: list[TextProfile]
    notes: list[str]
    made_at: str


class ProfileComputing(TypedDict):
    """A profile that is being computed."""

    state: Literal["computing"]
    dataset: str
    version: int
    run: str
    progress: float

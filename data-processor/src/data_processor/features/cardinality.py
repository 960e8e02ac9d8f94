"""When a column of categories has many values: a model then sees the mean target of each, not which it is."""

MANY_VALUES = 100
"""A column with more values has many."""
FEW_VALUES = 20
"""One with no more than so many has not, however few its rows."""
ROWS_PER_VALUE = 10
"""Between the two, one has many values if fewer rows than this share a value, on average."""
MOST_VALUES = 20_000
"""A model tells so many values of a column apart, the most frequent: it must not grow with the table."""


def has_many_values(distinct: int, rows: int) -> bool:
    """Say whether a column of categories has many values."""
    return distinct > MANY_VALUES or (distinct > FEW_VALUES and rows < ROWS_PER_VALUE * distinct)

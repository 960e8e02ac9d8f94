"""How a table's columns are prepared for whatever learns from them: the options, declared once.

The same fields check a request, are shown by `GET /v1/tasks` for a form, and are kept with a model, so that
every retrain prepares its rows alike. What fitting made of them is in a version's `version.json`.

Rows are only ever left out of fitting. Whoever asks for a prediction gets one: a missing number then counts
as the median, a missing category as the most frequent one of the rows that were fitted, and the answer says
`missing`. Champion and challenger are likewise compared on all rows.
"""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from data_processor.features.hyperparameters import Hyperparameter


class Preparation(BaseModel):
    """What is done to the columns before an estimator sees them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numeric_missing: Literal["automatic", "median", "mean", "most_frequent", "extreme", "drop_row"] = Field(
        "automatic",
        title="Missing numbers",
        description="What replaces a missing number. automatic: nothing if the estimator can learn from the "
        "gap itself, else the median; extreme: a value below all others, which suits time series; "
        "drop_row: rows with a gap are not used for training.",
    )
    categorical_missing: Literal["own_category", "most_frequent", "drop_row"] = Field(
        "own_category",
        title="Missing categories",
        description="What replaces a missing category. own_category: missing is a value like any other; "
        "drop_row: rows with a gap are not used for training.",
    )
    scaling: Literal["standard", "min_max", "none"] = Field(
        "standard",
        title="Scaling of numbers",
        description="How numbers are scaled. standard: to mean 0 and deviation 1; min_max: to between 0 and "
        "1. Only linear models need it; trees use the order of numbers and get them unscaled.",
    )
    datetime: Literal["calendar", "ignore"] = Field(
        "calendar",
        title="Dates and times",
        description="What a model learns from. calendar: year, month, day, weekday, day of the year, days "
        "since 1970, hour, minute and second in UTC, as numbers; ignore: nothing.",
    )

    @classmethod
    def declared(cls) -> tuple[Hyperparameter, ...]:
        """Return the options as a form reads them."""
        return tuple(
            Hyperparameter(
                name=name,
                title=field.title or name,
                help=field.description or "",
                kind="choice",
                default=field.default,
                choices=get_args(field.annotation),
            )
            for name, field in Preparation.model_fields.items()
        )

    @property
    def drops_rows(self) -> bool:
        """Whether some rows are not fitted to."""
        return "drop_row" in (self.numeric_missing, self.categorical_missing)


class RareClasses(BaseModel):
    """What becomes of classes that have too few rows to be learnt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["refuse", "leave_out", "merge"] = Field(
        "refuse",
        description="refuse: the dataset is not stored; leave_out: their rows are left out; merge: they "
        "become one class, called `into`.",
    )
    into: str = Field("other", min_length=1, max_length=200, pattern=r"\S")


class DatasetPreparation(Preparation):
    """What is done to the rows before they are stored, and what the dataset's models begin with."""

    drop_duplicates: bool = Field(False, description="Leave out rows that repeat an earlier one.")
    rare_classes: RareClasses = Field(
        RareClasses(), description="What becomes of classes with fewer than 10 rows."
    )

    def for_models(self) -> Preparation:
        """Return what a model on the dataset begins with."""
        return Preparation.model_validate(self.model_dump(include=set(Preparation.model_fields)))

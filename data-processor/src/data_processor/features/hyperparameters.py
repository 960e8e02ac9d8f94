"""A hyperparameter, declared once: for a form's field, the check of a request, and the trials of a search.

`low` and `high` are what anybody may ask for; a search stays within `search`, where a fit is cheap.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_processor.service.errors import FieldError

if TYPE_CHECKING:
    import optuna

Value = bool | int | float | str | None


class Hyperparameter(BaseModel):
    """One number or choice that a person or a search may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    help: str = Field(description="What increasing it does, in a sentence.")
    kind: Literal["number", "integer", "choice", "flag"]
    default: Value
    low: float | None = Field(None, description="The smallest value that is accepted.")
    high: float | None = Field(None, description="The largest value that is accepted.")
    log: bool = Field(False, description="Its scale is logarithmic, for example on a slider.")
    choices: tuple[str, ...] | None = None
    nullable: bool = Field(False, description="It may be null, which means no limit.")
    search: tuple[float, float] | tuple[str, ...] | None = Field(
        None, description="The range a search tries, ends included; null: it stays at the default."
    )
    patient: tuple[float, float] | tuple[str, ...] | None = Field(
        None, description="The range that a search with time for large models tries; null: as any search."
    )
    step: int | None = Field(None, description="The step size of a search.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "choice" and not self.choices:
            raise ValueError(f"{self.name} has no choices.")
        ends = (*(self.search or ()), *(self.patient or ())) if self.kind in ("number", "integer") else ()
        for value in (self.default, *ends):
            if problem := self.problem(value):
                raise ValueError(f"{self.name}: {problem}")
        return self

    def problem(self, value: object) -> str | None:
        """Say what is wrong with a value and what would be right; None if nothing is."""
        if value is None:
            return None if self.nullable else f"may not be null; {self._wanted()}"
        return None if self._fits(value) else f"{_shown(value)} is not possible; {self._wanted()}"

    def suggest(self, trial: "optuna.Trial", prefix: str, *, patient: bool = False) -> Value:
        """Return what a trial is to use: suggested by Optuna if it is searched, else the default."""
        name = f"{prefix}{self.name}"
        space = (self.patient or self.search) if patient else self.search
        if space is None:
            return self.default
        if self.kind in ("choice", "flag"):
            chosen: Value = trial.suggest_categorical(name, list(space))
            return chosen == "yes" if self.kind == "flag" else chosen
        low, high = (float(end) for end in space)
        if self.kind == "integer":
            if self.log:
                return trial.suggest_int(name, int(low), int(high), log=True)
            return trial.suggest_int(name, int(low), int(high), step=self.step or 1)
        return trial.suggest_float(name, low, high, log=self.log)

    def _fits(self, value: object) -> bool:
        if self.kind == "flag" or isinstance(value, bool):
            return self.kind == "flag" and isinstance(value, bool)
        if self.kind == "choice":
            return value in (self.choices or ())
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        whole = self.kind == "number" or float(value).is_integer()
        return whole and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _wanted(self) -> str:
        if self.kind == "flag":
            return "give true or false"
        if self.kind == "choice":
            return f"give one of {', '.join(self.choices or ())}"
        what = "a whole number" if self.kind == "integer" else "a number"
        ends = [f"{word} {end:g}" for word, end in (("from", self.low), ("to", self.high)) if end is not None]
        return " ".join(["give", what, *ends])


class Estimator(BaseModel):
    """Something that learns or prepares, and what can be set for it."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    help: str
    hyperparameters: tuple[Hyperparameter, ...]


class LiveEstimator(Estimator):
    """An estimator that learns epoch by epoch, and may be steered while it does."""

    adjustable: tuple[str, ...] = Field(description="The hyperparameters that may change while it learns.")


def problems(
    space: Sequence[Hyperparameter], given: Mapping[str, object], owner: str, *loc: str | int
) -> list[FieldError]:
    """Return everything that is wrong with values given for a space, each with its place in the request."""
    known = {one.name: one for one in space}
    found: list[FieldError] = []
    for name, value in given.items():
        if name not in known:
            there = f"it has {', '.join(known)}" if known else "it has none"
            found.append({"loc": [*loc, name], "message": f"{owner} has no hyperparameter {name!r}; {there}"})
        elif problem := known[name].problem(value):
            found.append({"loc": [*loc, name], "message": problem})
    return found


def defaults(space: Sequence[Hyperparameter]) -> dict[str, Value]:
    """Return every default of a space, by name."""
    return {one.name: one.default for one in space}


def _shown(value: object) -> str:
    return repr(value)[:100]

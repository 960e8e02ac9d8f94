"""A fourth task that exists in the tests only: which class a row of numbers is in, by the nearest centroid.

Whatever it does differently from the others is said here, and nowhere else.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline

from data_processor.features.hyperparameters import Estimator, Hyperparameter
from data_processor.features.packing import Packed
from data_processor.features.schema import Kind, Schema
from data_processor.features.split import Rows, Split
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Scorer, Tried
from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS
from data_processor.tasks.labels import LabelAnswers
from data_processor.tasks.space import Cost, Fitted, Fold, SearchRequest, Space, make_study
from data_processor.tasks.tables.engine import PipelineEngine
from data_processor.tasks.task import (
    Engine,
    Explained,
    Explainer,
    Learner,
    Prepared,
    Problem,
    Suitable,
    Target,
    TaskDescription,
)

NAME = "toy-classification"


class ToyTask(LabelAnswers):
    """Takes numbers only."""

    description = TaskDescription(
        task=NAME,
        title="Tell classes apart by the nearest centroid",
        label="Toy",
        meaning="Tell piles of toys apart.",
        answer="label",
        suits=Suitable(target="classes", inputs=("numeric", "numeric")),
        metrics=("accuracy", "log_loss"),
        default_metric="accuracy",
        live_estimators=LIVE_CLASSIFIERS,
        estimators=(
            Estimator(
                name="centroids",
                title="Centroids",
                help="The middle of each class.",
                hyperparameters=(
                    Hyperparameter(
                        name="shrink_threshold",
                        title="Shrinking",
                        help="How far centroids are drawn to the middle of all.",
                        kind="number",
                        default=0.1,
                        low=0.01,
                        high=1.0,
                        search=(0.01, 0.5),
                    ),
                ),
            ),
        ),
    )
    default_models = ()

    @property
    def learner(self) -> Learner:
        return ToyLearner()

    @property
    def explainer(self) -> type[Explainer]:
        return ToyExplainer

    def input_problems(self, inputs: Mapping[str, Kind], target: Target) -> list[Problem]:
        del target
        return [
            Problem("A toy is a number.", name, "kind") for name, kind in inputs.items() if kind != "numeric"
        ]

    def trained_engine(self, pipeline: Any, schema: Schema) -> Engine:
        return PipelineEngine(pipeline, schema)


class ToyLearner:
    """Is not compiled, so its versions are served by scikit-learn."""

    compares_latency = False
    parallel_fits = False

    def fit(self, candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
        del schema, seed
        steps = [("impute", SimpleImputer()), ("model", NearestCentroid(**candidate.params))]
        return Pipeline(steps).fit(rows.frame, rows.target)

    def prepare(self, candidate: Candidate, rows: Rows, schema: Schema) -> Prepared:
        del candidate, schema
        columns = SimpleImputer().fit(rows.frame)
        return Prepared(columns, columns.transform(rows.frame), rows)

    def assemble(self, prepared: Prepared, estimator: Any, offset: float) -> Pipeline:
        del offset
        return Pipeline([("impute", prepared.columns), ("model", estimator)])

    def space(self, split: Split, request: SearchRequest) -> "ToySpace":
        return ToySpace(split, request)

    def prepared(
        self, pipeline: Pipeline, candidate: Candidate, rows: Rows, schema: Schema
    ) -> dict[str, Any]:
        del pipeline, candidate, rows, schema
        return {}

    def convert(self, pipeline: Pipeline, schema: Schema) -> Any:
        raise NotImplementedError("Toys are not compiled.")


class ToyTrials:
    """One fit for each candidate."""

    def __init__(self, split: Split) -> None:
        self._split = split

    def fit(self, candidate: Candidate, fold: int) -> Fitted:
        del fold
        began = time.monotonic()
        pipeline = ToyLearner().fit(candidate, self._split.fitting, self._split.schema, 0)
        outputs: NDArray[np.float64] = pipeline.predict_proba(self._split.validation.frame)
        return Fitted(outputs, "", time.monotonic() - began, 0.01, 100, "here")


class ToySpace(Space):
    """One hyperparameter."""

    chosen_on = "validation"
    checkpoints = ()
    ahead = 1
    misses = 3

    def __init__(self, split: Split, request: SearchRequest) -> None:
        self.scorer = Scorer(request.metric, split.validation.target, split.schema)
        self.folds = [Fold(0, np.ones(len(split.validation), np.bool_))]
        self.fitting_s = request.budget_s
        self.trials = ToyTrials(split)
        self._declared = ToyTask.description.estimators[0].hyperparameters[0]
        self.study = make_study(request, optuna.pruners.NopPruner(), 2, [{}])

    def suggest(self, trial: optuna.Trial) -> tuple[Candidate, None]:
        params = {self._declared.name: trial.suggest_float(self._declared.name, 0.01, 0.5)}
        return Candidate(estimator="centroids", params=params), None

    def cost(self, candidate: Candidate) -> Cost:
        return Cost(candidate.estimator, 1.0)

    def blend(self, tried: Sequence[Tried]) -> None:
        del tried

    def choose(self, tried: Sequence[Tried]) -> Tried:
        return self.scorer.ranked(tried)[0]


class ToyExplainer:
    """Says that every input matters alike."""

    def __init__(self, engine: Engine, schema: Schema, background: Packed) -> None:
        del engine, background
        self._schema = schema

    def explain(self, inputs: dict[str, Any], place: int) -> Explained:
        del inputs, place
        names = [column.name for column in self._schema.inputs]
        return Explained("guessing", 1, 1, 0.5, 0.5, dict.fromkeys(names, 0.0))

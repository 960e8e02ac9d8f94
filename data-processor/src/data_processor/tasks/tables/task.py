"""The tasks of tables: classification and regression."""

from collections.abc import Mapping
from typing import Any

from data_processor.features.preparation import Preparation
from data_processor.features.schema import Kind, Schema
from data_processor.statistics.measures import CLASSIFICATION_METRICS, REGRESSION_METRICS
from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS, LIVE_REGRESSORS
from data_processor.tasks.labels import LabelAnswers
from data_processor.tasks.tables.declared import CLASSIFIERS, REGRESSORS
from data_processor.tasks.tables.engine import PipelineEngine
from data_processor.tasks.task import Engine, Explainer, Learner, Problem, Suitable, Target, TaskDescription
from data_processor.tasks.values import ValueAnswers

ONLY_TEXT = (
    "The target {!r} holds quantities, and quantities are not estimated from texts alone: say that it is "
    "categorical, or choose another target."
)


class _Tabular:
    """What both tasks share: rows of any columns, learnt from as prepared numbers."""

    default_models: tuple[str, ...] = ()

    @property
    def learner(self) -> Learner:
        """What fits, searches and compiles."""
        from data_processor.tasks.tables.learner import TabularLearner  # noqa: PLC0415  # it imports scikit-learn

        return TabularLearner()

    @property
    def explainer(self) -> type[Explainer]:
        """What takes answers apart."""
        from data_processor.tasks.tables.explanation import TabularExplainer  # noqa: PLC0415  # it imports shap

        return TabularExplainer

    def trained_engine(self, pipeline: Any, schema: Schema) -> Engine:
        """Return an engine that asks the trained scikit-learn pipeline."""
        return PipelineEngine(pipeline, schema)


class TabularClassification(_Tabular, LabelAnswers):
    """Which of several classes a row belongs to."""

    description = TaskDescription(
        task="tabular-classification",
        title="Tell classes apart by a table's columns",
        label="Classification",
        meaning="Tell classes apart, such as yes and no.",
        answer="label",
        suits=Suitable(target="classes"),
        metrics=CLASSIFICATION_METRICS,
        default_metric="log_loss",
        estimators=CLASSIFIERS,
        live_estimators=LIVE_CLASSIFIERS,
        preparation=Preparation.declared(),
    )

    def input_problems(self, inputs: Mapping[str, Kind], target: Target) -> list[Problem]:
        """Return what keeps a table's inputs from being learnt from: nothing."""
        del inputs, target
        return []


class TabularRegression(_Tabular, ValueAnswers):
    """What number a row stands for."""

    description = TaskDescription(
        task="tabular-regression",
        title="Estimate a number from a table's columns",
        label="Regression",
        meaning="Predict a number, such as a price.",
        answer="value",
        suits=Suitable(target="quantity"),
        metrics=REGRESSION_METRICS,
        default_metric="rmse",
        estimators=REGRESSORS,
        live_estimators=LIVE_REGRESSORS,
        preparation=Preparation.declared(),
    )

    def input_problems(self, inputs: Mapping[str, Kind], target: Target) -> list[Problem]:
        """Return what keeps a table's inputs from being learnt from: a text alone."""
        only_text = list(inputs.values()) == ["text"]
        return [Problem(ONLY_TEXT.format(target.name))] if only_text else []

"""The task of texts: classification."""

from collections.abc import Mapping
from typing import Any

from data_processor.features.schema import Kind, Schema
from data_processor.tasks.labels import LabelAnswers
from data_processor.tasks.task import Engine, Explainer, Learner, Problem, Target
from data_processor.tasks.texts import declared
from data_processor.tasks.texts.engine import TextEngine


class TextClassification(LabelAnswers):
    """Which of several classes a text belongs to."""

    description = declared.DESCRIPTION
    default_models = tuple(estimator.name for estimator in declared.ESTIMATORS)

    @property
    def learner(self) -> Learner:
        """What fits, searches and compiles."""
        from data_processor.tasks.texts.learner import TextLearner  # noqa: PLC0415  # it imports scikit-learn

        return TextLearner()

    @property
    def explainer(self) -> type[Explainer]:
        """What takes answers apart."""
        from data_processor.tasks.texts.explanation import TextExplainer  # noqa: PLC0415  # it imports shap

        return TextExplainer

    def input_problems(self, inputs: Mapping[str, Kind], target: Target) -> list[Problem]:
        """Return what keeps a table's inputs from being one column of texts."""
        del target
        texts = [name for name, kind in inputs.items() if kind == "text"]
        if not texts:
            message = "A model for texts needs a text: say which column is of the kind text."
            return [Problem(message, "")]
        message = (
            f"A model for texts takes one text and nothing else, which is {texts[0]!r} here: ignore this "
            "column, or join both into one column of the file."
        )
        return [Problem(message, name, "kind") for name in inputs if name != texts[0]]

    def trained_engine(self, pipeline: Any, schema: Schema) -> Engine:
        """Return an engine that asks the trained scikit-learn pipeline."""
        return TextEngine(pipeline, schema)

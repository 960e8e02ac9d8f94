"""How texts are learnt from."""

from typing import Any

from sklearn.pipeline import Pipeline

from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.conversion import to_onnx
from data_processor.tasks.space import SearchRequest, Space
from data_processor.tasks.task import Prepared
from data_processor.tasks.texts.conversion import any_number_of_rows, convertible, text_converters
from data_processor.tasks.texts.fitting import fit_texts, prepare_texts
from data_processor.tasks.texts.space import TextSpace


class TextLearner:
    """Fits and compiles pipelines of a vectorizer and a linear model."""

    compares_latency = True
    parallel_fits = False  # the terms are counted once, in this process

    def fit(self, candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
        """Fit a candidate on rows with one column of texts; raises `TooFewRowsError`."""
        return fit_texts(candidate, rows, schema, seed)

    def prepare(self, candidate: Candidate, rows: Rows, schema: Schema) -> Prepared:
        """Fit the vectorizer; raises `TooFewRowsError`."""
        return prepare_texts(candidate, rows, schema)

    def assemble(self, prepared: Prepared, estimator: Any, offset: float) -> Pipeline:
        """Return a fitted pipeline of the vectorizer and a fitted estimator."""
        del offset
        return Pipeline([("columns", prepared.columns), ("model", estimator)])

    def space(self, split: Split, request: SearchRequest) -> Space:
        """Return what a search tries; raises `UnknownCandidateError` or `TooFewRowsError`."""
        return TextSpace(split, request)

    def prepared(
        self, pipeline: Pipeline, candidate: Candidate, rows: Rows, schema: Schema
    ) -> dict[str, Any]:
        """Describe what fitting made of the columns' preparation: texts have none."""
        del pipeline, candidate, rows, schema
        return {}

    def convert(self, pipeline: Pipeline, schema: Schema) -> Any:
        """Return one fitted pipeline, not a blend, as an ONNX model; raises whatever skl2onnx raises."""
        ready, options = convertible(pipeline)
        model = to_onnx(ready, schema, options=options, converters=text_converters())
        any_number_of_rows(model)
        return model

"""How tables are learnt from."""

from typing import Any

from sklearn.pipeline import Pipeline

from data_processor.features.packing import NUMERIC_INPUT
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.conversion import to_onnx
from data_processor.tasks.space import SearchRequest, Space
from data_processor.tasks.tables.centring import (
    CentredRegressor,
    add_offset,
    centre_inputs,
    offsets_at,
    without_offsets,
)
from data_processor.tasks.tables.column_conversion import column_converters, column_shapes, convertible
from data_processor.tasks.tables.conversion import boosting_converters
from data_processor.tasks.tables.fitting import fit_table, prepare_rows
from data_processor.tasks.tables.prepared import describe
from data_processor.tasks.tables.space import TabularSpace
from data_processor.tasks.task import Prepared

VALUE = "variable"
"""What skl2onnx calls the output of a regressor."""


class TabularLearner:
    """Fits and compiles pipelines of prepared columns."""

    compares_latency = False
    parallel_fits = True

    def fit(self, candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
        """Fit a candidate on rows; raises `TooFewRowsError`."""
        return fit_table(candidate, rows, schema, seed)

    def prepare(self, candidate: Candidate, rows: Rows, schema: Schema) -> Prepared:
        """Fit the columns as linear models take them; raises `TooFewRowsError`."""
        return prepare_rows(candidate, rows, schema)

    def assemble(self, prepared: Prepared, estimator: Any, offset: float) -> Pipeline:
        """Return a fitted pipeline of prepared columns and a fitted estimator."""
        labels = hasattr(estimator, "classes_")
        model = estimator if labels else CentredRegressor.around(estimator, offset)
        return Pipeline([("columns", prepared.columns), ("model", model)])

    def space(self, split: Split, request: SearchRequest) -> Space:
        """Return what a search tries; raises `UnknownCandidateError` or `TooFewRowsError`."""
        return TabularSpace(split, request)

    def prepared(
        self, pipeline: Pipeline, candidate: Candidate, rows: Rows, schema: Schema
    ) -> dict[str, Any]:
        """Describe what fitting made of the columns' preparation."""
        return describe(pipeline, candidate, rows, schema)

    def convert(self, pipeline: Pipeline, schema: Schema) -> Any:
        """Return one fitted pipeline, not a blend, as an ONNX model; raises whatever skl2onnx raises."""
        bare, centred = without_offsets(pipeline)
        bare, options = convertible(bare)
        if schema.classes:
            options[id(bare.named_steps["model"])] = {"zipmap": False}
        converters = {**boosting_converters(), **column_converters()}
        model = to_onnx(bare, schema, options=options, converters=converters, shapes=column_shapes())
        if schema.precise:
            centre_inputs(model, offsets_at(tuple(range(schema.width)), schema), NUMERIC_INPUT)
        if centred is not None:
            add_offset(model, centred, VALUE)
        return model

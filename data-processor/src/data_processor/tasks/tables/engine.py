"""Asking a trained pipeline about tables: for versions whose compiled form does not answer alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.features.packing import Numbers, Packed, unpack
from data_processor.features.schema import Schema


class PipelineEngine:
    """Asks a trained pipeline: for versions whose compiled form does not answer alike."""

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        """Ask this pipeline, which takes a frame with the schema's columns."""
        self._pipeline = pipeline
        self._schema = schema
        if schema.classes:
            known = [str(label) for label in pipeline.classes_]
            self._order = [known.index(label) for label in schema.classes]

    def predict(self, numeric: Numbers, strings: NDArray[np.object_]) -> Numbers:
        """Return probabilities (rows, classes) in the order of the schema's classes, or values (rows, 1)."""
        frame = unpack(Packed(numeric, strings), self._schema)
        if self._schema.classes:
            return np.asarray(self._pipeline.predict_proba(frame)[:, self._order], np.float32)
        return np.asarray(self._pipeline.predict(frame), np.float64).reshape(-1, 1)

"""The two ways to ask a version: its compiled ONNX model, or the trained scikit-learn pipeline its task asks.

A file is hashed before it is loaded, and what is loaded is the bytes that were hashed.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from data_processor.features.packing import NUMERIC_INPUT, STRINGS_INPUT, Numbers
from data_processor.models.artefact import UntrustedTypeError, load_pipeline
from data_processor.models.manifest import ONNX_FILE, SKOPS_FILE, Manifest
from data_processor.models.registry import ArtefactRejectedError
from data_processor.tasks.registry import row_task_of
from data_processor.tasks.task import Engine

PROBABILITIES = "probabilities"


class OnnxEngine:
    """Asks a compiled model."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        """Load a compiled model that computes with this many threads."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A thread that spins while it waits takes the core from whoever has the next request.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = {found.name for found in self._session.get_inputs()}
        outputs = [found.name for found in self._session.get_outputs()]
        self._outputs = [PROBABILITIES if PROBABILITIES in outputs else outputs[-1]]

    def predict(self, numeric: Numbers, strings: NDArray[np.object_]) -> Numbers:
        """Return probabilities (rows, classes) in the order of the schema's classes, or values (rows, 1)."""
        feed: dict[str, Any] = {}
        if NUMERIC_INPUT in self._inputs:
            feed[NUMERIC_INPUT] = numeric
        if STRINGS_INPUT in self._inputs:
            feed[STRINGS_INPUT] = strings
        answer: Numbers = np.asarray(self._session.run(self._outputs, feed)[0])
        return answer.reshape(len(answer), -1)


def load_engine(directory: Path, manifest: Manifest, trusted: Sequence[str], threads: int = 1) -> Engine:
    """Load a version's engine from its verified files.

    Raises `ArtefactRejectedError` when a file is not the manifest's or holds a type that is not trusted.
    """
    if manifest.engine == "onnx":
        return OnnxEngine(verified(directory, ONNX_FILE, manifest), threads)
    try:
        pipeline = load_pipeline(verified(directory, SKOPS_FILE, manifest), trusted)
    except UntrustedTypeError as error:
        raise ArtefactRejectedError(str(error)) from error
    return row_task_of(manifest.table.task).trained_engine(pipeline, manifest.table)


def verified(directory: Path, name: str, manifest: Manifest) -> bytes:
    """Return the bytes of a version's file that were hashed; raises `ArtefactRejectedError`."""
    content = (directory / name).read_bytes()
    artefact = manifest.artefacts.get(name)
    if artefact is None or hashlib.sha256(content).hexdigest() != artefact.sha256:
        raise ArtefactRejectedError(
            f"{name} of version {manifest.version} of {manifest.model!r} has not its manifest's SHA-256."
        )
    return content

"""`version.json`: everything a stage must know about a version to serve it, and where it came from."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from data_processor.features.schema import Schema
from data_processor.features.ties import Cutoff
from data_processor.models.policy import Policy
from data_processor.service.errors import Conflict
from data_processor.statistics.calibration import Calibration

MANIFEST_FILE = "version.json"
SKOPS_FILE = "model.skops"
ONNX_FILE = "model.onnx"
RECOGNISER_FILE = "recogniser.npz"
BACKGROUND_FILE = "background.json"
"""What an explanation compares with (`models/background.py`); older versions have none."""
EngineName = Literal["onnx", "scikit-learn", "arrays"]
"""What answers: a compiled model, the trained one, or arrays alone, as of a recogniser of faces."""
MOST_NAMED = 5
"""Unknown fields that are named."""


class Artefact(BaseModel):
    """A file of a version, and what it must hash to before it is loaded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    bytes: int


class Lineage(BaseModel):
    """Where a version came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    dataset_version: int
    dataset_revision: str
    feedback_seq: int
    """The number of the last feedback in the dataset version: later feedback is recent to this version."""
    run: str
    mlflow_run: str | None
    code_revision: str
    trained_at: datetime
    cutoff: Cutoff | None = None
    """By time: the last that it was fitted to. It is compared on later rows only (`features/ties.py`)."""


class Parity(BaseModel):
    """How the compiled model compared with the trained one, row by row on the holdout rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    labels_differing: int
    max_difference: float
    """Of two probabilities; of two values in units of `scale`, or of their distance from the median."""
    scale: float | None = None
    """How far the target's values are apart; older versions have none."""
    passed: bool
    reason: str


class Manifest(BaseModel):
    """One version's `version.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    model: str
    version: str
    table: Schema
    """The columns it takes, as training saw them."""
    policy: Policy
    salt: str | None = None
    """Decides the holdout rows of its dataset (`features/holdout.py`), alike in every stage that has it."""
    candidate: dict[str, Any]
    """The estimator and hyperparameters that won: `{"estimator", "params", "recent_share"}`."""
    preparation: dict[str, Any] = {}
    """The options and what fitting made of them (`tasks/tables/prepared.py`); older versions have none."""
    metrics: dict[str, float]
    """On the holdout rows."""
    lineage: Lineage
    receipt: dict[str, Any] | None
    engine: EngineName
    parity: Parity
    calibration: Calibration | None = None
    """How probably right its answers are, by how sure it is; values have none, nor have older versions."""
    artefacts: dict[str, Artefact]


class NewerVersionError(Conflict):
    """A version was made by a newer release, which says things of it that this one does not understand."""

    def __init__(self, known: Manifest, fields: list[str]) -> None:
        named = ", ".join(fields[:MOST_NAMED]) + (" …" if len(fields) > MOST_NAMED else "")
        super().__init__(
            f"Version {known.version} of {known.model!r} was made by a newer release: its {MANIFEST_FILE} "
            f"has fields that this one does not know ({named}), and it could answer wrong without them. "
            "Upgrade this stage, or promote a version that this release made."
        )
        self.known = known
        """What this release understands of it: enough to show it, not to ask it."""


def read_manifest(described: Mapping[str, Any]) -> Manifest:
    """Return a manifest from JSON; raises `NewerVersionError`, and `ValidationError` for what is none."""
    try:
        return Manifest.model_validate(described)
    except ValidationError as error:
        places = [one["loc"] for one in error.errors() if one["type"] == "extra_forbidden"]
        if len(places) < error.error_count():
            raise
        raise NewerVersionError(
            Manifest.model_validate(_without(described, places)),
            [".".join(map(str, place)) for place in places],
        ) from error


def _without(described: Mapping[str, Any], places: list[tuple[int | str, ...]]) -> Any:
    """Return JSON without the fields at some places."""
    copied = deepcopy(described)
    for *path, name in places:
        holder: Any = copied
        for step in path:
            holder = holder[step]
        del holder[name]
    return copied

"""The background of a version: some of the rows it was fitted to, kept among its files.

An explanation says how an answer differs from the version's average answer, which is taken over the
background. It is JSON, hashed in the manifest like every file of a version, and holds rows as a model takes
them.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np

from data_processor.features.packing import Packed, numbers_type, pack
from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.models.manifest import BACKGROUND_FILE, Manifest
from data_processor.models.registry import ArtefactRejectedError

ROWS = 50
"""Enough for a baseline that is steady to about a hundredth, few enough to be evaluated hundreds of times."""


def write_background(rows: Rows, schema: Schema, seed: int, target: Path) -> None:
    """Draw a background from rows and write it to a path."""
    drawn = np.random.default_rng(seed).choice(len(rows), min(ROWS, len(rows)), replace=False)
    packed = pack(rows.take(np.sort(drawn)).frame, schema)
    numbers = [[None if math.isnan(value) else value for value in row] for row in packed.numeric.tolist()]
    target.write_text(json.dumps({"numeric": numbers, "strings": packed.strings.tolist()}))


def read_background(folder: Path, manifest: Manifest) -> Packed:
    """Read the background of a version; raises `ArtefactRejectedError` if it is not the manifest's."""
    content = (folder / BACKGROUND_FILE).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest.artefacts[BACKGROUND_FILE].sha256:
        name = f"{BACKGROUND_FILE} of version {manifest.version} of {manifest.model!r}"
        raise ArtefactRejectedError(f"{name} does not have the SHA-256 of its manifest.")
    found = json.loads(content)
    rows = len(found["numeric"])
    numbers = [[math.nan if value is None else value for value in row] for row in found["numeric"]]
    return Packed(
        np.array(numbers, numbers_type(manifest.table)).reshape(rows, manifest.table.width),
        np.array(found["strings"], object).reshape(rows, len(manifest.table.strings)),
    )

"""The files of a version: written with skops, hashed, and read back only if every type in them is trusted."""

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_processor.features.schema import Schema
from data_processor.models.manifest import (
    BACKGROUND_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    RECOGNISER_FILE,
    SKOPS_FILE,
    Artefact,
    EngineName,
    Lineage,
    Manifest,
    Parity,
)
from data_processor.models.policy import Policy
from data_processor.statistics.calibration import Calibration

FORMER_TYPES = {
    f"data_processor.tasks.texts.{name}": f"data_processor.training.texts.{name}"
    for name in (
        "lemmas.LemmaTokenizer",
        "letters.PlainLower",
        "terms.CountedTerms",
        "terms.WeightedTerms",
    )
}
"""Types that moved: by their present path, the one by which older files name them. Trusting a type trusts it
under both."""


class UntrustedTypeError(ValueError):
    """A model file contains a type that the settings do not trust."""


def save_pipeline(pipeline: Any, target: Path) -> None:
    """Write a fitted pipeline to a path as a compressed skops file, which holds data and no code."""
    import skops.io  # noqa: PLC0415  # it imports scikit-learn, which serving ONNX never needs

    skops.io.dump(pipeline, target, compression=zipfile.ZIP_DEFLATED, compresslevel=6)


def load_pipeline(content: bytes, trusted: Sequence[str]) -> Any:
    """Return the pipeline that a skops file holds, as bytes that were hashed.

    Only types that skops knows to be harmless and those in `trusted` are made; what a file says about itself
    does not matter. Raises `UntrustedTypeError` naming the types that would have been needed.
    """
    import skops.io  # noqa: PLC0415  # see save_pipeline
    from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415

    trusted = with_former_types(trusted)
    try:
        return skops.io.loads(content, trusted=trusted)
    except UntrustedTypesFoundException as error:
        found = ", ".join(sorted(set(skops.io.get_untrusted_types(data=content)) - set(trusted)))
        raise UntrustedTypeError(
            f"The model file contains types that are not trusted: {found}. Only the setting TRUSTED_TYPES "
            "can add them, never a file."
        ) from error


def with_former_types(trusted: Sequence[str]) -> list[str]:
    """Return trusted types with the paths under which the same types are or were known."""
    pairs = [pair for pair in FORMER_TYPES.items() if set(pair) & set(trusted)]
    return sorted({*trusted, *(path for pair in pairs for path in pair)})


def describe(path: Path) -> Artefact:
    """Return a file's SHA-256 and size."""
    content = path.read_bytes()
    return Artefact(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def build_manifest(
    directory: Path,
    *,
    model: str,
    version: str,
    schema: Schema,
    policy: Policy,
    candidate: Mapping[str, Any],
    metrics: Mapping[str, float],
    lineage: Lineage,
    receipt: Mapping[str, Any] | None,
    parity: Parity,
    preparation: Mapping[str, Any] | None = None,
    salt: str | None = None,
    calibration: Calibration | None = None,
) -> Manifest:
    """Describe the version whose files are in a directory.

    The engine is ONNX if the parity check passed and the compiled model was kept; a recogniser is arrays.
    """
    compiled = parity.passed and (directory / ONNX_FILE).exists()
    engine: EngineName = "onnx" if compiled else "scikit-learn"
    names = [SKOPS_FILE, ONNX_FILE] if compiled else [SKOPS_FILE]
    if (directory / RECOGNISER_FILE).exists():
        engine, names = "arrays", [RECOGNISER_FILE]
    if (directory / BACKGROUND_FILE).exists():
        names.append(BACKGROUND_FILE)
    return Manifest(
        model=model,
        version=version,
        table=schema,
        policy=policy,
        salt=salt,
        candidate=dict(candidate),
        preparation=dict(preparation or {}),
        metrics=dict(metrics),
        lineage=lineage,
        receipt=dict(receipt) if receipt is not None else None,
        engine=engine,
        parity=parity,
        calibration=calibration,
        artefacts={name: describe(directory / name) for name in names},
    )


def write_manifest(manifest: Manifest, directory: Path) -> Path:
    """Write `version.json` beside the files it describes."""
    path = directory / MANIFEST_FILE
    path.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path

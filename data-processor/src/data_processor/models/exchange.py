"""What a stage says of a version to the other stage, signed: both share MLflow, and each can write all of it.

A statement is a tag of the version in MLflow: the stage has the version among its own, and has served it by a
certain entry of its ledger, or not yet. Its signature is an HMAC with a key that only the workers of the two
stages have, over the version's manifest and who says it. A login to MLflow is not enough to make one.
"""

from collections.abc import Mapping
from typing import Any, Self

from data_processor.adapters.mlflow_aliases import Known, served_tag, signature_tag
from data_processor.models.signatures import Signer
from data_processor.settings import Settings

STAGES = ("staging", "main")
STATEMENT = "statement"


class Exchange:
    """Signs statements of one stage and checks those of the other."""

    def __init__(self, stage: str, key: str | None) -> None:
        """Speak for a stage; without a key, nothing that the other stage says is believed."""
        self.stage = stage
        self.other = STAGES[1 - STAGES.index(stage)]
        self._signer = Signer(key) if key else None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings' stage exchanges with."""
        key = settings.exchange_key
        return cls(settings.stage, key.get_secret_value() if key else None)

    def statement(self, manifest: Mapping[str, Any], served: str | None) -> str | None:
        """Return this stage's signed statement: it has this version, and served it by this ledger entry."""
        said = _said(self.stage, manifest, served)
        return self._signer.sign(said, STATEMENT) if self._signer else None

    def problem(self, known: Known, manifest: Mapping[str, Any]) -> str | None:
        """Return why the other stage's statement on a version is not believed, or None if it is."""
        name = f"version {known.version} of {manifest.get('model')!r}"
        if self._signer is None:
            return f"EXCHANGE_KEY is not set here, so nothing that {self.other!r} says of {name} is believed."
        signature = known.tags.get(signature_tag(self.other))
        if signature is None:
            return f"Stage {self.other!r} has not signed what MLflow says of {name}."
        said = _said(self.other, manifest, known.tags.get(served_tag(self.other)))
        if not self._signer.proves(signature, said, STATEMENT):
            return (
                f"What MLflow says of {name} is not what stage {self.other!r} signed: somebody else wrote "
                "it, or the two stages have different EXCHANGE_KEYs."
            )
        return None


def in_any_stage(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as the other stage may have it.

    Each stage numbers its own feedback: to another one, the version counts as older than all of it.
    """
    lineage = {**manifest["lineage"], "feedback_seq": 0}
    if cutoff := lineage.get("cutoff"):
        lineage["cutoff"] = {**cutoff, "feedback": 0}
    return {**manifest, "lineage": lineage}


def _said(stage: str, manifest: Mapping[str, Any], served: str | None) -> dict[str, Any]:
    return {"stage": stage, "served": served, "manifest": in_any_stage(manifest)}

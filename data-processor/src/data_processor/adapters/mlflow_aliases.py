"""The aliases of registered models in MLflow, which show there what each stage serves."""

from collections.abc import Mapping
from dataclasses import dataclass

from data_processor.adapters.mlflow_connection import MlflowConnection, MlflowRefusedError

VERDICT_TAG = "loopkeeper.verdict"
"""The tag of a version that holds the verdict of its gate."""
MOST = 1000
"""The most models, and versions of one model, that are read: the newest."""


@dataclass(frozen=True)
class Known:
    """A version as MLflow knows it."""

    version: str
    source: str
    """The address of its files."""
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Mirrored:
    """What MLflow shows for one stage of a model."""

    version: str | None
    """The version that the alias points to, if there is one."""
    entry: str | None
    """The id of the ledger entry that the alias was last moved for, if there is one."""


class MlflowAliases:
    """Reads and moves aliases on one MLflow server."""

    def __init__(self, connection: MlflowConnection) -> None:
        """Read and write through this connection."""
        self._connection = connection

    def read(self, model: str, stage: str) -> Mirrored | None:
        """Return what MLflow shows for a stage, or None if it does not know the model."""
        try:
            answer = self._connection.call(
                "GET", "/registered-models/get", what=f"to show {model!r}", params={"name": model}
            )
        except MlflowRefusedError as error:
            if error.missing:
                return None
            raise
        found = answer["registered_model"]
        aliases = {alias["alias"]: str(alias["version"]) for alias in found.get("aliases", [])}
        tags = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        return Mirrored(aliases.get(stage), tags.get(_entry_tag(stage)))

    def follow(self, model: str, stage: str, version: str, entry: str) -> None:
        """Point a stage's alias to a version, and tag which ledger entry it follows; safe to repeat."""
        self._connection.call(
            "POST",
            "/registered-models/alias",
            what=f"to point {stage!r} of {model!r} to version {version}",
            json={"name": model, "alias": stage, "version": version},
        )
        self._connection.call(
            "POST",
            "/registered-models/set-tag",
            what=f"to tag {model!r}",
            json={"name": model, "key": _entry_tag(stage), "value": entry},
        )

    def sign(self, model: str, version: str, stage: str, entry: str | None, signature: str) -> None:
        """Tag a version with what a stage says of it: the ledger entry by which it served it, if it did."""
        self._tag(model, version, signature_tag(stage), signature)
        if entry is not None:  # last: by this tag the other stage finds the version
            self._tag(model, version, served_tag(stage), entry)

    def models(self) -> list[str]:
        """Return the names of the registered models."""
        answer = self._connection.call(
            "GET", "/registered-models/search", what="to list the models", params={"max_results": MOST}
        )
        return [str(model["name"]) for model in answer.get("registered_models", [])]

    def versions(self, model: str) -> list[Known]:
        """Return the versions of a model, oldest first."""
        answer = self._connection.call(
            "GET",
            "/model-versions/search",
            what=f"to list the versions of {model!r}",
            params={"filter": f"name='{model}'", "max_results": MOST},
        )
        found = [
            Known(
                str(version["version"]),
                version.get("source", ""),
                {tag["key"]: tag["value"] for tag in version.get("tags", [])},
            )
            for version in answer.get("model_versions", [])
        ]
        return sorted(found, key=lambda known: int(known.version))

    def _tag(self, model: str, version: str, key: str, value: str) -> None:
        self._connection.call(
            "POST",
            "/model-versions/set-tag",
            what=f"to tag version {version} of {model!r}",
            json={"name": model, "version": version, "key": key, "value": value},
        )


def served_tag(stage: str) -> str:
    """Return the tag of versions that a stage has served; its value is the id of the ledger entry."""
    return f"loopkeeper.{stage}.served"


def signature_tag(stage: str) -> str:
    """Return the tag of versions that holds the signature of what a stage says of them."""
    return f"loopkeeper.{stage}.signature"


def _entry_tag(stage: str) -> str:
    return f"loopkeeper.{stage}.entry"

"""Signatures of versions: nothing is loaded that a worker of this stage has not signed.

A signature is an HMAC over a version's manifest, which holds the SHA-256 of each of its files. It is kept in
the records beside the manifest. MLflow stores the files and never learns the key: whoever can write to MLflow
can make versions, but none that a stage loads.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Self

from data_processor.rows import VersionRow
from data_processor.settings import Settings

FORMAT = "v1"
VERSION = "version"
"""What is signed when a version is."""
COMMAND = "data-processor sign-versions"
"""What a maintainer runs on the machine to sign versions again (`models/signing.py`)."""


class Signer:
    """Signs with one key, and checks what was signed with it."""

    def __init__(self, key: str) -> None:
        """Sign with this key, of at least 16 characters."""
        self._key = key.encode()
        self._name = hmac.digest(self._key, b"name", hashlib.sha256).hex()[:12]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the signer of a stage's own versions."""
        return cls(settings.signing_key.get_secret_value())

    def sign(self, content: Mapping[str, Any], purpose: str = VERSION) -> str:
        """Return the signature of JSON content: its format, the name of the key, and the HMAC in hex.

        `purpose` keeps a signature from being used for anything else than it was made for.
        """
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        mac = hmac.digest(self._key, f"{purpose}\n{canonical}".encode(), hashlib.sha256).hex()
        return f"{FORMAT}.{self._name}.{mac}"

    def proves(self, signature: str, content: Mapping[str, Any], purpose: str = VERSION) -> bool:
        """Return whether a signature is that of this content, made with this key for this purpose."""
        return hmac.compare_digest(signature.encode(), self.sign(content, purpose).encode())

    def problem(self, row: VersionRow) -> str | None:
        """Return why a version may not be loaded, with the remedy, or None if its signature is right."""
        name = f"Version {row.version} of {row.model!r}"
        if row.signature is None:
            return (
                f"{name} is not signed: no worker of this stage registered it, so it is not loaded. A "
                f"maintainer who knows where it comes from can sign it on the machine: `{COMMAND}`."
            )
        own = {"model": row.model, "version": row.version}.items() <= row.manifest.items()
        if own and self.proves(row.signature, row.manifest):
            return None
        if not row.signature.startswith(f"{FORMAT}.{self._name}."):
            return (
                f"{name} is signed with another key than SIGNING_KEY, so it is not loaded. Restore the key "
                f"that it was signed with, or have a maintainer sign it again on the machine: `{COMMAND}`."
            )
        return f"{name} is not what was signed: its manifest was changed afterwards. Train it again."

"""Secrets of destinations at rest: encrypted with a key that is derived from SIGNING_KEY.

Addresses such as Slack's are credentials, and a copy of the records database (a backup, a replica) must not
hand them out. SIGNING_KEY is what `serve` and `work` of a stage share and nobody else has.
"""

from base64 import urlsafe_b64encode
from typing import Self

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from data_processor.settings import Settings

_PURPOSE = b"loopkeeper: secrets of notification destinations"


class SealedError(Exception):
    """A secret was encrypted with another key than SIGNING_KEY, or is damaged."""

    def __init__(self) -> None:
        super().__init__(
            "The address or secret of this destination cannot be decrypted: it was encrypted with another "
            "SIGNING_KEY. Enter it again."
        )


class Vault:
    """Encrypts and decrypts with one key: AES-128-CBC with an HMAC (Fernet), the key by HKDF-SHA-256."""

    def __init__(self, key: str) -> None:
        """Derive the key of this purpose from a secret of at least 16 characters."""
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
        self._fernet = Fernet(urlsafe_b64encode(derived))

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the vault of a stage."""
        return cls(settings.signing_key.get_secret_value())

    def seal(self, secret: str) -> str:
        """Encrypt a secret."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Decrypt a secret; raises `SealedError`."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SealedError from error

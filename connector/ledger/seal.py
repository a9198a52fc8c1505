"""Documents and records at rest: packed, then encrypted with the first of a list of keys, readable with any.

What was stored before encryption was switched on, or before anything was packed, stays readable; `database
reseal` stores it anew.
"""

from collections.abc import Sequence

import lz4.frame
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connector.errors import ConfigError

_ENCRYPTED = b"gAAAA"  # how every Fernet token begins; JSON never does
_PACKED = b"\x04\x22\x4d\x18"  # the same of LZ4's frames
MAKE_A_KEY = (
    'make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


class Seal:
    """Packs what is stored of documents, and encrypts it where there are keys."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Take Fernet keys, newest first.

        Raises: ConfigError for a text that is no key; the text is not repeated.
        """
        try:
            self._keys = MultiFernet([Fernet(key) for key in keys]) if keys else None
        except ValueError as error:
            message = "storage.encryption_keys: one of them is no Fernet key"
            raise ConfigError(message, remedy=MAKE_A_KEY) from error

    def close(self, plain: bytes) -> bytes:
        """Pack, and encrypt with the newest key. Nothing stays nothing."""
        if not plain:
            return plain
        # Databases write a row anew at each of its changes: packing it costs less than its bytes do.
        packed: bytes = lz4.frame.compress(plain)
        return packed if self._keys is None else self._keys.encrypt(packed)

    def open(self, stored: bytes) -> bytes:
        """Give what was stored.

        Raises: ConfigError when it was encrypted with a key that is not in the list, or is damaged.
        """
        packed = self._decrypted(stored) if stored.startswith(_ENCRYPTED) else stored
        if not packed.startswith(_PACKED):
            return packed
        try:
            plain: bytes = lz4.frame.decompress(packed)
        except RuntimeError as error:
            raise ConfigError(
                "the ledger holds a document that is damaged", remedy="restore the database from a backup"
            ) from error
        return plain

    def _decrypted(self, stored: bytes) -> bytes:
        if self._keys is None:
            raise ConfigError(
                "the ledger holds encrypted documents and no key is configured",
                remedy="name the key under storage.encryption_keys",
            )
        try:
            return self._keys.decrypt(stored)
        except InvalidToken as error:
            raise ConfigError(
                "the ledger holds documents that none of the configured keys opens",
                remedy="keep old keys in storage.encryption_keys until `database reseal` has run",
            ) from error

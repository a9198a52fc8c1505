"""Documents and records at rest: encrypted with the first of a list of keys, readable with any of them.

What was stored before encryption was switched on stays readable, until `database reseal` has encrypted it.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connector.errors import ConfigError

_MARK = b"gAAAA"  # how every Fernet token begins; JSON never does
MAKE_A_KEY = (
    'make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


class Seal:
    """Encrypts what is stored of documents. Without keys it stores them as they are."""

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
        """Encrypt with the newest key. Nothing stays nothing."""
        return self._keys.encrypt(plain) if self._keys is not None and plain else plain

    def open(self, stored: bytes) -> bytes:
        """Give what was stored.

        Raises: ConfigError when it was encrypted with a key that is not in the list.
        """
        if not stored.startswith(_MARK):
            return stored
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

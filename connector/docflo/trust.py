"""Whose certificates are trusted, and how to tell that one was not."""

import ssl
from pathlib import Path

from connector.errors import ConfigError


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """Trust the authorities of the bundle, or without one those of this machine.

    Raises: ConfigError when the bundle cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_bundle is None else str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        message = f"docflo.ca_bundle cannot be read: {ca_bundle}"
        raise ConfigError(message, remedy="it must be a PEM file of certificates") from error


def distrust(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Find the refusal of a certificate among the causes of an error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None

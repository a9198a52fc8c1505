"""WS-Security on a finished envelope: a user name token, a timestamp, a signature with SHA-256."""

from datetime import datetime, timedelta
from typing import Any

from xmlsec import Error as XmlSecError
from xmlsec import constants
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse import utils
from zeep.wsse.signature import MemorySignature
from zeep.wsse.username import UsernameToken

from connector.errors import AccessRefusedError

_LIFE = timedelta(minutes=5)


def add_username(
    envelope: Any,
    user: str,
    password: str,
    *,
    digest: bool,
    now: datetime | None,
) -> None:
    """Add a token; with `now`, a timestamp too."""
    stamp = None if now is None else timestamp(now)
    token = UsernameToken(user, password, use_digest=digest, timestamp_token=stamp, zulu_timestamp=True)
    token.apply(envelope, {})


def sign(envelope: Any, key: str, certificate: str, *, now: datetime | None) -> None:
    """Sign the body, and with `now` a timestamp too.

    Raises: AccessRefusedError for a key or certificate that cannot be used.
    """
    if now is not None:
        utils.get_security_header(envelope).append(timestamp(now))
    try:
        signature = MemorySignature(
            key.encode(),
            certificate.encode(),
            signature_method=constants.TransformRsaSha256,
            digest_method=constants.TransformSha256,
        )
        signature.apply(envelope, {})
    except (XmlSecError, SignatureVerificationFailed, ValueError, TypeError) as error:
        raise AccessRefusedError(
            f"the message cannot be signed ({type(error).__name__})",
            remedy="Give an unencrypted RSA key and its certificate, both PEM.",
        ) from error


def timestamp(now: datetime) -> Any:
    """Give a timestamp that holds for five minutes."""
    written = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now, now + _LIFE)]
    return utils.WSU.Timestamp(utils.WSU.Created(written[0]), utils.WSU.Expires(written[1]))

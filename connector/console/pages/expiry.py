"""When a credential ends, where it says so itself: certificates and tokens that carry their end."""

import binascii
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import msgspec
from cryptography.x509 import load_pem_x509_certificates

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_TOKEN = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*")


class _Claims(msgspec.Struct):
    exp: float | None = None


def ends_at(secret: str) -> datetime | None:
    """Give the end that a secret carries; None when it carries none.

    Of a chain of certificates the first that ends counts. Source: RFC 7519, 4.1.4; RFC 5280, 4.1.2.5
    """
    try:
        if _CERTIFICATE in secret:
            return min(each.not_valid_after_utc for each in load_pem_x509_certificates(secret.encode()))
        token = _TOKEN.fullmatch(secret.strip())
        return _end_of(token[1]) if token else None
    except (ValueError, OverflowError, OSError, binascii.Error, msgspec.MsgspecError):
        return None  # it looks like one, and is none


def _end_of(claims: str) -> datetime | None:
    padded = claims + "=" * (-len(claims) % 4)
    exp = msgspec.json.decode(urlsafe_b64decode(padded), type=_Claims).exp
    return None if exp is None else datetime.fromtimestamp(exp, tz=UTC)

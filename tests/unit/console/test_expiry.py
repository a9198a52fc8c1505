"""Credentials that say when they end."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from connector.console.pages.expiry import ends_at

END = datetime(2027, 3, 1, 12, tzinfo=UTC)


def token(claims: object) -> str:
    parts = [
        urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in ({"alg": "x"}, claims)
    ]
    return ".".join([*parts, "c2lnbmF0dXJl"])


def certificate(end: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "erp")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(days=1))
        .not_valid_after(end)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_token_ends_when_it_says() -> None:
    assert ends_at(f"{token({'exp': END.timestamp(), 'sub': 'x'})}\n") == END


def test_a_chain_of_certificates_ends_with_the_first_that_ends() -> None:
    assert ends_at(certificate(END + timedelta(days=9)) + certificate(END)) == END


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "sk_live_51H",
        "a.b.c",
        token({"sub": "x"}),
        token({"exp": "soon"}),
        token({"exp": 1e300}),
        token(["exp"]),
        "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_what_carries_no_end_has_none(secret: str) -> None:
    assert ends_at(secret) is None

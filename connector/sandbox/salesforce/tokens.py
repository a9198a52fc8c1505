"""Logins: who may have a token, and whose token it is. Client credentials and JWT bearer."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from connector.sandbox.salesforce import errors

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
HOUR = timedelta(hours=1)
ORG_ID = "00DSb0000000001AAA"
USER_ID = "005Sb0000000001AAA"


class LoginRefusedError(Exception):
    """A login that gets no token: always status 400, with OAuth's own error object."""

    def __init__(self, error: str, description: str) -> None:
        self.body = {"error": error, "error_description": description}
        super().__init__(description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """Who may log in. A user is known by the consumer key, or by the `sub` of a JWT."""

    clients: Mapping[str, str]  # consumer key -> secret
    jwt_users: Mapping[str, tuple[str, Collection[str]]]  # consumer key -> (public key PEM, usernames)
    audiences: Collection[str]  # accepted beside the address that was called


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    user: str
    ends: datetime


class Tokens:
    """The tokens in force."""

    def __init__(self, lifetime: timedelta, most_an_hour: int) -> None:
        self.issued = 0
        self._lifetime = lifetime
        self._most_an_hour = most_an_hour
        self._logins: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._sessions: dict[str, _Session] = {}

    def issue(self, user: str, *, secret: str, instance_url: str, now: datetime) -> dict[str, str]:
        """Give the answer to a login.

        Raises: LoginRefusedError when the user logs in too often.
        """
        self._count(user, now)
        token = f"{ORG_ID[:15]}!{secrets.token_hex(32)}"
        self._sessions[token] = _Session(user=user, ends=now + self._lifetime)
        identity = f"{instance_url}/id/{ORG_ID}/{USER_ID}"
        issued_at = str(int(now.timestamp() * 1000))
        digest = hmac.digest(secret.encode(), (identity + issued_at).encode(), hashlib.sha256)
        return {
            "access_token": token,
            "instance_url": instance_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "signature": base64.b64encode(digest).decode(),
        }

    def _count(self, user: str, now: datetime) -> None:
        logins = self._logins[user]
        while logins and logins[0] <= now - HOUR:
            logins.popleft()
        if len(logins) >= self._most_an_hour:
            raise LoginRefusedError("invalid_grant", "login rate exceeded")
        logins.append(now)
        self.issued += 1

    def user_of(self, authorization: str, now: datetime) -> str:
        """Give the user whose token an Authorization header carries.

        Raises: ApiError 401 INVALID_SESSION_ID.
        """
        scheme, _, token = authorization.partition(" ")
        session = self._sessions.get(token.strip()) if scheme.lower() == "bearer" else None
        if session is None or session.ends <= now:
            raise errors.session_invalid()
        return session.user

    def revoke(self) -> None:
        """End every session."""
        self._sessions.clear()


def log_in(
    logins: Logins, form: Mapping[str, str], *, authorization: str, host: str, now: datetime
) -> tuple[str, str]:
    """Give the user that a token request stands for, and the secret that signs the answer.

    Raises: LoginRefusedError.
    """
    match form.get("grant_type"):
        case "client_credentials":
            return _client_credentials(logins, form, authorization)
        case grant if grant == JWT_BEARER:
            return _jwt_bearer(logins, form.get("assertion", ""), host, now)
    raise LoginRefusedError("unsupported_grant_type", "grant type not supported")


def _client_credentials(logins: Logins, form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    key, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
    known = logins.clients.get(key)
    if known is None:
        raise LoginRefusedError("invalid_client_id", "client identifier invalid")
    if not hmac.compare_digest(known.encode(), secret.encode()):
        raise LoginRefusedError("invalid_client", "invalid client credentials")
    return key, known


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise LoginRefusedError("invalid_client", "invalid client credentials") from None
    key, _, secret = text.partition(":")
    return key, secret


def _jwt_bearer(logins: Logins, assertion: str, host: str, now: datetime) -> tuple[str, str]:
    key = _claims(assertion, None).get("iss")
    known = logins.jwt_users.get(key) if isinstance(key, str) else None
    if known is None:
        raise LoginRefusedError("invalid_client_id", "client identifier invalid")
    public_key, usernames = known
    claims = _claims(assertion, public_key)
    if claims.get("aud") not in {host, f"http://{host}", f"https://{host}", *logins.audiences}:
        raise LoginRefusedError("invalid_grant", "audience is invalid")
    if _expiry(claims) <= now.timestamp():
        raise LoginRefusedError("invalid_grant", "assertion expired")
    user = claims.get("sub")
    if user not in usernames:
        raise LoginRefusedError("invalid_grant", "user hasn't approved this consumer")
    return str(user), logins.clients.get(str(key), str(key))


def _claims(assertion: str, public_key: str | None) -> dict[str, Any]:
    """Read a JWT; without a key unverified, to learn whose key to use."""
    lenient = dict.fromkeys(("verify_aud", "verify_exp", "verify_iat", "verify_nbf", "verify_sub"), False)
    try:
        if public_key is None:
            return jwt.decode(assertion, options={"verify_signature": False})
        return jwt.decode(assertion, public_key, algorithms=["RS256"], options=lenient)  # type: ignore[arg-type]
    except jwt.InvalidTokenError:
        raise LoginRefusedError("invalid_grant", "invalid assertion") from None


def _expiry(claims: Mapping[str, Any]) -> float:
    """Read `exp`, which some libraries send as text."""
    try:
        return float(claims["exp"])
    except (KeyError, TypeError, ValueError):
        raise LoginRefusedError("invalid_grant", "invalid assertion") from None

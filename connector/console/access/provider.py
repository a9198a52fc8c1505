"""A login at an OpenID Connect provider: the code flow with PKCE, and a token that must be for us.

Authlib builds requests and judges claims, joserfc verifies signatures; here is only which of them we ask for.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.auth import OAuth2Token
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connector.clock import Clock
from connector.console.person import Role
from connector.errors import AccessRefusedError, ConfigError, UnavailableError
from connector.ledger.logins import Errand
from connector.web_settings import LOOPBACK, OidcSettings

SECONDS = 10
KEPT = timedelta(hours=1)  # the provider's addresses and keys; a new key is asked for at once
LEEWAY = 60  # seconds that clocks may differ
# Never "none", and no secret that two sides share: the provider's own keys only.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_AGAIN = timedelta(seconds=30)

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Whom the provider vouches for."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the provider tells of itself."""

    document: Claims
    keys: KeySet
    read_at: datetime


class Provider:
    """One provider. Safe between threads."""

    def __init__(self, settings: OidcSettings, *, redirect_uri: str, clock: Clock) -> None:
        self.host = urlsplit(settings.issuer).hostname or settings.issuer
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def begin(self, state: str, next_path: str) -> tuple[str, Errand]:
        """Give where the browser goes, and what is needed when it comes back.

        Raises: UnavailableError, ConfigError
        """
        errand = Errand(
            nonce=generate_token(32),
            verifier=generate_token(64),
            next_path=next_path,
            began_at=self._clock(),
        )
        endpoint = _address(self._discovered().document, "authorization_endpoint")
        with self._session() as session:
            url, _ = session.create_authorization_url(
                endpoint, state=state, nonce=errand.nonce, code_verifier=errand.verifier
            )
        return str(url), errand

    def finish(self, code: str, errand: Errand) -> Vouched:
        """Give whom a code stands for.

        Raises: AccessRefusedError when the provider vouches for nobody who may come in; UnavailableError.
        """
        known = self._discovered()
        with self._session() as session:
            try:
                token = session.fetch_token(
                    _address(known.document, "token_endpoint"),
                    code=code,
                    grant_type="authorization_code",
                    code_verifier=errand.verifier,
                    timeout=SECONDS,
                    allow_redirects=False,
                )
                claims = self._claims(token, errand, known)
                return self._vouched(self._completed(claims, session, known))
            except (OAuthError, JoseError, ValueError) as error:
                raise AccessRefusedError(f"{self.host} does not vouch for you: {_why(error)}") from error
            except requests.RequestException as error:
                raise self._unavailable(error) from error

    def _claims(self, token: OAuth2Token, errand: Errand, known: _Known) -> Claims:
        raw = token.get("id_token")
        if not isinstance(raw, str):
            raise AccessRefusedError(f"{self.host} gave no token that says who you are")
        try:
            decoded = jwt.decode(raw, known.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # It may have a key that was made after we looked.
            decoded = jwt.decode(raw, self._discovered(anew=True).keys, algorithms=ALGORITHMS)
        issuer, client = self._settings.issuer, self._settings.client_id
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}},
            {"nonce": errand.nonce, "client_id": client, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY)
        return dict(claims)

    def _completed(self, claims: Claims, session: OAuth2Session, known: _Known) -> Claims:
        """Ask for what the token leaves out."""
        endpoint = known.document.get("userinfo_endpoint")
        wanted = (self._settings.name_claim, self._settings.role_claim)
        if all(_at(claims, each) is not None for each in wanted) or endpoint is None:
            return claims
        answer = session.get(
            _address(known.document, "userinfo_endpoint"), timeout=SECONDS, allow_redirects=False
        )
        answer.raise_for_status()
        told = answer.json()
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise AccessRefusedError(f"{self.host} speaks of somebody else")
        return {**told, **claims}

    def _vouched(self, claims: Claims) -> Vouched:
        name = _at(claims, self._settings.name_claim)
        if not isinstance(name, str) or not name.strip():
            raise AccessRefusedError(f"{self.host} does not say what you are called")
        if self._settings.name_claim == "email" and claims.get("email_verified") is False:
            raise AccessRefusedError(f"{self.host} has not verified that {name} is yours")
        groups = _at(claims, self._settings.role_claim)
        held = {groups} if isinstance(groups, str) else set(map(str, groups or ()))
        roles = [Role[role.upper()] for group, role in self._settings.roles.items() if group in held]
        if not roles:
            raise AccessRefusedError(f"{name} has no role here", remedy="ask an administrator for a group")
        return Vouched(name=name.strip(), role=max(roles))

    def _discovered(self, *, anew: bool = False) -> _Known:
        now = self._clock()
        with self._lock:
            known = self._known
            age = now - known.read_at if known else None
            if known is not None and age is not None and age < (_AGAIN if anew else KEPT):
                return known
            with self._session() as session:
                try:
                    self._known = self._read(session, now)
                except requests.RequestException as error:
                    raise self._unavailable(error) from error
            return self._known

    def _read(self, session: OAuth2Session, now: datetime) -> _Known:
        issuer = self._settings.issuer
        document = _object(session, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise ConfigError(
                f"web.access.oidc.issuer: {self.host} calls itself {document.get('issuer')}",
                remedy="write it exactly so",
            )
        try:
            keys = KeySet.import_key_set(_object(session, _address(document, "jwks_uri")))  # type: ignore[arg-type]  # judged there
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{self.host} shows no keys that can be read") from error
        return _Known(document=document, keys=keys, read_at=now)

    def _session(self) -> OAuth2Session:
        settings = self._settings
        session = OAuth2Session(
            settings.client_id,
            settings.client_secret.reveal() if settings.client_secret else None,
            scope=" ".join(settings.scopes),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        session.trust_env = urlsplit(settings.issuer).hostname not in LOOPBACK
        if settings.ca_bundle is not None:
            session.verify = str(settings.ca_bundle)
        return session

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(f"{self.host} cannot be asked who you are: {type(error).__name__}")


def _object(session: OAuth2Session, url: str) -> Claims:
    answer = session.request("GET", url, withhold_token=True, timeout=SECONDS, allow_redirects=False)
    answer.raise_for_status()
    value = answer.json()
    if not isinstance(value, dict):
        raise ConfigError(f"{url} is no JSON object")
    return value


def _address(document: Claims, name: str) -> str:
    value = document.get(name)
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or not (parts.scheme == "https" or parts.hostname in LOOPBACK):
        raise ConfigError(f"the provider names no {name} that is safe to ask")
    return str(value)


def _at(claims: Claims, path: str) -> Any:  # noqa: ANN401 whatever a provider puts there
    """Give a claim: by its whole name, which may be an address with dots, or by steps inside."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _why(error: Exception) -> str:
    return str(getattr(error, "error", "") or type(error).__name__)

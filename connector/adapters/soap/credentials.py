"""Who we are: everything that a profile's `auth` puts on a message, and the logins behind it."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connector.adapters.base import TokenLife
from connector.adapters.oauth_times import end_after
from connector.adapters.soap.body import BranchNode, Making
from connector.adapters.soap.file import OAuthClient, UserPassword
from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.made import Branch, Made
from connector.adapters.soap.message import Message
from connector.adapters.soap.profile import Block, Login, Profile, render
from connector.adapters.soap.reply import Reply
from connector.adapters.soap.template import Scope, parse_template
from connector.adapters.soap.tokens import Token, Tokens
from connector.adapters.soap.wire import Answer, NoAnswer, Wire
from connector.adapters.soap.wsse import add_username, sign
from connector.clock import Clock
from connector.errors import AccessRefusedError, ConfigError, UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What one attempt carries: parts of the body, blocks of the header, and the tokens that it used."""

    fields: Mapping[str, Made]
    blocks: Mapping[str, Made]
    http: Mapping[str, str] = field(repr=False)
    session: Token | None
    bearer: Token | None


class Credentials:
    """The `auth` of one profile with one target's secrets. Safe to use from several threads."""

    def __init__(
        self, profile: Profile, base: Callable[[], Scope], wire: Callable[[], Wire], clock: Clock
    ) -> None:
        self._profile = profile
        self._base = base
        self._wire = wire
        self._clock = clock
        self._oauth = next((each.oauth2_client for each in profile.auth if each.oauth2_client), None)
        self._bearer = None if self._oauth is None else Tokens(self._fetch_bearer, clock)
        self._session: Tokens | None = None

    def use_session(self, log_in: Callable[[], Token]) -> None:
        """Take sessions from there."""
        self._session = Tokens(log_in, self._clock)

    def proof(self, *, for_login: bool = False) -> Proof:
        """Give what the next attempt carries; nonces and times are made anew.

        Raises: AccessRefusedError, UnavailableError, ThrottledError when a token cannot be had.
        """
        login = None if for_login else self._profile.login
        session = None if login is None or self._session is None else self._session.current()
        bearer = None if self._bearer is None else self._bearer.current()
        scope = self._scope(session)
        fields: dict[str, Made] = {}
        for node in (*self._profile.body_fields, *((login.body_fields,) if login else ())):
            fields |= self._made(node, scope).fields
        blocks = [*self._profile.blocks, *((login.block,) if login and login.block else ())]
        return Proof(
            fields=fields,
            blocks={block.element: self._block(block, scope) for block in blocks},
            http=self._http(scope, bearer, login),
            session=session,
            bearer=bearer,
        )

    def seal(self, message: Message) -> None:
        """Add WS-Security to a finished message: last, because a signature covers what is there."""
        scope = self._base()
        for each in self._profile.auth:
            if each.wsse_username is not None:
                now = self._clock() if each.wsse_username.timestamp else None
                user, password = (
                    _fill(text, scope) for text in (each.wsse_username.user, each.wsse_username.password)
                )
                add_username(message.envelope, user, password, digest=each.wsse_username.digest, now=now)
        for each in self._profile.auth:
            if each.wsse_signature is not None:
                now = self._clock() if each.wsse_signature.timestamp else None
                key, certificate = (
                    _fill(text, scope) for text in (each.wsse_signature.key, each.wsse_signature.certificate)
                )
                sign(message.envelope, key, certificate, now=now)

    def renewed(self, proof: Proof, reply: Reply) -> bool:
        """Tell whether the reply refused a token that has now been replaced: then once more is safe.

        Raises: as `proof`.
        """
        login = self._profile.login
        if (
            login is not None
            and self._session is not None
            and any(test.holds(reply) for test in login.expired)
        ):
            self._session.renew(proof.session)
            return True
        if self._bearer is not None and reply.status == requests.codes.unauthorized:
            self._bearer.renew(proof.bearer)
            return True
        return False

    @property
    def has_session(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and self._session.held is not None

    def tokens(self) -> Iterator[TokenLife]:
        """Give what is known of the tokens that are held."""
        for name, tokens in (("access token", self._bearer), ("session", self._session)):
            held = None if tokens is None else tokens.held
            if held is not None:
                yield TokenLife(
                    name=name, issued_at=held.issued_at, ends_at=held.ends_at, renewed_at=held.renewed_at
                )

    def http_auth(self) -> AuthBase | None:
        """Give what authenticates on the level of HTTP."""
        scope = self._base()
        for each in self._profile.auth:
            if each.http_basic is not None:
                return _basic(each.http_basic, scope)
            if each.ntlm is not None:
                from requests_ntlm import HttpNtlmAuth  # noqa: PLC0415 only where it is used

                auth: AuthBase = HttpNtlmAuth(_fill(each.ntlm.user, scope), _fill(each.ntlm.password, scope))
                return auth
        return None

    def certificate(self) -> tuple[str, str] | str | None:
        """Give the files of the client certificate."""
        scope = self._base()
        for each in self._profile.auth:
            if each.mtls is not None:
                certificate = _fill(each.mtls.certificate, scope)
                return (certificate, _fill(each.mtls.key, scope)) if each.mtls.key else certificate
        return None

    def _scope(self, session: Token | None) -> dict[str, object]:
        now = self._clock()
        return {
            **self._base(),
            "session": {"token": session.value} if session is not None else {},
            "attempt": {
                "now": now,
                "now_text": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "now_unix": int(now.timestamp()),
                "nonce": secrets.token_hex(16),
            },
        }

    def _block(self, block: Block, scope: Mapping[str, object]) -> Branch:
        made: dict[str, object] = {}
        for name, text in block.vars.items():
            made[name] = text if isinstance(text, str) else text.value({**scope, "vars": made})
        return self._made(block.value, {**scope, "vars": made})

    def _made(self, node: BranchNode, scope: Scope) -> Branch:
        making = Making()
        made = node.make(scope, (), making)
        if making.unfit:
            first = making.unfit[0]
            raise ConfigError(f"auth: {'/'.join(first.path)} ({first.source}) {first.message}")
        return made if isinstance(made, Branch) else Branch({})

    def _http(self, scope: Scope, bearer: Token | None, login: Login | None) -> dict[str, str]:
        headers = {
            name: _fill(text, scope)
            for each in self._profile.auth
            for name, text in (each.http_header or {}).items()
        }
        if login is not None:
            headers |= {name: render(text, scope) for name, text in login.http_header.items()}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer.value}"
        return headers

    def _fetch_bearer(self) -> Token:
        if self._oauth is None:
            raise ConfigError("no oauth2_client in auth")
        wire = self._wire()
        try:
            return fetch_bearer(self._oauth, self._base(), wire, self._clock)
        finally:
            wire.close()


def fetch_bearer(client: OAuthClient, scope: Scope, wire: Wire, clock: Clock) -> Token:
    """Exchange client credentials for an access token (RFC 6749, 4.4).

    Raises: AccessRefusedError in the server's words; UnavailableError.
    """
    wanted = {"grant_type": "client_credentials"}
    texts = {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "scope": client.scope,
        "audience": client.audience,
    }
    wanted |= {name: _fill(text, scope) for name, text in texts.items() if text is not None}
    url = _fill(client.token_url, scope)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = wire.post(url, urlencode(wanted).encode(), headers)
    if isinstance(answer, NoAnswer):
        raise UnavailableError(f"the token address does not answer: {answer.reason}", remedy=answer.remedy)
    told = _json(answer)
    token, life = told.get("access_token"), told.get("expires_in")
    if answer.status == requests.codes.ok and isinstance(token, str) and token:
        now = clock()
        return Token(value=token, issued_at=now, ends_at=end_after(now, life))
    if (
        answer.status >= requests.codes.internal_server_error
        or answer.status == requests.codes.too_many_requests
    ):
        raise UnavailableError(f"the token address answers HTTP {answer.status}")
    words = " · ".join(str(told[name]) for name in ("error", "error_description") if told.get(name))
    raise AccessRefusedError(
        f"the token address refuses the client: {words or f'HTTP {answer.status}'}",
        remedy="Check client_id, client_secret, scope and token_url.",
    )


def _json(answer: Answer) -> dict[str, object]:
    try:
        told = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _basic(user: UserPassword, scope: Scope) -> AuthBase:
    return HTTPBasicAuth(_fill(user.user, scope).encode(), _fill(user.password, scope).encode())


def _fill(text: str, scope: Scope) -> str:
    try:
        filled = render(parse_template(text), scope)
    except UnfitValueError as error:
        raise ConfigError(f"auth: {error}") from error
    return filled

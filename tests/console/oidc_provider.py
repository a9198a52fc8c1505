"""An OpenID Connect provider on loopback: discovery, keys, and the code flow with PKCE, by Authlib's server.

Whoever comes is logged in at once as `person`. A test switches on what a wrong provider, or somebody between,
does.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.common.security import generate_token
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.console.server import WebServer

CLIENT, SECRET = "docflo-console", "provider-secret"


@dataclass
class Provider:
    """What a test sets, and what the provider was asked."""

    url: str = ""
    console_port: int = 0
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "7", "email": "ana@acme.example", "groups": ["finance"]}
    )
    hidden: tuple[str, ...] = ()  # claims that only the userinfo endpoint tells
    wrong: dict[str, Any] = field(default_factory=dict)  # claims that are put over the right ones
    signs_with: RSAKey | None = None  # instead of its own key
    shown_issuer: str | None = None
    authorizations: list[dict[str, str]] = field(default_factory=list)


@dataclass
class _Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    redirect_uri: str

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    data: dict[str, str]

    @property
    def code_challenge(self) -> str | None:
        return self.data.get("code_challenge")

    @property
    def code_challenge_method(self) -> str | None:
        return self.data.get("code_challenge_method")

    def get_redirect_uri(self) -> str | None:
        return self.data.get("redirect_uri")

    def get_scope(self) -> str | None:
        return self.data.get("scope")

    def get_nonce(self) -> str | None:
        return self.data.get("nonce")

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, client: _Client) -> None:
        super().__init__()
        self._client = client
        self.tokens: set[str] = set()
        generator = BearerTokenGenerator(lambda **_: generate_token(40))
        self.register_token_generator("default", generator)

    def query_client(self, client_id: str) -> _Client | None:
        return self._client if client_id == CLIENT else None

    def save_token(self, token: dict[str, Any], _request: OAuth2Request) -> None:
        self.tokens.add(token["access_token"])

    def create_oauth2_request(self, request: Request) -> OAuth2Request:
        return request  # made by the routes, which read the body

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        text = json.dumps(body) if isinstance(body, dict) else body
        return Response(text, status_code=status, headers=dict(headers))

    def send_signal(self, name: str, *_arguments: object, **_options: object) -> None:
        """Nobody listens."""


class _Asked(OAuth2Request):  # type: ignore[misc]
    def __init__(self, request: Request, data: dict[str, str]) -> None:
        # Authlib asks for TLS, which loopback does not need.
        uri = str(request.url).replace("http://", "https://", 1)
        super().__init__(request.method, uri, headers=request.headers)
        self.payload = BasicOAuth2Payload(data)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)


def _grant(it: Provider, codes: dict[str, _Code]) -> type[grants.AuthorizationCodeGrant]:
    class Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
            codes[code] = _Code(code, dict(request.payload.data))

        def query_authorization_code(self, code: str, _client: _Client) -> _Code | None:
            return codes.get(code)

        def delete_authorization_code(self, authorization_code: _Code) -> None:
            codes.pop(authorization_code.code)

        def authenticate_user(self, _authorization_code: _Code) -> dict[str, Any]:
            return it.person

    return Grant


def _identity(it: Provider, key: RSAKey, codes: dict[str, _Code]) -> OpenIDCode:
    class Identity(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, _request: OAuth2Request) -> bool:
            return any(code.get_nonce() == nonce for code in codes.values())

        def get_client_algorithm(self, _client: _Client) -> str:
            return "RS256"

        def get_encode_header(self, _client: _Client) -> dict[str, str]:
            return {"alg": "RS256", "kid": "one"}

        def get_client_claims(self, _client: _Client) -> dict[str, Any]:
            return {"iss": it.url}

        def resolve_client_private_key(self, _client: _Client) -> RSAKey:
            return it.signs_with or key

        def generate_user_info(self, user: dict[str, Any], _scope: str) -> UserInfo:
            told = {name: value for name, value in user.items() if name not in it.hidden}
            return UserInfo({**told, **it.wrong})

    return Identity(require_nonce=True)


def _server(it: Provider, key: RSAKey, redirect_uri: str) -> _Server:
    codes: dict[str, _Code] = {}
    server = _Server(_Client(redirect_uri))
    server.register_grant(_grant(it, codes), [CodeChallenge(required=True), _identity(it, key, codes)])
    return server


def _routes(it: Provider, key: RSAKey, server: _Server) -> list[Route]:
    def discovery(_request: Request) -> Response:
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "userinfo_endpoint": "userinfo",
        }
        addresses = {name: f"{it.url}/{path}" for name, path in names.items()}
        return JSONResponse({"issuer": it.shown_issuer or it.url, **addresses})

    def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False)]})

    def authorize(request: Request) -> Response:
        asked = _Asked(request, dict(request.query_params))
        it.authorizations.append(dict(request.query_params))
        grant = server.get_consent_grant(request=asked, end_user=it.person)
        answer: Response = server.create_authorization_response(asked, grant_user=it.person, grant=grant)
        return answer

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        answer: Response = server.create_token_response(_Asked(request, form))
        return answer

    def userinfo(request: Request) -> Response:
        _, _, shown = request.headers.get("authorization", "").partition(" ")
        return JSONResponse(it.person) if shown in server.tokens else Response(status_code=401)

    return [
        Route("/.well-known/openid-configuration", discovery),
        Route("/keys", keys),
        Route("/authorize", authorize),
        Route("/token", token, methods=["POST"]),
        Route("/userinfo", userinfo),
    ]


@contextmanager
def provider(redirect_uri: str) -> Iterator[Provider]:
    """Run one until the block ends."""
    it = Provider()
    key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    routes = _routes(it, key, _server(it, key, redirect_uri))
    web = WebServer(Starlette(routes=routes), host="127.0.0.1", port=0)
    it.url = web.address
    web.start()
    try:
        yield it
    finally:
        web.stop()

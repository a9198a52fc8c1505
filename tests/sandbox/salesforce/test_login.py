"""Logins: client credentials and JWT bearer, refusals, the end of a session."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.sandbox.salesforce.org import MakeOrg, Org

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
JWT_USERS = {"jwt-consumer": (PUBLIC_PEM, {"robot@example.com"})}


def assertion(org: Org, *, key: rsa.RSAPrivateKey = KEY, **changes: object) -> str:
    ends = int((org.clock() + timedelta(minutes=3)).timestamp())
    claims = {"iss": "jwt-consumer", "sub": "robot@example.com", "aud": org.url, "exp": ends}
    return jwt.encode({**claims, **changes}, key, algorithm="RS256")


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_login_answers_with_a_token_for_the_address_that_was_called(org: Org) -> None:
    answer = org.log_in().json()
    assert set(answer) == {"access_token", "instance_url", "id", "token_type", "issued_at", "signature"}
    assert answer["instance_url"] == org.url
    assert answer["token_type"] == "Bearer"
    assert org.send("GET", "/limits").status_code == 200


def test_a_client_may_send_its_secret_in_the_basic_header(org: Org) -> None:
    answer = org.client.post(
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("sandbox-consumer", "sandbox-secret"),
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_wrong_client_credentials_are_refused_with_400_and_their_own_error(
    org: Org, changes: dict[str, Any], error: str
) -> None:
    credentials = {"grant_type": "client_credentials", "client_id": "sandbox-consumer", "client_secret": "x"}
    assert refused(org.log_in(**{**credentials, **changes})) == (400, error)


def test_a_signed_assertion_is_accepted(make_org: MakeOrg) -> None:
    org = make_org(jwt_users=JWT_USERS)
    assert org.log_in(grant_type=JWT_BEARER, assertion=assertion(org)).status_code == 200
    assert org.send("GET", "/limits").status_code == 200


def test_an_expiry_sent_as_text_is_accepted(make_org: MakeOrg) -> None:
    org = make_org(jwt_users=JWT_USERS)
    ends = str(int((org.clock() + timedelta(minutes=3)).timestamp()))
    assert org.log_in(grant_type=JWT_BEARER, assertion=assertion(org, exp=ends)).status_code == 200


def test_a_further_audience_can_be_configured(make_org: MakeOrg) -> None:
    org = make_org(jwt_users=JWT_USERS, jwt_audiences=("https://acme.my.salesforce.com",))
    token = assertion(org, aud="https://acme.my.salesforce.com")
    assert org.log_in(grant_type=JWT_BEARER, assertion=token).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://login.salesforce.com"}, "invalid_grant"),
        ({"aud": None}, "invalid_grant"),
        ({"sub": "stranger@example.com"}, "invalid_grant"),
        ({"sub": None}, "invalid_grant"),
        ({"exp": 1_000_000_000}, "invalid_grant"),
        ({"exp": "soon"}, "invalid_grant"),
        ({"iss": "nobody"}, "invalid_client_id"),
        ({"key": OTHER_KEY}, "invalid_grant"),
    ],
)
def test_a_wrong_assertion_is_refused(make_org: MakeOrg, changes: dict[str, Any], error: str) -> None:
    org = make_org(jwt_users=JWT_USERS)
    assert refused(org.log_in(grant_type=JWT_BEARER, assertion=assertion(org, **changes))) == (400, error)


def test_an_assertion_that_is_no_jwt_is_refused(make_org: MakeOrg) -> None:
    org = make_org(jwt_users=JWT_USERS)
    assert refused(org.log_in(grant_type=JWT_BEARER, assertion="abc")) == (400, "invalid_grant")


def test_a_token_ends_with_its_lifetime(make_org: MakeOrg) -> None:
    org = make_org(token_lifetime=timedelta(minutes=15))
    org.clock.move(timedelta(minutes=14))
    assert org.send("GET", "/limits").status_code == 200
    org.clock.move(timedelta(minutes=1))
    assert org.send("GET", "/limits").status_code == 401


def test_revoked_tokens_are_refused_and_a_new_login_works(org: Org) -> None:
    org.sandbox.revoke_tokens()
    answer = org.send("GET", "/limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    org.log_in()
    assert org.send("GET", "/limits").status_code == 200


def test_the_journal_counts_logins(org: Org) -> None:
    org.log_in()
    org.log_in()
    assert org.sandbox.journal.count()["token"] == 2

from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.adapters.canned_server import make_settings


def test_domain_gives_the_my_domain_login_address() -> None:
    settings = make_settings(login_url=None, domain="acme--uat.sandbox.my")

    assert settings.login_address == "https://acme--uat.sandbox.my.salesforce.com"


def test_a_domain_with_the_suffix_is_the_same_domain() -> None:
    assert make_settings(login_url=None, domain="acme.my.salesforce.com").domain == "acme.my"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:2", "https://x.mil"]
)
def test_login_urls_that_are_accepted(url: str) -> None:
    assert make_settings(login_url=f"{url}/").login_address == url


@pytest.mark.parametrize("name", ["login_url", "instance_url"])
def test_plain_http_leaves_this_machine_never(name: str) -> None:
    with pytest.raises(ValidationError, match="plain http is accepted only for this machine"):
        make_settings(**{name: "http://127.0.0.1.example.com"})


@pytest.mark.parametrize(
    "url", ["acme.my", "ftp://acme.my", "https://", "https://u:p@acme.my", "https://a.b/?q=1"]
)
def test_what_is_no_base_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="login_url"):
        make_settings(login_url=url)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"consumer_secret": None}, "give exactly one of consumer_secret"),
        ({"private_key": "${env:SF_SECRET}", "username": "u@x"}, "give exactly one of consumer_secret"),
        ({"consumer_secret": None, "private_key": "${env:SF_SECRET}"}, "private_key needs username"),
        ({"username": "u@x"}, "username and audience belong to private_key"),
        ({"domain": "acme.my"}, "exactly one of domain"),
        ({"login_url": None}, "exactly one of domain"),
        ({"login_url": None, "domain": "login"}, "need the org's own My Domain"),
        ({"login_url": None, "domain": "acme.my/x"}, "the part before .salesforce.com"),
        ({"api_version": "49.0"}, "has no composite graphs"),
        ({"api_version": "v66"}, "api_version"),
        ({"consumer_key": "3MVG9-plain-text"}, "secrets are references"),
        ({"timeout": 3}, "timeout"),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_settings(**parts)


def test_no_secret_is_in_the_repr() -> None:
    shown = repr(make_settings())

    assert "the-consumer" not in shown
    assert "${env:SF_SECRET}" in shown

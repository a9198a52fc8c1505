"""Logging in at an OpenID Connect provider: a real one, on loopback."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import time_machine
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect

from connector.clock import utc_now
from connector.console.access.login import DONE
from tests.console.access import Caller, Guarded, free_port, guarded
from tests.console.oidc_provider import CLIENT, SECRET, Provider, provider


@pytest.fixture
def there() -> Iterator[Provider]:
    port = free_port()
    with provider(f"http://127.0.0.1:{port}{DONE}") as running:
        running.console_port = port
        yield running


@pytest.fixture
def door(there: Provider, tmp_path: Path) -> Iterator[Guarded]:
    with _door(there, tmp_path) as running:
        yield running


def _door(there: Provider, folder: Path, **oidc: Any) -> Any:
    (folder / "client").write_text(SECRET, encoding="utf-8")
    settings = {
        "issuer": there.url,
        "client_id": CLIENT,
        "client_secret": "${file:client}",
        "roles": {"finance": "operator", "everybody": "viewer", "it": "admin"},
        **oidc,
    }
    return guarded(folder, port=there.console_port, oidc=settings, passwords=None)


def go(caller: Caller, wanted: str = "/") -> httpx.Response:
    """Go to the provider and come back, as a browser does; give the last answer."""
    there = caller.get("/login/provider", params={"next": wanted})
    assert there.status_code == 303, there.text
    back = caller.get(there.headers["location"])
    return caller.get(back.headers["location"])


def test_whom_the_provider_vouches_for_comes_in_with_the_role_of_their_group(
    door: Guarded, there: Provider
) -> None:
    there.person["groups"] = ["everybody", "finance", "unknown"]
    caller = door.caller()

    answer = go(caller, "/?x=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/?x=1")
    page = caller.get("/").text
    assert "ana@acme.example" in page
    assert "operator" in page
    assert door.acts() == [("login", "ana@acme.example")]


def test_a_browser_logs_in_by_the_button_and_out_again(door: Guarded, page: Page) -> None:
    page.goto(door.url)
    page.get_by_role("link", name="Log in with 127.0.0.1").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_the_request_names_a_challenge_a_nonce_and_a_state_that_are_new_each_time(
    door: Guarded, there: Provider
) -> None:
    for _ in range(2):
        go(door.caller())

    first, second = there.authorizations
    assert first["code_challenge_method"] == "S256"
    assert first["response_type"] == "code"
    assert first["redirect_uri"] == f"{door.url}{DONE}"
    for name in ("code_challenge", "nonce", "state"):
        assert len(first[name]) >= 32
        assert first[name] != second[name]


def test_claims_that_the_token_leaves_out_are_asked_for(door: Guarded, there: Provider) -> None:
    there.hidden = ("email", "groups")

    assert go(door.caller()).status_code == 303
    assert door.acts() == [("login", "ana@acme.example")]


def test_claims_may_lie_deep_and_a_group_may_be_a_text(there: Provider, tmp_path: Path) -> None:
    there.person = {"sub": "7", "preferred_username": "ana", "realm": {"roles": "it"}}
    with _door(there, tmp_path, name_claim="preferred_username", role_claim="realm.roles") as door:
        caller = door.caller()
        go(caller)
        page = caller.get("/").text

    assert "admin" in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"nonce": "of another login"}, "does not vouch"),
        ({"aud": ["another-client"]}, "does not vouch"),
        ({"aud": ["another-client", CLIENT], "azp": "another-client"}, "does not vouch"),
        ({"iss": "https://another.example"}, "does not vouch"),
        ({"exp": 1_700_000_000}, "does not vouch"),
        ({"groups": ["strangers"]}, "has no role here"),
        ({"groups": []}, "has no role here"),
        ({"email": ""}, "does not say what you are called"),
        ({"email_verified": False}, "has not verified"),
    ],
)
def test_a_token_that_is_not_for_this_login_lets_nobody_in(
    door: Guarded, there: Provider, wrong: dict[str, Any], words: str
) -> None:
    there.wrong = wrong
    caller = door.caller()

    answer = go(caller)

    assert answer.status_code == 403
    assert words in answer.text
    assert "session" not in caller.cookies
    assert door.acts() == [("login refused", "127.0.0.1")]


def test_a_token_that_somebody_else_signed_lets_nobody_in(door: Guarded, there: Provider) -> None:
    there.signs_with = RSAKey.generate_key(2048, {"kid": "one"})

    assert go(door.caller()).status_code == 403


def test_a_code_is_worth_nothing_in_another_browser(door: Guarded) -> None:
    attacker, victim = door.caller(), door.caller()
    there = attacker.get("/login/provider")
    back = attacker.get(there.headers["location"]).headers["location"]
    victim.get("/login/provider")

    answers = [victim.get(back), door.caller().get(back)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "session" not in victim.cookies


def test_a_way_back_is_taken_once_and_not_after_ten_minutes(door: Guarded) -> None:
    caller, late = door.caller(), door.caller()
    back = [
        each.get(each.get("/login/provider").headers["location"]).headers["location"]
        for each in (caller, late)
    ]
    state = caller.cookies["login"]
    first = caller.get(back[0])
    caller.cookies.set("login", state, domain="127.0.0.1", path="/")
    again = caller.get(back[0])
    with time_machine.travel(utc_now() + timedelta(minutes=11)):
        after = late.get(back[1])

    assert [first.status_code, again.status_code, after.status_code] == [303, 403, 403]


def test_a_stolen_code_without_its_verifier_is_worth_nothing(door: Guarded, there: Provider) -> None:
    caller = door.caller()
    victim = door.caller()
    stolen = victim.get(victim.get("/login/provider").headers["location"]).headers["location"]
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    mine = caller.get(caller.get("/login/provider").headers["location"]).headers["location"]
    state = parse_qs(urlsplit(mine).query)["state"][0]

    answer = caller.get(DONE, params={"code": code, "state": state})

    assert answer.status_code == 403
    assert len(there.authorizations) == 2


def test_nobody_is_led_elsewhere_after_a_login_there(door: Guarded) -> None:
    assert go(door.caller(), "//evil.example/").headers["location"] == "/"


def test_a_provider_that_calls_itself_otherwise_is_refused(door: Guarded, there: Provider) -> None:
    there.shown_issuer = "https://another.example"

    answer = door.caller().get("/login/provider")

    assert answer.status_code == 400
    assert "calls itself https://another.example" in answer.text


def test_no_password_opens_where_only_a_provider_does(door: Guarded) -> None:
    answer = door.caller().post("/login", data={"name": "otto", "password": "x"})

    assert answer.status_code == 404


def test_a_provider_that_is_away_keeps_nobody_in_the_dark(there: Provider, tmp_path: Path) -> None:
    with _door(there, tmp_path, issuer="http://127.0.0.1:9") as door:
        answer = door.caller().get("/login/provider")

    assert answer.status_code == 503
    assert "cannot be asked who you are" in answer.text

"""Logging in with a password, and everything that somebody may try who must not come in."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
import time_machine
from playwright.sync_api import Page
from typer.testing import CliRunner

from connector.cli.app import app
from connector.cli.serving_console import serve_console
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.console.access.login import OF_ADDRESS
from connector.errors import ConfigError
from tests.console.access import PASSWORD, Guarded, guarded, guesses, write_people
from tests.console.test_accessibility import violations

FOREIGN = "https://evil.example"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """For tests that count no tries."""
    with guarded(tmp_path_factory.mktemp("door"), proxies=1) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/documents", "/documents/1/original", "/audit", "/nothing/here"])
def test_no_page_is_shown_to_who_has_not_logged_in(door: Guarded, path: str) -> None:
    answer = door.caller().get(path, params={"q": "a b"})

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next={path.replace('/', '%2F')}%3Fq%3Da%2Bb"


@pytest.mark.xdist_group("browser")
def test_the_login_page_has_no_serious_violation(door: Guarded, page: Page) -> None:
    page.goto(f"{door.url}/login")

    assert violations(page) == []


def test_a_page_that_renews_itself_is_led_to_the_login_by_its_script(door: Guarded) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{door.url}/documents?state=dead"}

    answer = door.caller().get("/overview/live", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=%2Fdocuments%3Fstate%3Ddead"


def test_who_has_the_password_comes_in_where_they_wanted_to_go(door: Guarded) -> None:
    caller = door.caller()

    answer = caller.log_in("otto", wanted="/?x=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/?x=1")
    page = caller.get("/").text
    assert "otto" in page
    assert "operator" in page


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\nSet-Cookie: x=y",
        "https:/evil.example",
        "evil.example",
        "javascript:alert(1)",
        " //evil.example",
        "/" + "a" * 5000,
        "/\u202eevil",
        "",
    ],
)
def test_nobody_is_led_elsewhere_after_a_login(door: Guarded, wanted: str) -> None:
    answer = door.caller().log_in("otto", wanted=wanted)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_session_has_a_new_secret_after_each_login_and_the_old_one_is_worth_nothing(door: Guarded) -> None:
    planted = door.caller()
    planted.cookies.set("session", "planted-by-somebody-else", domain="127.0.0.1", path="/")
    planted.log_in("otto")
    first = planted.cookies["session"]
    form = {"form_token": planted.token("/"), "name": "x"}
    thief = door.caller(cookies={"session": first})
    assert thief.get("/").status_code == 200

    planted.post("/logout", data=form)
    planted.log_in("otto")

    assert first != "planted-by-somebody-else"
    assert planted.cookies["session"] not in {first, "planted-by-somebody-else"}
    assert thief.get("/").status_code == 303
    assert door.caller(cookies={"session": "planted-by-somebody-else"}).get("/").status_code == 303


def test_a_login_in_a_browser_that_was_logged_in_ends_the_session_before(door: Guarded) -> None:
    caller = door.caller()
    token = caller.token("/login")
    caller.log_in("otto")
    before, door_cookie = caller.cookies["session"], caller.cookies.get("login")
    assert door_cookie is None

    caller.cookies.delete("session")
    token = caller.token("/login")
    form = {"form_token": token, "name": "ada", "password": PASSWORD, "next": "/"}
    caller.post("/login", data=form, headers={"cookie": f"session={before}; login={caller.cookies['login']}"})

    assert door.caller(cookies={"session": before}).get("/").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": FOREIGN},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"referer": f"{FOREIGN}/form"},
    ],
)
def test_a_form_of_another_site_does_nothing_even_with_the_right_token(
    door: Guarded, headers: dict[str, str]
) -> None:
    caller = door.caller()
    caller.log_in("otto")
    form = {"form_token": caller.token("/")}

    answer = caller.post("/logout", data=form, headers=headers)

    assert answer.status_code == 403
    assert caller.get("/").status_code == 200


@pytest.mark.parametrize("token", [None, "", "guessed", "0" * 64, "ä"])
def test_a_form_without_the_token_of_its_session_does_nothing(door: Guarded, token: str | None) -> None:
    caller = door.caller()
    caller.log_in("otto")

    answer = caller.post("/logout", data={"form_token": token} if token is not None else {})

    assert answer.status_code == 403
    assert caller.get("/").status_code == 200


def test_the_token_of_one_person_is_worth_nothing_in_the_session_of_another(door: Guarded) -> None:
    attacker, victim = door.caller(), door.caller()
    attacker.log_in("vera")
    victim.log_in("ada")

    answer = victim.post("/logout", data={"form_token": attacker.token("/")})

    assert answer.status_code == 403


def test_nobody_is_logged_in_as_somebody_else_by_a_form_of_another_site(door: Guarded) -> None:
    victim = door.caller()
    form = {"form_token": door.caller().token("/login"), "name": "vera", "password": PASSWORD}

    answer = victim.post("/login", data=form)

    assert answer.status_code == 403
    assert "session" not in victim.cookies


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_need_the_token_too(door: Guarded, method: str) -> None:
    caller = door.caller()
    caller.log_in("otto")

    assert caller.request(method, "/").status_code in {403, 405}


def test_a_form_that_never_ends_is_cut_off(door: Guarded) -> None:
    caller = door.caller()
    caller.log_in("otto")

    answer = caller.post("/logout", content=b"form_token=" + b"x" * (3 * 1024 * 1024))

    assert answer.status_code == 413


def test_answers_name_a_policy_that_runs_nothing_from_a_page_and_are_not_kept(door: Guarded) -> None:
    headers = door.caller().get("/login").headers

    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(door: Guarded) -> None:
    caller = door.caller()

    cookie = caller.log_in("otto").headers.get_list("set-cookie")[-1]

    assert cookie.startswith("session=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


def test_behind_tls_cookies_never_travel_in_the_clear_and_browsers_are_told_so(tmp_path: Path) -> None:
    with guarded(tmp_path, public_url="https://console.acme.example") as door:
        answer = door.caller().get("/login")

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-login=")
    assert "Secure" in cookie.split("; ")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_guesses_are_refused_after_the_fifth_however_many_come_at_once(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        statuses = guesses(door, "otto", at_once=8, each=20)
        late = door.caller().log_in("otto")
        acts = door.acts()

    assert statuses == {401: 5, 429: 155}
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 900
    assert acts == [("login refused", "otto")] * 5


def test_a_person_who_waits_comes_in_again_and_another_address_may_try_meanwhile(tmp_path: Path) -> None:
    with guarded(tmp_path, proxies=1) as door:
        guesser = door.caller(headers={"x-forwarded-for": "203.0.113.9"})
        for _ in range(6):
            refused = guesser.log_in("otto", "a wrong password")
        owner = door.caller(headers={"x-forwarded-for": "203.0.113.9, 198.51.100.7"})
        came_in = owner.log_in("otto")
        with time_machine.travel(utc_now() + timedelta(minutes=16)):
            later = guesser.log_in("otto")

    assert refused.status_code == 429
    assert came_in.status_code == 303
    assert later.status_code == 303


def test_one_address_does_not_get_through_a_list_of_names(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        door.use_up("address 127.0.0.1", OF_ADDRESS - 1)
        statuses = [door.caller().log_in(name, "wrong").status_code for name in ("otto", "vera", "ada")]

    assert statuses == [401, 429, 429]


def test_what_is_typed_instead_of_a_name_is_not_on_record(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        door.caller().log_in("my-secret-password", "x")
        acts = door.acts()

    assert acts == [("login refused", "somebody unknown")]


def test_logins_and_logouts_are_on_record(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        caller = door.caller()
        caller.log_in("vera")
        caller.post("/logout", data={"form_token": caller.token("/")})
        acts = door.acts()

    assert acts == [("login", "vera"), ("logout", "vera")]


def test_a_session_ends_when_nobody_uses_it_and_when_its_day_is_over(tmp_path: Path) -> None:
    now = utc_now()
    with guarded(tmp_path, idle="30m", lasts="2h") as door:
        idle, busy, renewing = door.caller(), door.caller(), door.caller()
        for caller in (idle, busy, renewing):
            caller.log_in("vera")
        statuses: dict[str, list[int]] = {"busy": [], "renewing": []}
        for minutes in (20, 40, 60, 80, 100, 119, 121):
            with time_machine.travel(now + timedelta(minutes=minutes)):
                statuses["busy"].append(busy.get("/").status_code)
                live = renewing.get("/overview/live", headers={"HX-Request": "true"})
                statuses["renewing"].append(live.status_code)
        with time_machine.travel(now + timedelta(minutes=31)):
            left = idle.get("/").status_code

    assert statuses["busy"] == [200] * 6 + [303]
    assert statuses["renewing"] == [200] + [401] * 6  # a page that renews itself is no sign of a person
    assert left == 303


def test_who_is_taken_out_of_the_file_or_gets_another_password_is_out_at_once(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        gone, changed, kept = door.caller(), door.caller(), door.caller()
        for caller, name in ((gone, "otto"), (changed, "vera"), (kept, "ada")):
            caller.log_in(name)
        people = tmp_path / "people"
        lines = people.read_text(encoding="utf-8").splitlines(keepends=True)
        write_people(people, "vera:viewer")
        people.write_text(people.read_text(encoding="utf-8") + lines[2], encoding="utf-8")
        statuses = [caller.get("/").status_code for caller in (gone, changed, kept)]

    assert statuses == [303, 303, 200]


def test_a_name_of_this_machine_is_needed_where_nobody_logs_in(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        pass
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").partition("web:")[0], encoding="utf-8")
    with serve_console(open_session(config), port=0) as url, door.caller() as caller:
        rebound = caller.get(url, headers={"host": "evil.example"})
        forged = caller.post(f"{url}/logout", data={})
        mine = caller.get(url)

    assert rebound.status_code == 421
    assert forged.status_code == 403
    assert mine.status_code == 200


def test_a_person_is_added_and_changed_by_a_command_that_reads_the_password(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        arguments = ["console", "password", "pia", "--config", str(tmp_path / "config.yaml")]
        added = CliRunner().invoke(app, [*arguments, "--role", "admin"], input=f"{PASSWORD} two\n")
        changed = CliRunner().invoke(app, arguments, input=f"{PASSWORD} three\n")
        structlog.reset_defaults()  # the commands' output is closed
        caller = door.caller()
        statuses = [caller.log_in("pia", f"{PASSWORD} {word}").status_code for word in ("two", "three")]
        page = caller.get("/").text
        removed = CliRunner().invoke(app, [*arguments, "--remove"])
        after = caller.get("/").status_code

    assert added.output == "pia is added, as admin.\n"
    assert changed.output == "pia has a new password, as admin.\n"
    assert statuses == [401, 303]
    assert "admin" in page
    assert removed.output == "pia is taken out.\n"
    assert after == 303


def test_the_console_refuses_to_start_where_strangers_would_see_it(tmp_path: Path) -> None:
    with guarded(tmp_path):
        pass
    config = tmp_path / "config.yaml"
    text = config.read_text(encoding="utf-8").partition("web:")[0]
    config.write_text(f"{text}web: {{host: 0.0.0.0, port: 0}}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"whoever reaches 0\.0\.0\.0 would see the console"):
        CliRunner().invoke(app, ["console", "--config", str(config)], catch_exceptions=False)

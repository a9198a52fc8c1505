"""Where requests come from, the file of passwords, and settings that let nobody or everybody in."""

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from connector.console.access.passwords import PasswordFile, read_people, remove_person, write_person
from connector.console.access.places import address_of
from connector.console.person import Role
from connector.errors import ConfigError
from connector.web_settings import AccessSettings, WebSettings

PASSWORD = "correct horse battery"
OIDC = {"issuer": "https://login.example", "client_id": "c", "roles": {"it": "admin"}}


def request(peer: str, forwarded: str | None = None) -> Request:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("10.0.0.1", None, 0, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", 0, "10.0.0.1"),  # anybody can write the header
        ("10.0.0.1", "203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9", 2, "10.0.0.1"),
        ("10.0.0.1", "nonsense", 1, "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, 0, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", None, 0, "203.0.113.9"),
    ],
)
def test_an_address_is_what_the_last_trusted_proxy_saw(
    peer: str, forwarded: str | None, proxies: int, address: str
) -> None:
    assert address_of(request(peer, forwarded), proxies) == address


def test_a_password_is_known_by_its_hash_only_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "people"

    assert write_person(path, "ana", Role.OPERATOR, PASSWORD) is True
    assert write_person(path, "bo", Role.VIEWER, PASSWORD) is True
    assert write_person(path, "ana", Role.ADMIN, PASSWORD + "!") is False

    text = path.read_text(encoding="utf-8")
    assert PASSWORD not in text
    assert "$argon2id$" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    people = PasswordFile(path)
    assert people.verify("ana", PASSWORD) is None
    assert people.verify("nobody", PASSWORD) is None
    found = people.verify("ana", PASSWORD + "!")
    assert found is not None
    assert found.role is Role.ADMIN
    assert remove_person(path, "ana") is True
    assert remove_person(path, "ana") is False
    assert set(read_people(path)) == {"bo"}
    assert people.entry("ana") is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ana", "short"),
        ("a:b", PASSWORD),
        (" ana", PASSWORD),
        ("#ana", PASSWORD),
        ("a\nb", PASSWORD),
        ("", PASSWORD),
    ],
)
def test_names_and_passwords_that_cannot_be_are_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(ConfigError):
        write_person(tmp_path / "people", name, Role.VIEWER, password)


@pytest.mark.parametrize("line", ["ana", "ana:king:$argon2id$x", "ana:admin:plain", ":admin:$argon2id$x"])
def test_a_line_that_cannot_be_read_is_named_without_its_hash(tmp_path: Path, line: str) -> None:
    path = tmp_path / "people"
    path.write_text(f"# people\n{line}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="people:2: expected name:role:hash") as caught:
        read_people(path)
    assert "$argon2id$x" not in caught.value.message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"public_url": "https://c.example"}, "nobody could log in"),
        ({"public_url": "http://c.example", "passwords": "p"}, "expected https://host"),
        ({"public_url": "https://c.example/path", "passwords": "p"}, "expected https://host"),
        ({"public_url": "https://u@c.example", "passwords": "p"}, "expected https://host"),
        ({"public_url": "https://c.example", "oidc": {**OIDC, "issuer": "http://x"}}, "provider's address"),
        ({"public_url": "https://c.example", "oidc": {**OIDC, "scopes": ["email"]}}, "must hold openid"),
        ({"public_url": "https://c.example", "oidc": {**OIDC, "roles": {"it": "king"}}}, "operator"),
        ({"public_url": "https://c.example", "passwords": "p", "hide_from": ["king"]}, "operator"),
        ({"public_url": "https://c.example", "passwords": "p", "idle": "soon"}, "expected a duration"),
    ],
)
def test_settings_that_would_let_nobody_or_everybody_in_are_refused(values: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AccessSettings.model_validate(values)


@pytest.mark.parametrize(
    ("host", "access", "is_served"),
    [
        ("127.0.0.1", None, True),
        ("0.0.0.0", None, False),  # noqa: S104 what is refused
        ("0.0.0.0", {"public_url": "https://c.example", "passwords": "p"}, True),  # noqa: S104
    ],
)
def test_other_machines_reach_no_console_without_a_login(host: str, access: Any, is_served: bool) -> None:  # noqa: FBT001
    web = WebSettings.model_validate({"host": host, "access": access})

    assert web.lets_only_known is is_served

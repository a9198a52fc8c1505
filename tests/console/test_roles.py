"""What each role may do and see, asked of every path there is."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.routing import Route

from connector.clock import utc_now
from connector.console.pages.registry import PAGES
from connector.ledger.database import open_database
from connector.ledger.delivery import Headline, State
from connector.ledger.store import Store
from tests.console.access import Caller, Guarded, guarded
from tests.factories import make_failure, make_found

SECRETS = ("SECRET-17", "Secret GmbH", "4711.42", "4711", "SECRET-REASON")
_SNAPSHOT = (
    b'{"id": "dddddddddddddddddddddddd", "type": "invoice", "fields": {"InvoiceId": {"value": "SECRET-17"}}}'
)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A console on a ledger with one dead letter, that hides contents from viewers."""
    folder = tmp_path_factory.mktemp("roles")
    with guarded(folder, hide_from=["viewer"]) as running:
        database = open_database(f"sqlite:///{folder / 'ledger.db'}")
        store = Store(database, clock=utc_now)
        headline = Headline(
            number="SECRET-17", party="Secret GmbH", amount=Decimal("4711.42"), currency="EUR"
        )
        store.record_listing("invoices", [make_found("d" * 24, headline=headline, snapshot=_SNAPSHOT)], None)
        [claim] = store.claim("invoices", State.PENDING, limit=1, owner="o", lease=timedelta(minutes=1))
        with store.outcomes() as outcomes:
            outcomes.dead(claim, make_failure(reason="SECRET-REASON 4711.42"))
        database.close()
        yield running


@pytest.fixture(scope="module")
def viewer(door: Guarded) -> Caller:
    caller = door.caller()
    caller.log_in("vera")
    return caller


def paths(method: str) -> list[str]:
    """Give every path of a method that pages have, with 1 for each part that varies."""
    bare: Any = SimpleNamespace(database=None, store=None, config=None, describe=None, clock=None)
    routes = [route for page in PAGES for route in page.routes(bare)]
    return [
        re.sub(r"\{[^}]*\}", "1", route.path)
        for route in routes
        if isinstance(route, Route) and method in (route.methods or ())
    ]


@pytest.mark.parametrize("path", paths("POST"))
def test_a_viewer_acts_nowhere(viewer: Caller, path: str) -> None:
    form = {"form_token": viewer.token("/"), "reason": "because", "pipeline": "invoices", "ids": "1"}

    answer = viewer.post(path, data=form)

    assert answer.status_code == 403
    assert "needs the role" in answer.text or "hidden from your role" in answer.text


@pytest.mark.parametrize("path", paths("GET"))
def test_contents_that_are_hidden_from_a_role_are_on_no_page(viewer: Caller, path: str) -> None:
    answer = viewer.get(path)

    assert answer.status_code < 500 or "live" not in path
    assert [secret for secret in SECRETS if secret in answer.text] == []


def test_an_operator_sees_what_is_hidden_from_a_viewer(door: Guarded) -> None:
    caller = door.caller()
    caller.log_in("otto")

    assert "SECRET-17" in caller.get("/documents").text
    assert "SECRET-17" in caller.get("/documents.csv").text


@pytest.mark.parametrize(
    "part",
    [
        "../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "..\\..\\etc\\passwd",
        "1%00",
    ],
)
@pytest.mark.parametrize("start", ["/static/", "/documents/", "/documents/1/original/"])
def test_no_path_leads_out_of_the_console(viewer: Caller, start: str, part: str) -> None:
    answer = viewer.get(f"{start}{part}")

    assert answer.status_code in {400, 403, 404, 405}
    assert "root:" not in answer.text

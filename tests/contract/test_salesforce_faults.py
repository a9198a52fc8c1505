"""What goes wrong with a call ends in the class that docs/salesforce.md says, and doubles nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    UnexpectedResponseError,
)
from connector.record import Receipt, Record
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import SalesforceSandbox, faults
from connector.sandbox.salesforce.options import Options
from tests.contract.job_book import MemoryBook
from tests.contract.salesforce_org import connected, invoice

SMALL = ("a", "b")
LARGE = tuple(f"r{at}" for at in range(505))
MARKED = {"completion_field": "PO_Number__c"}
WAYS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "graph": ({}, SMALL),
    "collection_upsert": (MARKED, LARGE),
    "bulk_info": ({**MARKED, "bulk_from": 1}, SMALL),
}
"""The operation that goes wrong, and how records get to use it."""

SEVERAL = faults.not_unique("/services/data/v66.0/sobjects/Invoice__c/a01")
CASES: list[tuple[str, Fault, type[ConnectorError]]] = [
    ("graph", faults.SESSION_EXPIRED, AccessRefusedError),
    ("graph", faults.SESSION_NOT_FOR_REST, AccessRefusedError),
    ("graph", faults.REDIRECTED, UnexpectedResponseError),
    ("graph", SEVERAL, UnexpectedResponseError),
    ("graph", faults.MAINTENANCE, OutcomeUnknownError),
    ("graph", faults.CUT_SHORT, OutcomeUnknownError),
    ("graph", faults.ANSWER_WITHOUT_ID, OutcomeUnknownError),
    ("collection_upsert", faults.SESSION_EXPIRED, AccessRefusedError),
    ("collection_upsert", faults.REDIRECTED, UnexpectedResponseError),
    ("collection_upsert", SEVERAL, UnexpectedResponseError),
    ("collection_upsert", faults.MAINTENANCE, OutcomeUnknownError),
    ("collection_upsert", faults.CUT_SHORT, OutcomeUnknownError),
    ("bulk_info", faults.SESSION_EXPIRED, AccessRefusedError),
    # A job goes on whatever its looks meet: nobody knows what it has written.
    ("bulk_info", faults.REDIRECTED, OutcomeUnknownError),
    ("bulk_info", faults.MAINTENANCE, OutcomeUnknownError),
    ("bulk_info", faults.CUT_SHORT, OutcomeUnknownError),
]


def outcome_of(adapter: SalesforceAdapter, record: Record, book: MemoryBook) -> Receipt | ConnectorError:
    try:
        [outcome] = adapter.load([record], book)
    except ConnectorError as error:
        return error
    return outcome


def assert_held_once(org: SalesforceSandbox, lines: int) -> None:
    [header] = org.rows("Invoice__c")
    assert len({row["Docflo_Key__c"] for row in org.rows("Invoice_Line__c")}) == lines
    assert len(org.rows("Invoice_Line__c")) == lines
    assert header.get("PO_Number__c") in {None, "complete"}


@pytest.mark.parametrize(("operation", "fault", "error"), CASES)
def test_a_call_that_fails_for_ever_has_its_class_and_what_comes_after_doubles_nothing(
    operation: str, fault: Fault, error: type[ConnectorError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    settings, names = WAYS[operation]
    org, book = SalesforceSandbox(options=Options(bulk_delay=0.0)), MemoryBook()
    with connected(org, **settings) as adapter:
        org.faults.add(replace(fault, operation=operation, times=None))
        failed = outcome_of(adapter, invoice("k", *names), book)
        logins = org.logins
        org.faults.clear()
        second = outcome_of(adapter, invoice("k", *names), book)

    assert type(failed) is error
    assert logins == (2 if fault is faults.SESSION_EXPIRED else 1)
    assert isinstance(second, Receipt)
    assert_held_once(org, len(names))


def test_a_body_that_drips_is_given_up_in_doubt_and_was_committed() -> None:
    org, book = SalesforceSandbox(), MemoryBook()
    with connected(org, deadline=2) as adapter:
        adapter.check([])
        org.faults.add(replace(faults.SLOW_BODY, operation="graph", seconds=0.2))
        failed = outcome_of(adapter, invoice("k", *SMALL), book)

    assert type(failed) is OutcomeUnknownError
    assert_held_once(org, len(SMALL))


def test_eight_threads_that_meet_one_expiry_cost_one_login_and_repeat_each_call_once() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        adapter.deliver([invoice("warm", "a")])
        org.revoke_tokens()
        org.journal.forget()
        with ThreadPoolExecutor(8) as pool:
            outcomes = [
                outcome
                for [outcome] in pool.map(adapter.deliver, ([invoice(f"k{at}", "a")] for at in range(8)))
            ]
        asked = [each.operation for each in org.journal.requests]

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert asked.count("token") == 1
    assert asked.count("graph") == 8
    assert len(org.rows("Invoice__c")) == 9


def test_a_jwt_of_the_right_key_logs_in_and_one_of_another_key_is_refused(tmp_path: Path) -> None:
    key, other = (rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    org = SalesforceSandbox(jwt_users={"sandbox-consumer": (public, {"robot@example.com"})})
    outcomes = []
    for at, private in enumerate((key, other)):
        file = tmp_path / f"{at}.pem"
        file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        login = {
            "consumer_secret": None,
            "private_key": f"${{file:{file}}}",
            "username": "robot@example.com",
        }
        with connected(org, **login) as adapter:
            outcomes.append(outcome_of(adapter, invoice("k", *SMALL), MemoryBook()))

    assert [type(outcome) for outcome in outcomes] == [Receipt, AccessRefusedError]
    assert_held_once(org, len(SMALL))

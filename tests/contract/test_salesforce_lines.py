"""Lines over the sandbox: which are removed, which are left alone, and what it all costs in requests."""

from decimal import Decimal

import pytest
from msgspec import structs

from connector.errors import RejectedError
from connector.record import Receipt
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import SalesforceSandbox
from tests.contract.salesforce_org import connected, invoice
from tests.factories import make_line


@pytest.fixture
def org() -> SalesforceSandbox:
    return SalesforceSandbox()


def keys(org: SalesforceSandbox) -> list[str | None]:
    return [row["Docflo_Key__c"] for row in org.rows("Invoice_Line__c")]


def test_a_line_that_the_document_no_longer_has_is_removed(org: SalesforceSandbox) -> None:
    with connected(org) as adapter:
        adapter.deliver([invoice("k", "a", "b", "c"), invoice("l", "a")])
        outcomes = adapter.deliver([invoice("k", "a", "d"), invoice("l", "a")])

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert sorted(map(str, keys(org))) == ["k:a", "k:d", "l:a"]


def test_lines_of_others_stay(org: SalesforceSandbox) -> None:
    with connected(org) as adapter:
        [receipt] = adapter.deliver([invoice("k", "a")])
        assert isinstance(receipt, Receipt)
        for key in (None, "added by hand", "k", "kk:a"):
            org.insert("Invoice_Line__c", {"Docflo_Key__c": key, "Invoice__c": receipt.id})
        adapter.deliver([invoice("k", "b")])

    assert sorted(map(str, keys(org))) == ["None", "added by hand", "k", "k:b", "kk:a"]


@pytest.mark.parametrize(("policy", "left"), [("refuse", 2), ("keep", 2), ("remove", 0)])
def test_a_document_without_lines_follows_the_policy(org: SalesforceSandbox, policy: str, left: int) -> None:
    with connected(org, empty_lines=policy) as adapter:
        adapter.deliver([invoice("k", "a", "b")])
        [outcome] = adapter.deliver([invoice("k")])

    assert isinstance(outcome, RejectedError if policy == "refuse" else Receipt)
    assert len(keys(org)) == left


def test_a_removal_and_the_rest_of_its_document_are_one_transaction(org: SalesforceSandbox) -> None:
    bad = make_line("k:c", fields={"No_Such_Field__c": "x"})
    with connected(org) as adapter:
        adapter.deliver([invoice("k", "a", "b")])
        adapter.deliver([structs.replace(invoice("k", "a"), lines=(*invoice("k", "a").lines, bad))])

    assert keys(org) == ["k:a", "k:b"]


def test_a_lost_answer_to_a_removal_leaves_the_lines_of_the_document(org: SalesforceSandbox) -> None:
    with connected(org) as adapter:
        adapter.deliver([invoice("k", "a", "b")])
        org.faults.add(Fault(kind="drop_after", operation="graph"))
        with pytest.raises(Exception, match="may have taken"):
            adapter.deliver([invoice("k", "a", "c")])
        [outcome] = adapter.deliver([invoice("k", "a", "c")])

    assert isinstance(outcome, Receipt)
    assert sorted(map(str, keys(org))) == ["k:a", "k:c"]


@pytest.mark.parametrize("key", ["a/b", "a?b=1&c", "50%", "%2F", "a b", "O'Brien\\", "מס-17", "a..b", "a_b"])
def test_stale_lines_are_found_whatever_the_key(org: SalesforceSandbox, key: str) -> None:
    with connected(org) as adapter:
        adapter.deliver([invoice(key, "x", "y")])
        adapter.deliver([invoice(key, "y")])

    assert keys(org) == [f"{key}:y"]


def test_lines_that_did_not_change_are_not_written_again(org: SalesforceSandbox) -> None:
    with connected(org) as adapter:
        adapter.deliver([invoice("k", "a", "b")])
        org.journal.forget()
        adapter.deliver([invoice("k", "a", "b")])

    assert [effect.subject.partition("/")[0] for effect in org.journal.effects] == ["Invoice__c"]


@pytest.mark.timeout(240)
def test_a_thousand_documents_of_ten_lines_cost_at_most_sixty_requests(org: SalesforceSandbox) -> None:
    names = [str(at) for at in range(10)]
    documents = [f"tenant-1:invoices-to-crm:65f0c0ffee{at:014d}" for at in range(1_000)]
    with connected(org) as adapter:
        costs = []
        for amount in ("1.10", "2.20"):
            org.journal.forget()
            for at in range(0, len(documents), adapter.batch_size):
                batch = documents[at : at + adapter.batch_size]
                outcomes = adapter.deliver([invoice(key, *names, amount=amount) for key in batch])
                assert all(isinstance(outcome, Receipt) for outcome in outcomes)
            costs.append(len(org.journal.requests))

    first, again = costs
    assert first <= 60
    assert again <= 60
    assert {row["Amount__c"] for row in org.rows("Invoice_Line__c")} == {Decimal("2.20")}
    assert len(org.rows("Invoice_Line__c")) == 10_000

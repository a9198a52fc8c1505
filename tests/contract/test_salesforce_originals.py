"""Original files over the sandbox: one file beside its record, whatever answer is lost."""

import io
from contextlib import suppress

import pytest

from connector.adapters.base import OriginalFile, OriginalLink, Severity
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.errors import ConfigError, ConnectorError, OutcomeUnknownError, RejectedError, ThrottledError
from connector.record import Receipt
from connector.sandbox.faults import Fault, Kind
from connector.sandbox.salesforce import SalesforceSandbox, faults
from tests.contract.salesforce_org import connected, invoice

VERSIONS = "/sobjects/ContentVersion"
PDF = b"%PDF-1.7\x00\xff\r\n--\r\n"


def file_of(contents: bytes = PDF, *, key: str = "t:d:1", name: str = 'חשבונית "17" #1.pdf') -> OriginalFile:
    return OriginalFile(
        key=key,
        name=name,
        content_type="application/pdf",
        contents=io.BytesIO(contents),
        size=len(contents),
    )


def record_in(adapter: SalesforceAdapter, key: str = "k") -> str:
    [receipt] = adapter.deliver([invoice(key)])
    assert isinstance(receipt, Receipt)
    return receipt.id


def carry(adapter: SalesforceAdapter, original: OriginalFile | OriginalLink, record: str) -> str:
    """Ask first, then send, as a pipeline does."""
    return adapter.show_original(original.key, record) or adapter.add_original(original, record)


def links(org: SalesforceSandbox) -> list[tuple[str, str]]:
    return [(row["ContentDocumentId"], row["LinkedEntityId"]) for row in org.rows("ContentDocumentLink")]


def test_a_file_is_there_once_with_its_name_and_contents_beside_its_record() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        record = record_in(adapter)
        ids = {carry(adapter, file_of(), record) for _ in range(3)}

    [version] = org.rows("ContentVersion")
    assert version["VersionData"] == PDF
    assert (version["PathOnClient"], version["Title"]) == ('חשבונית "17" #1.pdf', 'חשבונית "17" #1')
    assert links(org) == [(version["ContentDocumentId"], record)]
    assert ids == {version["Id"]}


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "truncate"])
@pytest.mark.parametrize("at", range(4))
def test_any_lost_answer_leaves_one_file_beside_its_record(kind: Kind, at: int) -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        record = record_in(adapter)
        org.faults.add(Fault(kind=kind, after=at, path="/services/data"))
        for _ in range(3):
            with suppress(ConnectorError):
                carry(adapter, file_of(), record)

    assert [row["VersionData"] for row in org.rows("ContentVersion")] == [PDF]
    assert [entity for _, entity in links(org)] == [record]


def test_an_upload_without_an_answer_leaves_a_doubt() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        record = record_in(adapter)
        for fault in (faults.RESET_AFTER_COMMIT, faults.ANSWER_WITHOUT_ID, faults.SERVER_ERROR):
            org.faults.add(faults.on_match(fault, path=VERSIONS, method="POST"))
            with pytest.raises(OutcomeUnknownError):
                adapter.add_original(file_of(key=fault.kind), record)


def test_one_who_did_not_ask_first_gets_the_file_that_is_there() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        record = record_in(adapter)
        first = adapter.add_original(file_of(), record)
        again = adapter.add_original(file_of(), record)

    assert first == again
    assert len(org.rows("ContentVersion")) == 1
    assert len(links(org)) == 1


def test_another_record_of_the_same_document_shows_the_same_file() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        records = [record_in(adapter, "k1"), record_in(adapter, "k2")]
        for record in records:
            carry(adapter, file_of(), record)

    assert len(org.rows("ContentVersion")) == 1
    assert [entity for _, entity in links(org)] == records


def test_a_key_that_differs_in_case_only_is_another_file() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter:
        record = record_in(adapter)
        carry(adapter, file_of(key="t:d:AB"), record)

        assert adapter.show_original("t:d:ab", record) is None


def test_a_session_that_ends_during_an_upload_sends_the_whole_file_again() -> None:
    org = SalesforceSandbox()
    contents = b"abc" * 100_000
    with connected(org) as adapter:
        record = record_in(adapter)
        org.faults.add(faults.on_match(faults.SESSION_EXPIRED, path=VERSIONS, method="POST"))
        adapter.add_original(file_of(contents), record)

    [version] = org.rows("ContentVersion")
    assert version["VersionData"] == contents


def test_a_link_is_shown_like_a_file() -> None:
    org = SalesforceSandbox()
    link = OriginalLink(key="t:d:link", name="R-17", url="https://docs.acme.example/d?x=1&y=%2F")
    with connected(org) as adapter:
        record = record_in(adapter)
        ids = {carry(adapter, link, record) for _ in range(2)}

    [version] = org.rows("ContentVersion")
    assert (version["Title"], version["ContentUrl"], version["VersionData"]) == ("R-17", link.url, None)
    assert [entity for _, entity in links(org)] == [record]
    assert ids == {version["Id"]}


def test_a_record_that_is_gone_refuses_its_file() -> None:
    org = SalesforceSandbox()
    with connected(org) as adapter, pytest.raises(RejectedError):
        adapter.add_original(file_of(), "a0A000000000001AAA")

    assert org.rows("ContentVersion") == ()


def test_a_key_field_that_the_org_lacks_blames_no_file_and_check_names_it() -> None:
    org = SalesforceSandbox()
    with connected(org, file_key_field="Nobody_Made_It__c") as adapter:
        with pytest.raises(ConfigError, match="Nobody_Made_It__c"):
            adapter.show_original("t:d:1", record_in(adapter))
        [finding] = adapter.check_originals()

    assert (finding.severity, finding.subject) == (Severity.ERROR, "ContentVersion.Nobody_Made_It__c")


def test_a_key_field_that_is_not_unique_is_named_by_check() -> None:
    with connected(SalesforceSandbox(), file_key_field="Title") as adapter:
        [finding] = adapter.check_originals()

    assert "not External ID and Unique" in finding.message


def test_check_has_nothing_to_say_against_an_org_with_the_field() -> None:
    with connected(SalesforceSandbox()) as adapter:
        assert [finding.severity for finding in adapter.check_originals()] == [Severity.OK]


def test_files_wait_when_our_share_of_the_calls_is_spent() -> None:
    org = SalesforceSandbox()
    with connected(org, api_share=0.00001, api_reserve=0) as adapter:
        record = record_in(adapter)  # whose answers tell how many calls are used

        with pytest.raises(ThrottledError):
            adapter.add_original(file_of(), record)

    assert org.rows("ContentVersion") == ()

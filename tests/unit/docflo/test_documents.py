from datetime import UTC, datetime

import pytest

from connector.docflo.wire import (
    read_analysis,
    read_asked_document,
    read_document,
    read_info,
    read_page,
    read_stored,
    read_upload,
)
from connector.document import plain, plain_fields
from connector.errors import UnexpectedResponseError
from tests.unit.docflo.reach import DOCUMENT, sample, sample_names

CREATED = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
READABLE = [
    *sample_names("document", "fields-*"),
    *sample_names("document", "under-*"),
    *sample_names("document", "bare"),
    *sample_names("document", "array-of-one"),
    *sample_names("document", "info-apart"),
    *sample_names("document", "request-id-outside"),
    *sample_names("document", "subdocument-with-id-inside"),
]


@pytest.mark.parametrize(
    "name",
    [
        *sample_names("list", "under-*"),
        *sample_names("list", "bare-array"),
        *sample_names("list", "nested-*"),
        *sample_names("list", "rows-wrapped"),
    ],
)
def test_every_list_envelope_gives_the_same_documents(name: str) -> None:
    page = read_page(sample(name))

    assert [(document.id, document.type, document.status) for document in page.documents] == [
        ("68be0000000000000000d001", "invoice", "APPROVED"),
        ("68be0000000000000000d002", "receipt", "PROCESSING"),
    ]
    assert {document.created_on for document in page.documents} == {CREATED}
    assert not any(document.has_fields for document in page.documents)


@pytest.mark.parametrize(
    "name", [*sample_names("list", "total-as-*"), "list/nested-data-documents-total.json"]
)
def test_every_name_of_a_total_is_read(name: str) -> None:
    assert read_page(sample(name)).total == 41


def test_a_list_without_total_has_none() -> None:
    assert read_page(sample("list/bare-array.json")).total is None


def test_an_empty_list_is_no_documents() -> None:
    assert read_page(sample("list/empty.json")).documents == ()


@pytest.mark.parametrize("name", sample_names("list/no-list"))
def test_an_answer_without_a_list_of_documents_is_never_read_as_no_documents(name: str) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_page(sample(name))


def test_a_row_that_is_no_json_or_too_deep_hides_no_other() -> None:
    deep = b"[" * 200 + b"]" * 200
    page = read_page(
        b'{"documents": [{"_id": "a"}, {"_id": "b", "x": %b}, {"_id": 1E%b}, {"_id": "d"}]}'
        % (deep, b"9" * 25)
    )

    assert [document.id for document in page.documents] == ["a", "d"]
    assert [place for place, _ in page.unreadable] == [1, 2]


def test_a_page_that_is_cut_off_is_refused_as_a_whole() -> None:
    with pytest.raises(UnexpectedResponseError, match="cut off"):
        read_page(b'{"documents": [{"_id": "a"}, {"_id": "b"}')


def test_a_listed_document_is_kept_as_it_came() -> None:
    row = b'{ "_id": "a",\n "results": {"A": {"type": "number", "value": 1.50E0}} }'

    [document] = read_page(b' {"data": {"items": [ %b ]}, "total": 1}' % row).documents

    assert document.raw == row
    assert read_stored(document.raw) == document


def test_the_error_names_keys_and_types_and_never_values() -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        read_page(b'{"company": "Acme Ltd", "amount": 4711.5, "rows": null}')

    assert "company: text" in str(caught.value)
    assert "amount: number" in str(caught.value)
    assert "rows: null" in str(caught.value)
    assert "Acme" not in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><html></html>", b"\xef\xbb\xbf<html>", b"  <p>Sign in</p>"]
)
def test_html_instead_of_json_asks_whether_the_address_is_right(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match="HTML") as caught:
        read_page(body)

    assert "docflo.base_url" in caught.value.remedy


@pytest.mark.parametrize("name", READABLE)
def test_a_document_is_found_in_every_envelope_and_its_fields_wherever_they_live(name: str) -> None:
    document = read_document(sample(name))

    assert document.id == DOCUMENT
    assert (document.type, document.status, document.created_on) == ("invoice", "APPROVED", CREATED)
    assert plain(document.fields["InvoiceId"]) == "R-1"
    assert document.has_fields


@pytest.mark.parametrize("name", ["document/without-fields.json", "document/results-null.json"])
def test_a_document_whose_fields_were_left_out_says_so(name: str) -> None:
    document = read_document(sample(name))

    assert not document.has_fields
    assert document.fields == {}


def test_the_name_of_the_file_is_kept() -> None:
    assert read_document(sample("document/without-fields.json")).name == "scan.pdf"


def test_pages_of_one_document_are_put_together_with_the_rows_of_all() -> None:
    document = read_document(sample("document/parts-are-pages.json"))

    assert plain_fields(document) == {
        "InvoiceId": "R-1",
        "VendorName": "Acme",
        "Items": ({"_id": "row-1", "Description": "Paper"}, {"_id": "row-2", "Description": "Ink"}),
    }


def test_of_parts_that_contradict_each_other_only_the_first_counts() -> None:
    document = read_document(sample("document/parts-contradict.json"))

    assert plain_fields(document) == {
        "InvoiceId": "R-1",
        "Items": ({"_id": "row-1", "Description": "Paper"},),
    }


@pytest.mark.parametrize(
    ("id_json", "expected"),
    [
        ('"_id": "a", "id": "b", "documentId": "c"', "a"),
        ('"id": "b", "documentId": "c"', "b"),
        ('"documentId": "c"', "c"),
        ('"_id": {"$oid": "68be"}', "68be"),
        ('"id": 12345', "12345"),
        ('"_id": null, "id": "", "documentId": "c"', "c"),
    ],
)
def test_ids_are_opaque_and_read_in_one_order(id_json: str, expected: str) -> None:
    assert read_document(f'{{{id_json}, "fields": {{}}}}'.encode()).id == expected


@pytest.mark.parametrize(
    "created",
    [
        '"createdOn": "2026-03-01T08:30:00.000Z"',
        '"createdAt": "2026-03-01T08:30:00"',
        '"created": "2026-03-01T10:30:00+02:00"',
        '"creationDate": 1772353800',
        '"createdOn": 1772353800000',
        '"createdOn": {"$date": "2026-03-01T08:30:00Z"}',
        '"createdOn": null, "createdAt": "2026-03-01T08:30:00Z"',
    ],
)
def test_creation_times_are_read_under_every_name_and_in_every_form(created: str) -> None:
    assert read_document(f'{{"_id": "1", {created}}}'.encode()).created_on == CREATED


@pytest.mark.parametrize(
    "created", ['"yesterday"', "true", "1.5", "99999999999999999999", '"0001-01-01T00:00:00+14:00"', "{}"]
)
def test_a_creation_time_that_is_none_is_unknown(created: str) -> None:
    assert read_document(f'{{"_id": "1", "createdOn": {created}}}'.encode()).created_on is None


def test_an_unknown_status_and_type_are_kept_verbatim() -> None:
    document = read_document(b'{"_id": "1", "type": "bankStatement.us", "status": "Exported!"}')

    assert (document.type, document.status) == ("bankStatement.us", "Exported!")


@pytest.mark.parametrize("name", [*READABLE, *sample_names("document", "[pndw]*")])
def test_what_is_stored_of_a_document_reads_as_the_same_document(name: str) -> None:
    document = read_asked_document(sample(name), DOCUMENT)

    assert read_stored(document.raw) == document


def test_every_digit_survives_reading_and_storing() -> None:
    document = read_stored(read_document(sample("document/digits.json")).raw)

    digits = {name: str(value) for name, value in plain_fields(document).items() if name != "Total"}
    assert digits == {
        "Huge": "99999999999999999999999999.99",
        "Tiny": "1E-20",
        "Big": "1E+5",
        "Small": "1E-7",
        "Whole": "123456789012345678901234567890",
        "Negative": "-0.10",
    }
    assert str(plain(document.fields["Total"])["amount"]) == "12.50"  # type: ignore[index, call-overload]
    assert str(document.fields["Total"].confidence) == "0.90"


def test_text_survives_code_point_for_code_point() -> None:
    document = read_stored(read_document(sample("document/names.json")).raw)

    assert plain_fields(document) == {"VendorName": "חברה 😀 Café", "Note": "a\x00b\u2028c"}


def test_a_document_that_does_not_tell_its_id_is_the_one_that_was_asked_for() -> None:
    document = read_asked_document(sample("document/without-id.json"), DOCUMENT)

    assert document.id == DOCUMENT
    assert read_stored(document.raw) == document


def test_another_document_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="asked for document other"):
        read_asked_document(sample("document/bare.json"), "other")


def test_a_document_known_under_two_ids_may_be_asked_for_by_either() -> None:
    body = b'{"_id": "68be", "id": "12345", "fields": {}}'

    assert read_asked_document(body, "12345").id == read_asked_document(body, "68be").id == "68be"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"message": "hello"}', b"[]", b"5", b"", b'[{"_id": "1"}, {"_id": "2"}]']
)
def test_what_is_no_document_is_not_read_as_an_empty_one(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_asked_document(body, DOCUMENT)


@pytest.mark.parametrize("name", sample_names("info"))
def test_information_is_read_in_every_envelope(name: str) -> None:
    info = read_info(sample(name))

    assert (info.status, info.created_on) == ("APPROVED", CREATED)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("id-on-top", ["d-1"]),
        ("under-data", ["d-1"]),
        ("under-document", ["d-1"]),
        ("array", ["d-1", "d-2"]),
        ("nested-documents", ["d-1", "d-2"]),
        ("ids", ["d-1", "d-2"]),
        ("array-of-ids", ["d-1", "d-2"]),
        ("text", ["d-1"]),
        ("number", ["17"]),
        ("object-id", [DOCUMENT]),
        ("no-id", []),
    ],
)
def test_an_upload_gives_the_ids_that_docflo_tells(name: str, ids: list[str]) -> None:
    assert list(read_upload(sample(f"create/{name}.json")).ids) == ids


def test_an_upload_with_an_empty_answer_tells_no_id() -> None:
    assert read_upload(b"").ids == ()


@pytest.mark.parametrize("name", sample_names("analyze"))
def test_an_analysis_gives_fields_without_an_id(name: str) -> None:
    assert plain(read_analysis(sample(name))["InvoiceId"]) == "R-1"


def test_an_analysis_without_fields_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="message: text"):
        read_analysis(b'{"message": "queued"}')

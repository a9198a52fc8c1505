from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connector.docflo.answers import (
    TypeField,
    read_answer,
    read_enabled_types,
    read_guest_token,
    read_logs,
    read_search,
    read_type_configuration,
)
from connector.errors import UnexpectedResponseError
from tests.unit.docflo.reach import sample, sample_names


@pytest.mark.parametrize("name", sample_names("types-enabled"))
def test_enabled_types_are_read_in_every_shape_by_the_names_that_docflo_filters_by(name: str) -> None:
    found = read_enabled_types(sample(name))

    assert [type_.name for type_ in found] == ["invoice", "bankStatement.us"]


@pytest.mark.parametrize("body", [b"{}", b'{"error": {"code": "X"}}', b'{"message": "hello"}', b"5"])
def test_what_lists_no_types_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match="document types"):
        read_enabled_types(body)


@pytest.mark.parametrize("name", sample_names("types-one"))
def test_a_type_is_read_in_every_shape_with_the_fields_of_its_rows(name: str) -> None:
    read = read_type_configuration(sample(name), "invoice")

    assert read.name == "invoice"
    assert read.fields == (
        TypeField(name="InvoiceId", type="string"),
        TypeField(name="Items", type="array", fields=(TypeField(name="Amount", type="currency"),)),
    )


def test_a_type_without_any_field_has_none() -> None:
    assert read_type_configuration(b'{"name": "invoice", "fields": []}', "invoice").fields == ()


@pytest.mark.parametrize("body", [b"{}", b'{"name": "invoice"}', b"null", b'"invoice"', b'{"fields": 5}'])
def test_a_type_that_does_not_tell_its_fields_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match="`invoice`"):
        read_type_configuration(body, "invoice")


@pytest.mark.parametrize("name", sample_names("ai-search"))
def test_a_search_hit_has_the_id_of_the_document_and_an_exact_score(name: str) -> None:
    (hit,) = read_search(sample(name))

    assert (hit.id, hit.score) == ("d-1", Decimal("0.75"))


@pytest.mark.parametrize("name", sample_names("ai-ask"))
def test_the_assistants_answer_is_found(name: str) -> None:
    assert read_answer(sample(name)).text == "There are **2**."


def test_the_assistants_answer_may_be_bare_text() -> None:
    assert read_answer(b"There are **2**.\n").text == "There are **2**."


@pytest.mark.parametrize("name", sample_names("logs"))
def test_log_entries_are_read_in_every_shape(name: str) -> None:
    (entry,) = read_logs(sample(name))

    assert (entry.type, entry.area, entry.sub_area) == ("error", "document-processing", "ocr")
    assert entry.message == "page 2 is empty"
    assert entry.at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", sample_names("guest-token"))
def test_a_guest_token_is_read_in_every_shape_and_kept_out_of_repr(name: str) -> None:
    token = read_guest_token(sample(name))

    assert token.value == "guest-1"
    assert "guest-1" not in repr(token)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"message": "no"}', b"<html>", b"[5]"])
def test_an_answer_without_a_token_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_guest_token(body)

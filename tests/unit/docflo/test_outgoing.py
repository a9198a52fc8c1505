from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from connector.docflo.jsontext import write_json
from connector.docflo.outgoing import (
    CreateRow,
    DeleteRow,
    DocumentQuery,
    LogQuery,
    ModelField,
    RowChange,
    UpdateRow,
    WriteValue,
    creates_rows,
    document_parameters,
    field_values,
    log_parameters,
    model_field_body,
    path_segment,
)


def parameters(query: DocumentQuery, *, as_dates: bool = False) -> dict[str, str]:
    return document_parameters(query, page_size=100, as_dates=as_dates)


def written(value: WriteValue) -> str:
    return write_json(field_values({"A": value})).decode()


def test_all_fourteen_parameters_are_sent_by_their_names() -> None:
    query = DocumentQuery(
        type="bankStatement.us",
        skip=20,
        top=10,
        source="email",
        search="Acme & Söhne",
        status="APPROVED",
        sort_by="createdOn",
        sort_order="asc",
        created_from=datetime(2026, 1, 1, tzinfo=UTC),
        created_to=datetime(2026, 2, 1, 10, 30, 15, 250_000, tzinfo=UTC),
        favorite=True,
        my_approvals=True,
        approver_id="64b0",
        include_results=True,
    )

    assert parameters(query) == {
        "type": "bankStatement.us",
        "skip": "20",
        "top": "10",
        "source": "email",
        "search": "Acme & Söhne",
        "status": "APPROVED",
        "sortBy": "createdOn",
        "sortOrder": "asc",
        "createdFrom": "2026-01-01T00:00:00.000Z",
        "createdTo": "2026-02-01T10:30:15.250Z",
        "favorite": "true",
        "myApprovals": "true",
        "approverId": "64b0",
        "includeResults": "true",
    }


def test_what_is_not_asked_for_is_left_out() -> None:
    assert parameters(DocumentQuery()) == {"top": "100"}


def test_the_first_page_is_asked_for_by_name() -> None:
    assert parameters(DocumentQuery(type="invoice").page(0)) == {"type": "invoice", "skip": "0", "top": "100"}


def test_times_are_sent_in_utc() -> None:
    cairo = timezone(timedelta(hours=2))
    query = DocumentQuery(created_from=datetime(2026, 1, 1, 1, 0, tzinfo=cairo))

    assert parameters(query)["createdFrom"] == "2025-12-31T23:00:00.000Z"


def test_times_are_sent_as_days_where_the_server_takes_days_only() -> None:
    query = DocumentQuery(created_from=datetime(2026, 1, 1, 23, 59, tzinfo=UTC))

    assert parameters(query, as_dates=True)["createdFrom"] == "2026-01-01"


def test_the_last_day_is_asked_for_as_a_whole_where_the_server_takes_days_only() -> None:
    query = DocumentQuery(created_to=datetime(2026, 1, 1, 23, 59, tzinfo=UTC))

    assert parameters(query, as_dates=True)["createdTo"] == "2026-01-02"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        parameters(DocumentQuery(created_from=datetime(2026, 1, 1)))  # noqa: DTZ001 the mistake under test


@pytest.mark.parametrize(
    ("identifier", "segment"),
    [
        ("68befa1fe9a9f9a3327627c9", "68befa1fe9a9f9a3327627c9"),
        ("bankStatement.us", "bankStatement.us"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("../x", "..%2Fx"),
        ("a?b#c", "a%3Fb%23c"),
        ("é", "%C3%A9"),
        ("...", "..."),
    ],
)
def test_an_id_is_one_segment_of_the_path(identifier: str, segment: str) -> None:
    assert path_segment(identifier) == segment


@pytest.mark.parametrize("identifier", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        path_segment(identifier)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("R-1", '"R-1"'),
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (Decimal("12.50"), "12.50"),
        (Decimal("99999999999999999999.99"), "99999999999999999999.99"),
        (date(2026, 3, 1), '"2026-03-01"'),
        (datetime(2026, 3, 1, 8, 30, tzinfo=UTC), '"2026-03-01T08:30:00.000Z"'),
        ({"amount": Decimal("12.50"), "currencyCode": "EUR"}, '{"amount":12.50,"currencyCode":"EUR"}'),
        (("a", "b"), '["a","b"]'),
    ],
)
def test_values_are_written_plain_and_digit_for_digit(value: WriteValue, text: str) -> None:
    assert written(value) == f'{{"A":{text}}}'


def test_operations_on_rows_are_written_as_the_api_page_shows() -> None:
    value: list[WriteValue | RowChange] = [
        CreateRow(fields={"Description": "API Item 3", "Amount": {"amount": 12345, "currencyCode": "USD"}}),
        UpdateRow(id="item-1", fields={"Description": "API Item 1"}),
        DeleteRow(id="68befa1fe9a9f9a3327627c9"),
    ]

    assert field_values({"Items": value})["Items"] == [
        {
            "operation": "create",
            "Description": "API Item 3",
            "Amount": {"amount": 12345, "currencyCode": "USD"},
        },
        {"operation": "update", "_id": "item-1", "Description": "API Item 1"},
        {"operation": "delete", "_id": "68befa1fe9a9f9a3327627c9"},
    ]


@pytest.mark.parametrize("row", [UpdateRow(id=""), DeleteRow(id="")])
def test_a_row_to_change_needs_its_id(row: UpdateRow | DeleteRow) -> None:
    with pytest.raises(ValueError, match="_id"):
        field_values({"Items": [row]})


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_what_json_has_no_number_for_is_refused(value: Decimal) -> None:
    with pytest.raises(ValueError, match="not a number"):
        field_values({"A": value})


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        field_values({"A": 12.5})  # type: ignore[dict-item]  # the mistake under test


@pytest.mark.parametrize(
    ("value", "creates"),
    [
        ("text", False),
        ([UpdateRow(id="1"), DeleteRow(id="2")], False),
        ([UpdateRow(id="1"), CreateRow(fields={})], True),
        ([UpdateRow(id="1", fields={"Inner": [CreateRow(fields={})]})], True),
        ({"Inner": [CreateRow(fields={})]}, True),
    ],
)
def test_only_a_change_that_adds_rows_must_not_be_repeated(value: WriteValue, *, creates: bool) -> None:
    assert creates_rows({"Items": value}) is creates


def test_all_parameters_of_the_log_are_sent_by_their_names() -> None:
    query = LogQuery(type="error", area="a", sub_area="b", message="c", metadata='{"d":1}')

    assert log_parameters(query) == {
        "type": "error",
        "area": "a",
        "subArea": "b",
        "message": "c",
        "metadata": '{"d":1}',
    }
    assert log_parameters(LogQuery()) == {}


def test_a_model_field_sends_what_is_set() -> None:
    assert model_field_body(ModelField(type="string")) == {"type": "string"}
    assert model_field_body(
        ModelField(
            type="array",
            visible=False,
            extraction_method="ai",
            extraction_settings={"hint": "x"},
            fields=("A", "B"),
        )
    ) == {
        "type": "array",
        "visible": False,
        "extractionMethod": "ai",
        "extractionSettings": {"hint": "x"},
        "fields": ["A", "B"],
    }

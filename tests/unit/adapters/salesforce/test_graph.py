import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.salesforce.graph import Graph, build_graph
from connector.adapters.salesforce.held import Held, HeldLine
from connector.adapters.salesforce.lanes import parents_of
from connector.adapters.salesforce.packing import call_body, pack
from connector.adapters.salesforce.plan import make_plan
from connector.adapters.salesforce.rules import EmptyLines, Rules
from connector.adapters.salesforce.values import upsert_body
from connector.errors import RejectedError
from connector.record import LineKind, Record, RecordValue
from tests.factories import make_line, make_record
from tests.unit.adapters.salesforce.shapes import INVOICE, SHAPES, described, key, shape

AIR = {"developerName": "Air", "recordTypeId": "012A", "available": True, "master": False}
LINE_KIND = LineKind(object="Invoice_Line__c", key_field="Docflo_Key__c", parent_field="Invoice__c")


def graph_of(
    record: Record, *, shapes: Any = SHAPES, position: int = 0, held: Any = None, **rules: Any
) -> Graph:
    plan = make_plan(record, shapes, Rules(**rules), held or Held())
    return build_graph(plan, version="66.0", position=position)


def holding(*keys: str, revision: int | None = None, **values: Any) -> Held:
    """Give what Salesforce has: lines with these keys, all with the same values by lower-case name."""
    lines = {
        ("Invoice_Line__c", key.lower()): HeldLine(id=f"id-{key}", kind=LINE_KIND, values=values)
        for key in keys
    }
    return Held(lines=lines, revision=revision)


def nodes_of(record: Record, **parts: Any) -> Any:
    return json.loads(graph_of(record, **parts).nodes, parse_float=Decimal)


def body_of(**fields: RecordValue) -> Any:
    return nodes_of(make_record(fields=fields))[0]["body"]


def refusal_of(record: Record, **parts: Any) -> str:
    with pytest.raises(RejectedError) as caught:
        graph_of(record, **parts)
    return caught.value.message


def test_header_and_lines_are_upserted_by_key_and_lines_name_their_header() -> None:
    header, line = nodes_of(make_record(lines=(make_line(),)))

    assert header == {
        "method": "PATCH",
        "url": "/services/data/v66.0/sobjects/Invoice__c/Docflo_Id__c/key-1",
        "referenceId": "header",
        "body": {"Number__c": "R-1"},
    }
    assert line == {
        "method": "PATCH",
        "url": "/services/data/v66.0/sobjects/Invoice_Line__c/Docflo_Key__c/key-1%3Arow-1",
        "referenceId": "line1",
        "body": {"Description__c": "Paper", "Invoice__c": "@{header.id}"},
    }


def test_a_line_that_is_attached_already_does_not_name_its_header() -> None:
    record = make_record(lines=(make_line("A"), make_line("B")))

    _, first, second = nodes_of(record, held=holding("A"))

    assert "Invoice__c" not in first["body"]
    assert second["body"]["Invoice__c"] == "@{header.id}"


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."}))
def test_any_key_is_one_segment_of_the_address(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    url = nodes_of(make_record(text))[0]["url"]

    before, _, segment = url.rpartition("/")
    assert before == "/services/data/v66.0/sobjects/Invoice__c/Docflo_Id__c"
    assert unquote(segment) == text
    assert not {"?", "#", " "} & set(segment)


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_a_key_that_names_a_folder_is_refused(bad: str) -> None:
    assert "cannot be part of an address" in refusal_of(make_record(bad))
    assert "Invoice_Line__c line 1" in refusal_of(make_record(lines=(make_line(bad),)))


def test_the_key_is_never_in_the_body() -> None:
    body = nodes_of(make_record(fields={"docflo_id__c": "x", "Number__c": "1"}))[0]["body"]

    assert body == {"Number__c": "1"}


def test_none_clears_and_what_is_absent_is_not_mentioned() -> None:
    assert body_of(Number__c=None) == {"Number__c": None}


def test_dates_and_times_are_iso() -> None:
    east = timezone(timedelta(hours=2))

    body = body_of(
        a=date(2026, 3, 2), b=datetime(2026, 3, 2, 1, 30, tzinfo=east), c=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert body == {"a": "2026-03-02", "b": "2026-03-01T23:30:00.000Z", "c": "2026-01-01T00:00:00.000Z"}


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (Decimal("12345.10"), b"12345.10"),
        (Decimal("1E+5"), b"100000"),
        (Decimal("1E-2"), b"0.01"),
        (Decimal("-0.00"), b"-0.00"),
        (Decimal("1234567890123456.78"), b"1234567890123456.78"),
        (7, b"7"),
    ],
)
def test_amounts_are_plain_digits(value: Decimal | int, digits: bytes) -> None:
    graph = graph_of(make_record(fields={"Total__c": value}))

    assert b'"Total__c":' + digits + b"}" in graph.nodes


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Decimal("1.005"), "has 3 decimals and the field keeps 2"),
        (Decimal(12345678901234567), "has 17 digits before the point and the field takes 16"),
        (Decimal("1E+16"), "has 17 digits before the point"),
        (10**16, "has 17 digits before the point"),
        (Decimal("NaN"), "is not a number"),
        (Decimal("-Infinity"), "is not a number"),
    ],
)
def test_a_number_that_would_not_be_kept_is_refused_without_telling_it(
    value: Decimal | int, words: str
) -> None:
    message = refusal_of(make_record(fields={"total__C": value}))

    assert f"Invoice__c: total__C: {words}" in message
    assert str(value) not in message


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**18), max_value=10**18))
def test_a_number_goes_as_it_is_or_is_refused(value: Decimal) -> None:
    is_kept = value == value.quantize(Decimal("0.01")) and abs(value) < 10**16

    body, problems = upsert_body({"Total__c": value}, "Docflo_Id__c", SHAPES["Invoice__c"])

    assert (body, bool(problems)) == (({"Total__c": value}, False) if is_kept else ({}, True))


def test_zeros_at_the_end_are_no_decimals() -> None:
    assert body_of(Total__c=Decimal("1.2300")) == {"Total__c": Decimal("1.2300")}


def test_a_whole_number_field_takes_its_digits_and_no_decimals() -> None:
    assert "has 1 decimals" in refusal_of(
        make_record(lines=(make_line(fields={"Quantity__c": Decimal("1.5")}),))
    )
    assert "has 9 digits" in refusal_of(make_record(lines=(make_line(fields={"Quantity__c": 123456789}),)))


def test_an_object_that_is_not_described_is_left_to_salesforce_to_judge() -> None:
    record = make_record(fields={"Total__c": Decimal("1.005")})

    assert nodes_of(record, shapes={"Invoice__c": None})[0]["body"] == {"Total__c": Decimal("1.005")}


def test_a_dotted_name_is_a_nested_object() -> None:
    body = nodes_of(make_record(fields={"Vendor__r.Tax_Id__c": "51"}))[0]["body"]

    assert body == {"Vendor__r": {"Tax_Id__c": "51"}}


def test_clearing_a_dotted_name_clears_the_field_behind_it() -> None:
    body = nodes_of(make_record(fields={"Vendor__r.Tax_Id__c": None}))[0]["body"]

    assert body == {"Vendor__c": None}


@pytest.mark.parametrize("names", [("A__r.B__r.C__c",), ("Vendor__r.Tax_Id__c", "Vendor__r.Phone__c")])
def test_another_record_is_named_by_one_field(names: tuple[str, ...]) -> None:
    message = refusal_of(make_record(fields=dict.fromkeys(names, "1")))

    assert "exactly one field" in message


def test_text_that_salesforce_would_take_for_a_reference_is_refused() -> None:
    message = refusal_of(make_record(fields={"Number__c": "see @{header.id}"}))

    assert 'Number__c: holds "@{"' in message


def test_text_that_is_too_long_is_refused_without_telling_it() -> None:
    assert graph_of(make_record(fields={"Number__c": "x" * 255}))
    message = refusal_of(make_record(fields={"Number__c": "x" * 256}))

    assert "Number__c: has 256 characters and the field takes 255" in message
    assert "xx" not in message


def test_a_record_type_is_named_as_people_name_it_and_sent_as_its_id() -> None:
    typed = {**SHAPES, "Invoice__c": shape({**INVOICE, "recordTypeInfos": [AIR]})}
    fields = {"RecordType.DeveloperName": "Air"}

    assert nodes_of(make_record(fields=fields), shapes=typed)[0]["body"] == {"RecordTypeId": "012A"}
    assert parents_of(make_record(fields=fields), typed) == frozenset()
    message = refusal_of(make_record(fields={"RecordType.DeveloperName": "Sea"}), shapes=typed)
    assert 'no record type "Sea" of Invoice__c; there are: Air' in message


def test_half_a_character_is_refused_in_fields_and_keys() -> None:
    assert "half of a character" in refusal_of(make_record(fields={"Number__c": "\ud83d"}))
    assert "half of a character" in refusal_of(make_record("\ud83d"))


def test_text_is_sent_code_point_for_code_point() -> None:
    text = 'חשבונית־מס ״א״ 🧾👩‍👩‍👧 é e\u0301 \u200f\u2028\t\r\n"\\'

    assert body_of(Number__c=text) == {"Number__c": text}


def test_all_problems_are_told_at_once() -> None:
    record = make_record(
        fields={"Total__c": Decimal("1.005"), "Number__c": "@{x}"},
        lines=(make_line(""), make_line("b", fields={"Amount__c": Decimal("0.001")})),
    )

    message = refusal_of(record)

    wanted = ("Invoice__c: Total__c", "Invoice__c: Number__c", "line 1: the key", "line 2: Amount__c")
    assert [words for words in wanted if words not in message] == []


def test_two_lines_with_one_key_are_refused() -> None:
    record = make_record(lines=(make_line("Row"), make_line("other"), make_line("row")))

    assert "lines 1 and 3 have the same key" in refusal_of(record)


def test_keys_that_differ_in_case_are_two_where_the_field_says_so() -> None:
    line = shape(described("Invoice_Line__c", key("Docflo_Key__c", caseSensitive=True)))
    record = make_record(lines=(make_line("Row"), make_line("row")))

    assert len(nodes_of(record, shapes={**SHAPES, "Invoice_Line__c": line})) == 3


def test_a_record_larger_than_a_transaction_is_refused() -> None:
    lines = tuple(make_line(f"r{index}") for index in range(500))

    assert "501 parts of 2 kinds, and a transaction takes 500" in refusal_of(make_record(lines=lines))
    assert len(nodes_of(make_record(lines=lines[:499]))) == 500


def test_lines_that_the_record_no_longer_has_are_deleted_by_id_after_the_others() -> None:
    record = make_record(lines=(make_line("a"),))

    nodes = nodes_of(record, held=holding("a", "b"))

    assert nodes[-1] == {
        "method": "DELETE",
        "url": "/services/data/v66.0/sobjects/Invoice_Line__c/id-b",
        "referenceId": "gone1",
    }
    assert [node["method"] for node in nodes] == ["PATCH", "PATCH", "DELETE"]


def test_a_line_that_is_there_as_it_should_be_does_not_travel() -> None:
    values = {"Amount__c": Decimal("12.30"), "Description__c": "Paper", "Quantity__c": 2}
    record = make_record(lines=(make_line("a", fields=values), make_line("b", fields=values)))
    same: dict[str, Any] = {"amount__c": Decimal("12.3"), "description__c": "Paper", "quantity__c": 2}

    unchanged = nodes_of(record, held=holding("a", "b", **same))
    changed = nodes_of(record, held=holding("a", "b", **{**same, "amount__c": Decimal("12.31")}))

    assert [node["referenceId"] for node in unchanged] == ["header"]
    assert [node["referenceId"] for node in changed] == ["header", "line1", "line2"]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a", "A"),
        ("1", 1),
        (1, True),
        (True, 1),
        (None, ""),
        (date(2026, 3, 2), "2026-03-02T00:00:00.000+0000"),
        (datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02"),
        (datetime(2026, 3, 2, tzinfo=UTC), None),
    ],
)
def test_what_may_differ_is_written(value: RecordValue, stored: object) -> None:
    record = make_record(lines=(make_line("a", fields={"X__c": value}),))

    assert len(nodes_of(record, held=holding("a", x__c=stored))) == 2
    assert len(nodes_of(record, held=holding("a"))) == 2


def test_times_are_the_same_in_any_zone() -> None:
    record = make_record(lines=(make_line("a", fields={"X__c": datetime(2026, 3, 2, 12, tzinfo=UTC)}),))

    assert len(nodes_of(record, held=holding("a", x__c="2026-03-02T12:00:00.000+0000"))) == 1


def test_what_a_name_leads_to_is_not_compared() -> None:
    record = make_record(lines=(make_line("a", fields={"Vendor__r.Tax_Id__c": "51"}),))

    assert len(nodes_of(record, held=holding("a"))) == 2


def test_a_document_that_lost_all_its_lines_is_refused_unless_told_otherwise() -> None:
    assert "no Invoice_Line__c any more and Salesforce has 2" in refusal_of(
        make_record(), held=holding("a", "b")
    )

    kept = nodes_of(make_record(), held=holding("a"), empty_lines=EmptyLines.KEEP)
    removed = nodes_of(make_record(), held=holding("a"), empty_lines=EmptyLines.REMOVE)

    assert [node["method"] for node in kept] == ["PATCH"]
    assert [node["method"] for node in removed] == ["PATCH", "DELETE"]


def test_one_kind_of_line_without_any_left_does_not_hide_behind_another() -> None:
    record = make_record(lines=(make_line("t", object="Tax_Line__c"),))

    assert "no Invoice_Line__c any more" in refusal_of(record, held=holding("a"))


def test_nested_lines_name_the_line_they_are_in_by_reference_or_by_its_id() -> None:
    inner = [make_line(f"{key}:x", object="Share__c", parent_field="Line__c") for key in "ab"]
    lines = (make_line("a", lines=(inner[0],)), make_line("b", lines=(inner[1],)))

    nodes = nodes_of(make_record(lines=lines), held=holding("a", description__c="Paper"))

    assert [node["referenceId"] for node in nodes] == ["header", "line2", "line3", "line4"]
    assert nodes[1]["body"]["Line__c"] == "id-a"
    assert nodes[3]["body"]["Line__c"] == "@{line3.id}"


def test_the_innermost_lines_are_removed_first() -> None:
    outer, inner = (
        holding("a", "b").lines,
        LineKind(object="Share__c", key_field="Docflo_Key__c", parent_field="Line__c", outer=LINE_KIND),
    )
    held = Held(lines={**outer, ("Share__c", "b:x"): HeldLine(id="inner", kind=inner, values={})})
    share = make_line("a:x", object="Share__c", parent_field="Line__c")

    nodes = nodes_of(make_record(lines=(make_line("a", lines=(share,)),)), held=held)

    removed = [node["url"].rpartition("/")[2] for node in nodes if node["method"] == "DELETE"]
    assert removed == ["inner", "id-b"]


def test_an_older_revision_never_overwrites_a_newer_one() -> None:
    record = make_record(revision=3)

    assert "revision 4 of the document and this is revision 3" in refusal_of(
        record, held=holding(revision=4), revision_field="Revision__c"
    )
    assert nodes_of(record, held=holding(revision=3), revision_field="Revision__c")[0]["body"] == {
        "Number__c": "R-1",
        "Revision__c": 3,
    }


def graphs_with_lines(*counts: int) -> list[Graph]:
    return [
        graph_of(
            make_record(str(position), lines=tuple(make_line(f"{position}:{row}") for row in range(count))),
            position=position,
        )
        for position, count in enumerate(counts)
    ]


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ((), []),
        ((499,), [1]),
        ((499, 0), [1, 1]),
        ((249, 249), [2]),
        ((249, 249, 0), [2, 1]),
        ((0,) * 76, [75, 1]),
        ((1, 499, 1), [1, 1, 1]),
    ],
)
def test_graphs_are_packed_within_the_limits_of_a_call(counts: tuple[int, ...], shares: list[int]) -> None:
    calls = list(pack(graphs_with_lines(*counts)))

    assert [len(call) for call in calls] == shares
    assert [graph.position for call in calls for graph in call] == list(range(len(counts)))


def test_a_call_carries_at_most_fifteen_kinds_of_nodes() -> None:
    graphs = [graph_of(make_record(object=f"O{index}__c"), position=index) for index in range(16)]

    assert [len(call) for call in pack(graphs)] == [15, 1]


def test_large_records_travel_in_calls_of_their_own() -> None:
    graphs = [
        graph_of(make_record(str(i), fields={"Long_Text__c": "x" * 2_500_000}), position=i) for i in range(2)
    ]

    assert [len(call) for call in pack(graphs)] == [1, 1]


def test_graph_ids_are_positions_and_never_keys() -> None:
    body = json.loads(call_body(graphs_with_lines(0, 0)))

    assert [graph["graphId"] for graph in body["graphs"]] == ["g1", "g2"]
    assert body["graphs"][1]["compositeRequest"][0]["referenceId"] == "header"

"""The adapter over a server that answers as told: what the sandbox cannot be made to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

import pytest
from msgspec import structs

from connector.adapters.base import Severity
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.errors import (
    AccessRefusedError,
    BusyError,
    ConfigError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from connector.record import Receipt, Record, RecordShape, TargetQuery
from tests.factories import make_line, make_record
from tests.unit.adapters.canned_server import (
    TOKEN,
    Asked,
    Reply,
    error_reply,
    make_settings,
)
from tests.unit.adapters.salesforce.fake_org import Node, Org, committed, graphs_answer, refused


@pytest.fixture
def org() -> Iterator[Org]:
    """Give an org that takes everything."""
    org = Org()
    with org.server:
        yield org


@contextmanager
def connected(org: Org, **settings: Any) -> Iterator[SalesforceAdapter]:
    adapter = SalesforceAdapter(make_settings(org.server.url, **settings), clock=org.clock)
    yield adapter
    adapter.close()


def deliver(org: Org, *records: Record) -> list[Any]:
    with connected(org) as adapter:
        return list(adapter.deliver(records))


def with_lines(key: str) -> Record:
    return make_record(key, lines=(make_line(f"{key}:a"), make_line(f"{key}:b")))


def test_a_receipt_has_the_id_and_a_link_that_a_person_can_open(org: Org) -> None:
    [receipt] = deliver(org, make_record("k"))

    assert receipt == Receipt(
        id="id-of-k", url=f"{org.server.url}/lightning/r/Invoice__c/id-of-k/view", created=True
    )


def test_a_batch_is_one_call(org: Org) -> None:
    outcomes = deliver(org, *[with_lines(str(index)) for index in range(25)])

    assert [outcome.id for outcome in outcomes] == [f"id-of-{index}" for index in range(25)]
    assert len(org.graph_calls) == 1


def test_describes_are_asked_for_once_and_again_after_a_while(org: Org) -> None:
    with connected(org) as adapter:
        adapter.deliver([make_record("1")])
        adapter.deliver([make_record("2")])
        first = len(org.server.paths("/describe"))
        org.clock.advance(timedelta(minutes=16))
        adapter.deliver([make_record("3")])

    assert first == 1
    assert len(org.server.paths("/describe")) == 2


def test_what_is_refused_before_sending_does_not_travel(org: Org) -> None:
    bad, good = make_record("1", fields={"Total__c": Decimal("0.001")}), make_record("2")

    outcomes = deliver(org, bad, good)

    assert isinstance(outcomes[0], RejectedError)
    assert isinstance(outcomes[1], Receipt)
    assert [len(call) for call in org.graph_calls] == [1]


def test_two_records_with_one_key_are_refused_and_the_third_travels(org: Org) -> None:
    outcomes = deliver(org, make_record("Key"), make_record("other"), make_record("key"))

    assert [type(outcome) for outcome in outcomes] == [RejectedError, Receipt, RejectedError]
    assert [len(call) for call in org.graph_calls] == [1]


def _parent_is_fixed(node: Node, existing: set[str]) -> Node:
    exists = node["url"].rpartition("/")[2] in existing
    if exists and "Invoice__c" in node["body"]:
        return refused(node, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Invoice__c.")
    return committed(node)


def _existing_rows(*keys: str) -> Reply:
    """Give lines of the headers that their keys begin with."""
    rows = [
        {
            "Id": f"id-{key}",
            "Docflo_Key__c": key,
            "Invoice__r": {"Docflo_Id__c": key.partition(":")[0]},
            "Description__c": "before",
        }
        for key in keys
    ]
    return Reply(body={"done": True, "records": rows})


def queries(org: Org) -> list[str]:
    return [
        unquote_plus(asked.path.partition("?q=")[2]) for asked in org.server.asked if "/query" in asked.path
    ]


def test_lines_that_are_there_are_asked_for_before_anything_is_sent(org: Org) -> None:
    org.judge = lambda node: _parent_is_fixed(node, {"k%3Aa"})
    org.query = lambda _: _existing_rows("k:a")

    [receipt] = deliver(org, with_lines("k"))

    assert receipt.id == "id-of-k"
    [[graph]] = org.graph_calls
    _, existing, new = graph["compositeRequest"]
    assert "Invoice__c" not in existing["body"]
    assert new["body"]["Invoice__c"] == "@{header.id}"
    [query] = queries(org)
    assert query.startswith("SELECT Id, Docflo_Key__c, Invoice__r.Docflo_Id__c, Description__c FROM")
    assert query.endswith("FROM Invoice_Line__c WHERE Invoice__r.Docflo_Id__c IN ('k')")


def test_a_batch_costs_two_calls_whatever_its_size(org: Org) -> None:
    keys = [f"k{index}" for index in range(25)]
    lines = [f"{key}:{line}" for key in keys for line in "ab"]
    org.query = lambda _: _existing_rows(*lines)

    outcomes = deliver(org, *[with_lines(key) for key in keys])

    assert [outcome.id for outcome in outcomes] == [f"id-of-{key}" for key in keys]
    assert (len(org.graph_calls), len(queries(org))) == (1, 1)


def test_lines_that_somebody_else_put_there_are_left_alone(org: Org) -> None:
    rows = _existing_rows("k:a", "k:gone", "k", "other:b").body["records"]
    rows += [{**rows[0], "Docflo_Key__c": None}, {**rows[0], "Docflo_Key__c": "by hand"}]
    rows[3]["Invoice__r"]["Docflo_Id__c"] = "K"
    org.query = lambda _: Reply(body={"done": True, "records": rows})

    deliver(org, with_lines("k"))

    nodes = org.graph_calls[0][0]["compositeRequest"]
    deleted = [node["url"].rpartition("/")[2] for node in nodes if node["method"] == "DELETE"]
    assert deleted == ["id-k:gone"]


def test_a_line_whose_insert_was_still_running_is_read_again(org: Org) -> None:
    replies = iter([_existing_rows()])
    org.judge = lambda node: _parent_is_fixed(node, {"k%3Aa"})
    org.query = lambda _: next(replies, _existing_rows("k:a"))

    [receipt] = deliver(org, with_lines("k"))

    assert receipt.id == "id-of-k"
    assert len(org.graph_calls) == 2


def test_a_parent_that_stays_refused_is_for_an_operator_after_one_more_try(org: Org) -> None:
    org.judge = lambda node: _parent_is_fixed(node, {"k%3Aa"})

    [outcome] = deliver(org, with_lines("k"))

    assert isinstance(outcome, ConfigError)
    assert "Invoice_Line__c line 1" in outcome.message
    assert len(org.graph_calls) == 2


@pytest.mark.parametrize("code", ["NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"])
def test_a_line_that_is_gone_already_does_not_keep_its_document_out(org: Org, code: str) -> None:
    replies = iter([_existing_rows("k:a", "k:gone")])
    org.query = lambda _: next(replies, _existing_rows("k:a"))
    org.judge = lambda node: refused(node, code) if node["method"] == "DELETE" else committed(node)

    [receipt] = deliver(org, with_lines("k"))

    assert receipt.id == "id-of-k"
    assert len(org.graph_calls) == 2


def test_when_the_lines_cannot_be_asked_for_nothing_is_sent(org: Org) -> None:
    org.query = lambda _: error_reply(503, "SERVER_UNAVAILABLE")

    with pytest.raises(UnavailableError):
        deliver(org, with_lines("k"), with_lines("l"))

    assert org.graph_calls == []


def test_a_question_that_salesforce_refuses_is_never_a_documents_fault(org: Org) -> None:
    org.query = lambda _: error_reply(400, "INVALID_FIELD", "No such column 'Description__c'")

    outcomes = deliver(org, with_lines("k"))

    assert [type(outcome) for outcome in outcomes] == [ConfigError]


def test_a_header_that_is_not_there_is_not_asked_for_its_lines(org: Org) -> None:
    with connected(org, revision_field="Revision__c") as adapter:
        adapter.deliver([structs.replace(with_lines("k"), revision=2)])

    assert queries(org) == [
        "SELECT Id, Docflo_Id__c, Revision__c FROM Invoice__c WHERE Docflo_Id__c IN ('k')"
    ]
    assert org.graph_calls[0][0]["compositeRequest"][0]["body"]["Revision__c"] == 2


def test_a_retry_of_an_older_revision_is_refused(org: Org) -> None:
    row = {"Id": "1", "Docflo_Id__c": "K", "Revision__c": Decimal("3.0")}
    org.query = lambda asked: (
        Reply(body={"done": True, "records": [{**row, "Revision__c": 3.0}]})
        if "Revision__c" in asked.path
        else _existing_rows()
    )

    with connected(org, revision_field="Revision__c") as adapter:
        outcomes = adapter.deliver(
            [structs.replace(with_lines("k"), revision=2), structs.replace(with_lines("l"), revision=2)]
        )

    assert [type(outcome) for outcome in outcomes] == [RejectedError, Receipt]
    assert "revision 3" in str(outcomes[0])


def test_graphs_that_were_not_tried_are_sent_again(org: Org) -> None:
    org.judge = lambda node: (
        refused(node, "STRING_TOO_LONG")
        if node["url"].rpartition("/")[2].startswith("bad")
        else committed(node)
    )
    records = [make_record(f"bad{index}") for index in range(15)] + [
        make_record(f"ok{index}") for index in range(3)
    ]

    outcomes = deliver(org, *records)

    assert [type(outcome) for outcome in outcomes] == [RejectedError] * 15 + [Receipt] * 3
    assert [len(call) for call in org.graph_calls] == [18, 3]


def test_graphs_that_are_never_tried_are_not_to_blame(org: Org) -> None:
    org.judge = lambda node: refused(node, "PROCESSING_HALTED")

    outcomes = deliver(org, make_record("1"), make_record("2"))

    assert [type(outcome) for outcome in outcomes] == [BusyError, BusyError]
    assert len(org.graph_calls) == 1


def test_a_race_for_one_key_is_settled_by_one_more_try(org: Org) -> None:
    times = iter([1])
    org.judge = lambda node: refused(node, "DUPLICATE_VALUE") if next(times, None) else committed(node)

    [receipt] = deliver(org, make_record("k"))

    assert receipt.id == "id-of-k"


def test_another_record_with_a_unique_value_is_a_rejection(org: Org) -> None:
    org.judge = lambda node: refused(node, "DUPLICATE_VALUE", "duplicate value found: Number__c on id: a0X")

    [outcome] = deliver(org, make_record("k"))

    assert isinstance(outcome, RejectedError)
    assert "a0X" in outcome.message
    assert len(org.graph_calls) == 2


def test_what_is_too_much_for_the_orgs_code_travels_in_smaller_calls(org: Org) -> None:
    def with_few(asked: Asked) -> Reply:
        few = len(asked.json["graphs"]) <= 2
        return graphs_answer(asked, committed if few else lambda node: refused(node, "LIMIT_EXCEEDED"))

    org.graph = with_few

    outcomes = deliver(org, *[make_record(str(index)) for index in range(8)])

    assert [type(outcome) for outcome in outcomes] == [Receipt] * 8
    assert [len(call) for call in org.graph_calls] == [8, 4, 2, 2, 4, 2, 2]


def test_what_is_too_much_even_alone_is_a_rejection(org: Org) -> None:
    org.judge = lambda node: (
        refused(node, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Too many SOQL queries: 101")
        if node["url"].endswith("/bad")
        else committed(node)
    )

    outcomes = deliver(org, make_record("a"), make_record("bad"), make_record("b"))

    assert [type(outcome) for outcome in outcomes] == [Receipt, RejectedError, Receipt]
    assert [len(call) for call in org.graph_calls] == [3, 1]


def test_an_org_that_fails_often_gets_smaller_calls_until_it_does_well_again(org: Org) -> None:
    org.judge = lambda node: refused(node, "STRING_TOO_LONG") if "/bad" in node["url"] else committed(node)
    lines = [tuple(make_line(f"{at}:{row}") for row in range(99)) for at in range(5)]
    large = [make_record(str(at), lines=each) for at, each in enumerate(lines)]

    with connected(org) as adapter:
        adapter.deliver([make_record(f"bad{index}") for index in range(6)])
        adapter.deliver(large)
        adapter.deliver(large)

    assert [len(call) for call in org.graph_calls] == [6, 2, 2, 1, 4, 1]


def test_a_call_that_is_refused_as_a_whole_is_sent_again_in_halves(org: Org) -> None:
    org.graph = lambda asked: (
        error_reply(400, "JSON_PARSER_ERROR") if b"poison" in asked.body else graphs_answer(asked, committed)
    )

    outcomes = deliver(org, make_record("a"), make_record("poison"), make_record("b"))

    assert [type(outcome) for outcome in outcomes] == [Receipt, RejectedError, Receipt]


def test_a_rejection_of_a_single_record_is_an_outcome_and_never_raised(org: Org) -> None:
    org.graph = lambda _: error_reply(400, "JSON_PARSER_ERROR")

    [outcome] = deliver(org, make_record())

    assert isinstance(outcome, RejectedError)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (error_reply(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), ThrottledError),
        (error_reply(403, "API_DISABLED_FOR_ORG"), AccessRefusedError),
        (Reply(status=503, body=b"<html>"), OutcomeUnknownError),
        (Reply(raw=b""), OutcomeUnknownError),
    ],
)
def test_what_concerns_all_records_alike_is_raised(org: Org, reply: Reply, error: type[Exception]) -> None:
    org.graph = lambda _: reply

    with pytest.raises(error):
        deliver(org, make_record("1"), make_record("2"))

    assert len(org.graph_calls) == 1


def test_what_was_delivered_before_a_call_failed_is_not_lost(org: Org) -> None:
    replies = iter([1])
    org.graph = lambda asked: graphs_answer(asked, committed) if next(replies, None) else Reply(raw=b"")
    large = [
        make_record(str(index), lines=tuple(make_line(f"{index}-{row}") for row in range(400)))
        for index in range(3)
    ]

    outcomes = deliver(org, *large)

    assert [type(outcome) for outcome in outcomes] == [Receipt, OutcomeUnknownError, UnavailableError]
    assert "not sent" in outcomes[2].message


def test_a_graph_that_the_answer_leaves_out_is_in_doubt(org: Org) -> None:
    def leave_out(asked: Asked) -> Reply:
        reply = graphs_answer(asked, committed)
        return Reply(body={"graphs": reply.body["graphs"][1:]})

    org.graph = leave_out

    outcomes = deliver(org, make_record("1"), make_record("2"))

    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknownError, Receipt]


def test_lookup_takes_the_very_same_key_only(org: Org) -> None:
    rows = [{"Id": "1", "Docflo_Id__c": "KEY"}, {"Id": "2", "Docflo_Id__c": "other"}]
    org.query = lambda _: Reply(body={"done": True, "records": rows})

    with connected(org) as adapter:
        found = adapter.lookup([make_record("key"), make_record("other"), make_record("gone")])

    assert found[0] is None
    assert found[1] == Receipt(id="2", url=f"{org.server.url}/lightning/r/Invoice__c/2/view", created=False)
    assert found[2] is None


def test_lookup_that_finds_two_cannot_tell(org: Org) -> None:
    rows = [{"Id": "1", "Docflo_Id__c": "key"}, {"Id": "2", "Docflo_Id__c": "key"}]
    org.query = lambda _: Reply(body={"done": True, "records": rows})

    with connected(org) as adapter, pytest.raises(RejectedError, match="2 records have the same"):
        adapter.lookup([make_record("key")])


def header_shape(**parts: Any) -> RecordShape:
    values = {
        "object": "Invoice__c",
        "key_field": "Docflo_Id__c",
        "fields": ("Vendor__r.Tax_Id__c", "Number__c"),
    }
    return RecordShape(**{**values, **parts})


def test_check_of_an_org_that_fits_finds_no_error(org: Org) -> None:
    with connected(org) as adapter:
        findings = adapter.check([header_shape()])

    assert [finding.subject for finding in findings] == [
        "credentials",
        "api version",
        "api limit",
        "Invoice__c",
    ]
    assert {finding.severity for finding in findings} == {Severity.OK, Severity.WARNING}
    assert "5 of 100 calls" in findings[2].message
    assert {asked.method for asked in org.server.asked if asked.path != TOKEN} == {"GET"}


def test_check_sees_what_changed_in_setup_since(org: Org) -> None:
    with connected(org) as adapter:
        adapter.deliver([make_record()])
        del org.described["Invoice__c"]
        findings = adapter.check([header_shape()])

    assert findings[-1].severity is Severity.ERROR
    assert "no such object" in findings[-1].message


def test_check_without_access_is_one_finding_with_a_remedy(org: Org) -> None:
    org.server.answer = lambda _: Reply(
        status=400, body={"error": "invalid_client", "error_description": "x"}
    )

    with connected(org) as adapter:
        [finding] = adapter.check([header_shape()])

    assert (finding.severity, finding.subject) == (Severity.ERROR, "credentials")
    assert "consumer_key" in finding.remedy


def test_check_names_the_api_versions_that_are_offered(org: Org) -> None:
    adapter = SalesforceAdapter(make_settings(org.server.url, api_version="99.0"), clock=org.clock)

    findings = adapter.check([])

    adapter.close()
    [finding] = [finding for finding in findings if finding.subject == "api version"]
    assert finding.severity is Severity.ERROR
    assert "65.0, 66.0" in finding.message


def test_check_of_one_object_that_fails_tells_the_others(org: Org) -> None:
    org.described["Account"] = {"name": "Account"}

    with connected(org) as adapter:
        findings = adapter.check([header_shape(), header_shape(fields=("Number__c",))])

    assert [(finding.subject, finding.severity) for finding in findings[-2:]] == [
        ("Invoice__c", Severity.ERROR),
        ("Invoice__c", Severity.OK),
    ]


def test_usage_of_the_org_is_known_after_a_call(org: Org) -> None:
    org.graph = lambda asked: Reply(
        body=graphs_answer(asked, committed).body, headers={"Sforce-Limit-Info": "api-usage=9/100"}
    )

    with connected(org) as adapter:
        adapter.deliver([make_record()])

        assert adapter.api_usage is not None
        assert adapter.api_usage.used == 9


def duplicates(*ids: str) -> dict[str, Any]:
    matches = [{"record": {"attributes": {"type": "Invoice__c"}, "Id": each}} for each in ids]
    found = {"duplicateRule": "Invoices", "allowSave": True, "matchResults": [{"matchRecords": matches}]}
    return {
        "errorCode": "DUPLICATES_DETECTED",
        "message": "Use one of these records?",
        "duplicateResut": found,
    }


def _is_duplicate(node: Node, *ids: str) -> Node:
    if "Docflo_Id__c/k" not in node["url"]:
        return committed(node)
    return {"referenceId": node["referenceId"], "httpStatusCode": 400, "body": [duplicates(*ids)]}


def test_a_duplicate_is_blocked_and_named(org: Org) -> None:
    org.judge = lambda node: _is_duplicate(node, "a01")

    [outcome] = deliver(org, make_record("k"))

    assert isinstance(outcome, RejectedError)
    assert "found a01" in outcome.message


def test_duplicates_are_saved_where_the_setting_says_so(org: Org) -> None:
    with connected(org, duplicates="allow") as adapter:
        adapter.deliver([make_record("k")])

    [call] = [asked for asked in org.server.asked if asked.path.endswith("/graph")]
    assert call.headers["sforce-duplicate-rule-header"] == "allowSave=true"


def test_the_one_match_is_written_into_and_gets_our_key(org: Org) -> None:
    org.judge = lambda node: _is_duplicate(node, "a01")
    org.query = lambda asked: (
        Reply(body={"done": True, "records": [{"Id": "a01", "Docflo_Id__c": None}]})
        if "a01" in asked.path
        else _existing_rows()
    )

    with connected(org, duplicates="use_match") as adapter:
        outcomes = adapter.deliver([with_lines("k")])

    assert isinstance(outcomes[0], Receipt)
    assert (outcomes[0].id, outcomes[0].created) == ("a01", False)
    header, line, _ = org.graph_calls[-1][0]["compositeRequest"]
    assert header["url"].endswith("/Invoice__c/a01")
    assert header["body"]["Docflo_Id__c"] == "k"
    assert line["body"]["Invoice__c"] == "a01"


@pytest.mark.parametrize("matches", [("a01", "a02"), ("a01",), ()])
def test_a_match_that_is_not_ours_to_take_is_left_alone(org: Org, matches: tuple[str, ...]) -> None:
    taken = {"Id": "a01", "Docflo_Id__c": "another document"}
    org.judge = lambda node: _is_duplicate(node, *matches)
    org.query = lambda asked: (
        Reply(body={"done": True, "records": [taken]}) if "a01" in asked.path else _existing_rows()
    )

    with connected(org, duplicates="use_match") as adapter:
        outcomes = adapter.deliver([with_lines("k"), with_lines("l")])

    assert [type(outcome) for outcome in outcomes] == [RejectedError, Receipt]


def test_a_right_that_one_record_lacks_is_its_own_and_one_that_all_lack_is_the_users(org: Org) -> None:
    org.judge = lambda node: (
        refused(node, "INSUFFICIENT_ACCESS_OR_READONLY") if "/bad" in node["url"] else committed(node)
    )

    one = deliver(org, make_record("bad"), make_record("good"))

    assert [type(outcome) for outcome in one] == [RejectedError, Receipt]
    with pytest.raises(AccessRefusedError, match="all 2 records"):
        deliver(org, make_record("bad1"), make_record("bad2"))


def test_a_code_that_nobody_knows_is_parked_with_all_that_was_said(org: Org) -> None:
    body = [{"errorCode": "NEW_IN_V70", "message": "no", "hint": {"see": "page 9"}}]
    org.judge = lambda node: {"referenceId": node["referenceId"], "httpStatusCode": 400, "body": body}

    [outcome] = deliver(org, make_record())

    assert isinstance(outcome, RejectedError)
    assert '"see":"page 9"' in outcome.message


def test_companions_go_first_and_are_named_by_reference(org: Org) -> None:
    vendor = make_record("51", object="Account", key_field="Tax_Id__c", fields={"Name": "Nordwind"})
    record = make_record("k", fields={"Vendor__r.Tax_Id__c": "51"}, companions=(vendor,))

    [receipt] = deliver(org, record)

    companion, header = org.graph_calls[0][0]["compositeRequest"]
    assert receipt.id == "id-of-k"
    assert companion["url"].endswith("/Account/Tax_Id__c/51")
    assert header["body"] == {"Vendor__c": "@{companion1.id}"}


def test_a_name_that_is_no_companions_stays_as_it_is(org: Org) -> None:
    vendor = make_record("51", object="Account", key_field="Tax_Id__c", fields={"Name": "Nordwind"})

    deliver(org, make_record("k", fields={"Vendor__r.Tax_Id__c": "52"}, companions=(vendor,)))

    assert org.graph_calls[0][0]["compositeRequest"][1]["body"] == {"Vendor__r": {"Tax_Id__c": "52"}}


def test_lookups_of_mappings_are_one_query_each_kind(org: Org) -> None:
    rows = [
        {"Tax_Id__c": "de51", "Id": "1"},
        {"Tax_Id__c": "DE51", "Id": "2"},
        {"Tax_Id__c": "7", "Id": None},
    ]
    org.query = lambda _: Reply(body={"done": True, "records": rows})
    asked = [
        TargetQuery(object="Account", field="Tax_Id__c", value=value, wanted="Id")
        for value in ("DE51", "7", "8")
    ]

    with connected(org) as adapter:
        found = adapter.query(asked)

    assert [found[query] for query in asked] == [("1", "2"), (), ()]
    assert queries(org) == ["SELECT Tax_Id__c, Id FROM Account WHERE Tax_Id__c IN ('DE51','7','8')"]


def test_a_spent_share_of_calls_stops_before_anything_is_sent(org: Org) -> None:
    org.graph = lambda asked: Reply(
        body=graphs_answer(asked, committed).body, headers={"Sforce-Limit-Info": "api-usage=90/100"}
    )

    with connected(org) as adapter:
        adapter.deliver([make_record("1")])
        with pytest.raises(ThrottledError, match="our share is spent"):
            adapter.deliver([make_record("2")])

    assert len(org.graph_calls) == 1


def test_large_documents_leave_the_reserve_to_small_ones(org: Org) -> None:
    org.graph = lambda asked: Reply(
        body=graphs_answer(asked, committed).body, headers={"Sforce-Limit-Info": "api-usage=81/100"}
    )
    large = make_record("large", lines=tuple(make_line(f"large:{row}") for row in range(30)))

    with connected(org) as adapter:
        adapter.deliver([make_record("1")])
        outcomes = adapter.deliver([large, make_record("2")])

    assert [type(outcome) for outcome in outcomes] == [BusyError, Receipt]


def test_a_parent_that_loses_three_locks_gets_one_document_a_call(org: Org) -> None:
    org.judge = lambda node: (
        refused(node, "UNABLE_TO_LOCK_ROW") if "/Invoice__c/" in node["url"] else committed(node)
    )
    records = [make_record(str(at), fields={"Vendor__r.Tax_Id__c": "51"}) for at in range(2)]

    with connected(org) as adapter:
        for _ in range(3):
            adapter.deliver(records)
        stranger = adapter.deliver([*records, make_record("free", fields={"Vendor__r.Tax_Id__c": "52"})])[-1]

    assert isinstance(stranger, UnavailableError)
    assert [len(call) for call in org.graph_calls] == [2, 2, 1, 1, 1, 1, 1]

"""Composite graphs: whole or not at all, each for itself, within the documented limits."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.salesforce.org import Org, code, decoded

DATA = "/services/data/v66.0"
HALTED = [
    {
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
        "errorCode": "PROCESSING_HALTED",
    }
]


def node(reference: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    found: dict[str, Any] = {"method": method, "url": DATA + path, "referenceId": reference}
    return found if body is None else {**found, "body": body}


def header(key: str, **fields: object) -> dict[str, Any]:
    return node("hdr", "PATCH", f"/sobjects/Invoice__c/Docflo_Id__c/{key}", fields)


def line(number: int, key: str, **fields: object) -> dict[str, Any]:
    return node(
        f"l{number}",
        "PATCH",
        f"/sobjects/Invoice_Line__c/Docflo_Key__c/{key}%3A{number}",
        {"Invoice__c": "@{hdr.id}", **fields},
    )


def graph(graph_id: str, *nodes: object) -> dict[str, Any]:
    return {"graphId": graph_id, "compositeRequest": list(nodes)}


def invoice(key: str, **fields: object) -> dict[str, Any]:
    return graph(f"d{key}", header(key, **fields), line(1, key), line(2, key))


def snapshot(org: Org) -> dict[str, Any]:
    return {name: org.sandbox.rows(name) for name in ("Account", "Invoice__c", "Invoice_Line__c")}


def nodes_of(found: Any) -> list[dict[str, Any]]:
    return list(found["graphResponse"]["compositeResponse"])


def test_a_header_and_its_lines_are_created_together(org: Org) -> None:
    body = {"Total__c": Decimal("11.50")}
    answer = org.graphs(graph("d1", header("64af", **body), line(1, "64af", Amount__c=Decimal("1.10"))))
    assert answer.status_code == 200
    (only,) = answer.json()["graphs"]
    (invoice_row,) = org.sandbox.rows("Invoice__c")
    (line_row,) = org.sandbox.rows("Invoice_Line__c")
    assert (only["graphId"], only["isSuccessful"]) == ("d1", True)
    assert nodes_of(only)[0] == {
        "body": {"id": invoice_row["Id"], "success": True, "errors": [], "created": True},
        "httpHeaders": {"Location": f"{DATA}/sobjects/Invoice__c/{invoice_row['Id']}"},
        "httpStatusCode": 201,
        "referenceId": "hdr",
    }
    assert line_row["Invoice__c"] == invoice_row["Id"]
    assert line_row["Docflo_Key__c"] == "64af:1"
    assert (str(invoice_row["Total__c"]), str(line_row["Amount__c"])) == ("11.50", "1.10")


def test_a_reference_resolves_when_the_header_is_only_updated(org: Org) -> None:
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "64af"})
    (only,) = org.graphs(invoice("64af")).json()["graphs"]
    assert [found["httpStatusCode"] for found in nodes_of(only)] == [200, 201, 201]


def test_a_graph_reads_creates_updates_and_deletes_by_id(org: Org) -> None:
    record_id = org.sandbox.insert("Invoice__c", {"Number__c": "7"})
    gone = org.sandbox.insert("Invoice__c", {})
    (only,) = org.graphs(
        graph(
            "g",
            node("r", "GET", f"/sobjects/Invoice__c/{record_id}"),
            node(
                "c", "POST", "/sobjects/Invoice__c", {"Number__c": "@{r.Number__c}", "Notes__c": "no @{r.Id}"}
            ),
            node("u", "PATCH", "/sobjects/Invoice__c/@{c.id}", {"PO_Number__c": "p"}),
            node("d", "DELETE", f"/sobjects/Invoice__c/{gone}"),
        )
    ).json()["graphs"]
    assert [(found["httpStatusCode"], found["body"] is None) for found in nodes_of(only)] == [
        (200, False),
        (201, False),
        (204, True),
        (204, True),
    ]
    created = org.sandbox.rows("Invoice__c")[1]
    assert (created["Number__c"], created["Notes__c"], created["PO_Number__c"]) == (
        "7",
        f"no {record_id}",
        "p",
    )


def test_a_number_taken_from_another_node_stays_a_number(org: Org) -> None:
    record_id = org.sandbox.insert("Invoice__c", {"Total__c": Decimal("11.50")})
    org.graphs(
        graph(
            "g",
            node("r", "GET", f"/sobjects/Invoice__c/{record_id}"),
            node("c", "POST", "/sobjects/Invoice__c", {"Total__c": "@{r.Total__c}"}),
        )
    )
    assert str(org.sandbox.rows("Invoice__c")[1]["Total__c"]) == "11.50"


def test_a_failed_node_rolls_back_its_graph_and_names_itself(org: Org) -> None:
    nodes = (header("64af"), line(1, "64af", CurrencyIsoCode="XXX"), line(2, "64af"))
    answer = org.graphs(graph("d1", *nodes))
    assert answer.status_code == 200
    (only,) = answer.json()["graphs"]
    assert only["isSuccessful"] is False
    before, culprit, after = nodes_of(only)
    assert (before["httpStatusCode"], before["body"]) == (400, HALTED)
    assert (after["httpStatusCode"], after["body"]) == (400, HALTED)
    assert culprit["httpStatusCode"] == 400
    assert culprit["body"][0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert culprit["httpHeaders"] == {}


def test_a_rollback_leaves_the_store_exactly_as_before(org: Org) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    kept = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1", "Number__c": "7", "Vendor__c": vendor})
    org.sandbox.insert("Invoice_Line__c", {"Docflo_Key__c": "1:1", "Invoice__c": kept})
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "2"})
    before = snapshot(org)
    (only,) = org.graphs(
        graph(
            "g",
            node("new", "POST", "/sobjects/Invoice__c", {"Docflo_Id__c": "3"}),
            node("upd", "PATCH", f"/sobjects/Invoice__c/{kept}", {"Number__c": "8", "Docflo_Id__c": "9"}),
            node("acc", "DELETE", f"/sobjects/Account/{vendor}"),
            node("del", "DELETE", f"/sobjects/Invoice__c/{kept}"),
            node("bad", "POST", "/sobjects/Account", {}),
        )
    ).json()["graphs"]
    assert nodes_of(only)[-1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert snapshot(org) == before
    assert org.sandbox.journal.effects == ()
    assert org.send("GET", f"/sobjects/Invoice__c/{kept}").status_code == 200
    assert org.upsert("Invoice__c", "Docflo_Id__c", "1", {}).json()["id"] == kept
    assert org.upsert("Invoice__c", "Docflo_Id__c", "3", {}).status_code == 201
    assert org.upsert("Invoice__c", "Docflo_Id__c", "9", {}).status_code == 201


def test_a_rolled_back_record_never_existed(org: Org) -> None:
    org.graphs(graph("g", header("1"), node("bad", "POST", "/sobjects/Account", {})))
    created = org.sandbox.insert("Invoice__c", {})
    rolled_back = f"{created[:14]}1"
    assert created[14] == "2"
    assert code(org.send("GET", f"/sobjects/Invoice__c/{rolled_back}")) == (404, "NOT_FOUND")


def test_deleting_a_line_that_is_gone_fails_the_whole_graph(org: Org) -> None:
    parent = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "64af"})
    gone = org.sandbox.insert("Invoice_Line__c", {"Invoice__c": parent})
    org.send("DELETE", f"/sobjects/Invoice_Line__c/{gone}")
    nodes = (header("64af", Number__c="8"), node("x1", "DELETE", f"/sobjects/Invoice_Line__c/{gone}"))
    (only,) = org.graphs(graph("g", *nodes)).json()["graphs"]
    assert nodes_of(only)[1]["httpStatusCode"] == 404
    assert nodes_of(only)[1]["body"][0]["errorCode"] == "ENTITY_IS_DELETED"
    assert org.sandbox.rows("Invoice__c")[0]["Number__c"] is None


def test_what_other_graphs_did_stays(org: Org) -> None:
    answer = org.graphs(invoice("1"), invoice("2", Totl__c=1), invoice("3"))
    assert [found["isSuccessful"] for found in answer.json()["graphs"]] == [True, False, True]
    assert [row["Docflo_Id__c"] for row in org.sandbox.rows("Invoice__c")] == ["1", "3"]
    assert len(org.sandbox.journal.effects) == 6


def test_after_more_than_14_failures_the_remaining_graphs_are_not_tried(org: Org) -> None:
    bad = [invoice(str(number), Totl__c=1) for number in range(15)]
    answers = org.graphs(invoice("first"), *bad, invoice("last")).json()["graphs"]
    assert [found["isSuccessful"] for found in answers] == [True, *[False] * 16]
    assert nodes_of(answers[15])[0]["body"][0]["errorCode"] == "INVALID_FIELD"
    assert [found["body"] for found in nodes_of(answers[16])] == [HALTED] * 3
    assert [row["Docflo_Id__c"] for row in org.sandbox.rows("Invoice__c")] == ["first"]


def test_with_14_failures_the_next_graph_is_still_tried(org: Org) -> None:
    bad = [invoice(str(number), Totl__c=1) for number in range(14)]
    assert org.graphs(*bad, invoice("last")).json()["graphs"][-1]["isSuccessful"] is True


def test_the_whole_request_is_one_call(org: Org) -> None:
    answer = org.graphs(*[invoice(str(number)) for number in range(20)])
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/100000"
    assert org.sandbox.journal.count() == {"graph": 1}


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("@{nobody.id}", "nobody.id"),
        ("@{later.id}", "later.id"),
        ("@{hdr.Id}", "hdr.Id"),
        ("@{hdr.errors[0].message}", "hdr.errors[0].message"),
        ("@{hdr}", "hdr"),
        ("@{see above}", "see above"),
    ],
)
def test_a_reference_without_a_value_fails_the_graph_even_inside_a_text(
    org: Org, reference: str, shown: str
) -> None:
    nodes = (
        header("1"),
        node("c", "POST", "/sobjects/Invoice__c", {"Notes__c": f"text {reference}"}),
        node("later", "POST", "/sobjects/Invoice__c", {}),
    )
    (only,) = org.graphs(graph("g", *nodes)).json()["graphs"]
    (error,) = nodes_of(only)[1]["body"]
    assert error["errorCode"] == "PROCESSING_HALTED"
    assert error["message"].startswith(f"Invalid reference specified. No value for {shown} found in")
    assert org.sandbox.rows("Invoice__c") == ()


def test_references_do_not_cross_graphs(org: Org) -> None:
    answers = org.graphs(graph("a", header("1")), graph("b", line(1, "1"))).json()["graphs"]
    assert [found["isSuccessful"] for found in answers] == [True, False]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/query?q=SELECT+Id+FROM+Account"),
        ("GET", "/sobjects/Account/describe"),
        ("POST", "/composite/graph"),
        ("POST", "/composite/sobjects"),
        ("PATCH", "/sobjects/Account"),
        ("PUT", "/sobjects/Account/001"),
    ],
)
def test_only_single_records_can_be_nodes(org: Org, method: str, path: str) -> None:
    answers = org.graphs(graph("a", node("n", method, path, {})), invoice("1")).json()["graphs"]
    assert [found["isSuccessful"] for found in answers] == [False, True]
    assert nodes_of(answers[0])[0]["body"][0]["errorCode"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    "url", ["/sobjects/Invoice__c", "https://other.example/services/data/v66.0/sobjects/Account"]
)
def test_a_nodes_url_is_a_path_from_the_root(org: Org, url: str) -> None:
    found = {"method": "POST", "url": url, "referenceId": "n", "body": {}}
    (only,) = org.graphs(graph("a", found)).json()["graphs"]
    assert only["isSuccessful"] is False


def test_a_node_of_a_retired_version_fails(org: Org) -> None:
    found = {
        "method": "POST",
        "url": "/services/data/v30.0/sobjects/Invoice__c",
        "referenceId": "n",
        "body": {},
    }
    (only,) = org.graphs(graph("a", found)).json()["graphs"]
    assert nodes_of(only)[0]["httpStatusCode"] == 410


@pytest.mark.parametrize("graph_id", ["", "-d1", "_d1", "d.1", "d" * 40, None, 7])
def test_a_graph_id_outside_the_rules_is_refused(org: Org, graph_id: Any) -> None:
    assert code(org.graphs(graph(graph_id, header("1")))) == (400, "INVALID_INPUT")
    assert org.sandbox.rows("Invoice__c") == ()


@pytest.mark.parametrize("graph_id", ["1", "d" * 39, "d-1_x:y"])
def test_a_graph_id_within_the_rules_is_accepted(org: Org, graph_id: str) -> None:
    assert org.graphs(graph(graph_id, header("1"))).json()["graphs"][0]["graphId"] == graph_id


@pytest.mark.parametrize(
    "graphs",
    [
        [],
        [graph("a", header("1")), graph("a", header("2"))],
        [graph("a")],
        [graph("a", header("1"), header("2"))],
        [graph("a", {**header("1"), "referenceId": "h-1"})],
        [graph("a", {**header("1"), "referenceId": None})],
        [graph("a", {"referenceId": "x", "method": "GET"})],
        ["a"],
    ],
)
def test_a_request_that_breaks_the_rules_writes_nothing(org: Org, graphs: list[Any]) -> None:
    assert code(org.graphs(*graphs)) == (400, "INVALID_INPUT")
    assert org.sandbox.rows("Invoice__c") == ()


def many(count: int) -> list[dict[str, Any]]:
    return [node(f"n{number}", "POST", "/sobjects/Invoice__c", {}) for number in range(count)]


def chain(length: int) -> list[dict[str, Any]]:
    first, *others = many(length)
    return [
        first,
        *[{**found, "body": {"Notes__c": f"@{{n{place}.id}}"}} for place, found in enumerate(others)],
    ]


def kinds(count: int) -> list[dict[str, Any]]:
    return [
        {
            "method": "POST",
            "url": f"/services/data/v{50 + number}.0/sobjects/Invoice__c",
            "referenceId": f"n{number}",
        }
        | {"body": {}}
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ([graph("a", *many(500))], [graph("a", *many(400)), graph("b", *many(101))]),
        (
            [graph(f"g{number}", *many(1)) for number in range(75)],
            [graph(f"g{number}", *many(1)) for number in range(76)],
        ),
        ([graph("a", *chain(15))], [graph("a", *chain(16))]),
        ([graph("a", *kinds(15))], [graph("a", *kinds(8)), graph("b", *kinds(16)[8:])]),
    ],
    ids=["nodes", "graphs", "depth", "kinds"],
)
def test_a_limit_can_be_reached_and_not_passed(org: Org, within: list[Any], beyond: list[Any]) -> None:
    assert code(org.graphs(*beyond)) == (400, "LIMIT_EXCEEDED")
    assert org.sandbox.rows("Invoice__c") == ()
    assert all(found["isSuccessful"] for found in decoded(org.graphs(*within))["graphs"])

from typing import Any

import pytest

from connector.adapters.salesforce.answers import Committed, NotTried, Refused, Unclear, read_results
from connector.adapters.salesforce.faults import Fault
from connector.adapters.salesforce.graph import Graph, build_graph
from connector.adapters.salesforce.held import Held
from connector.adapters.salesforce.plan import make_plan
from connector.adapters.salesforce.rules import Rules
from tests.factories import make_line, make_record

PLACES = {"header": "Invoice__c", "line1": "Invoice_Line__c line 1"}
CULPRIT = Refused(faults={"line1": Fault(status=400, code="C", message="m")}, places=PLACES)


def graph(position: int = 0, lines: int = 1) -> Graph:
    record = make_record(str(position), lines=tuple(make_line(f"{position}:{row}") for row in range(lines)))
    return build_graph(make_plan(record, {}, Rules(), Held()), version="66.0", position=position)


def node(reference: str, status: int, body: Any) -> dict[str, Any]:
    return {"referenceId": reference, "httpStatusCode": status, "body": body, "httpHeaders": {}}


def saved(reference: str, record_id: str = "a0A", *, created: bool = True) -> dict[str, Any]:
    body = {"id": record_id, "success": True, "errors": [], "created": created}
    return node(reference, 201 if created else 200, body)


def halted(reference: str) -> dict[str, Any]:
    return node(reference, 400, [{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}])


def refused(reference: str, code: str = "C", message: str = "m") -> dict[str, Any]:
    return node(reference, 400, [{"errorCode": code, "message": message, "fields": []}])


def answer(*nodes: dict[str, Any], success: object = True, graph_id: str = "g1") -> dict[str, Any]:
    return {"graphId": graph_id, "isSuccessful": success, "graphResponse": {"compositeResponse": list(nodes)}}


def result_of(*nodes: dict[str, Any], success: object = True) -> object:
    return read_results({"graphs": [answer(*nodes, success=success)]}, [graph()])[0]


@pytest.mark.parametrize("created", [True, False])
def test_a_committed_graph_gives_the_id_of_its_header(created: bool) -> None:  # noqa: FBT001 a parameter of the test
    result = result_of(saved("line1", "a0L"), saved("header", "a0H", created=created))

    assert result == Committed(header_id="a0H", created=created)


def test_the_culprit_is_found_among_the_halted() -> None:
    result = result_of(halted("header"), refused("line1"), success=False)

    assert result == CULPRIT


def test_a_body_that_is_an_object_is_read_like_an_array() -> None:
    bad = node("line1", 400, {"errorCode": "C", "message": "m"})

    assert result_of(halted("header"), bad, success=False) == CULPRIT


def test_several_records_with_one_key_are_a_culprit() -> None:
    result = result_of(
        node("header", 300, ["/services/data/v66.0/sobjects/X/1"]), halted("line1"), success=False
    )

    assert isinstance(result, Refused)
    assert result.faults["header"].status == 300


def test_a_graph_whose_parts_are_all_halted_was_not_tried() -> None:
    assert result_of(halted("header"), halted("line1"), success=False) == NotTried()


def test_graphs_are_matched_by_id_and_never_by_position() -> None:
    body = {"graphs": [
        answer(saved("header", "second"), graph_id="g2"),
        answer(saved("header", "first"), graph_id="g1"),
    ]}  # fmt: skip

    results = read_results(body, [graph(0, 0), graph(1, 0)])

    assert [result.header_id for result in results if isinstance(result, Committed)] == ["first", "second"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "graphs",
        {"graphs": None},
        {"graphs": [None, 1]},
        {"graphs": [{"graphId": 1}]},
        {"graphs": [answer(saved("header"), saved("line1"), graph_id="g9")]},
        {"graphs": [{"graphId": "g1"}]},
        {"graphs": [answer(success=False)]},
        {"graphs": [answer(saved("header"), saved("line1"), success=False)]},
        {"graphs": [answer(saved("header"), saved("line1"), success="true")]},
        {"graphs": [answer(saved("header"))]},
        {"graphs": [answer(saved("header"), refused("line1"))]},
        {"graphs": [answer(node("header", 204, None), saved("line1"))]},
        {"graphs": [answer(node("header", 200, {"success": True}), saved("line1"))]},
        {"graphs": [answer(saved("header", ""), saved("line1"))]},
        {"graphs": [{"graphId": "g1", "isSuccessful": True, "graphResponse": []}]},
    ],
    ids=str,
)
def test_an_answer_that_does_not_tell_leaves_the_graph_in_doubt(body: object) -> None:
    assert isinstance(read_results(body, [graph()])[0], Unclear)

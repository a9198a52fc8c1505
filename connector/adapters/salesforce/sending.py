"""Sends graphs and gives one result for each, whatever becomes of the calls that carry them."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TypeAlias

from connector.adapters.salesforce.answers import GraphResult, NotTried, Refused, read_results
from connector.adapters.salesforce.faults import DUPLICATE_VALUE, NOT_WRITEABLE, Fault
from connector.adapters.salesforce.graph import (
    HEADER,
    Graph,
    LineKey,
    Shapes,
    build_graph,
    call_body,
    fold,
    pack,
)
from connector.adapters.salesforce.soql import find_by_key
from connector.adapters.salesforce.transport import Transport
from connector.errors import ConnectorError, OutcomeUnknownError, RejectedError, UnavailableError

Results: TypeAlias = Mapping[int, GraphResult | ConnectorError]
"""By the record's position in the batch: what its graph came to, or what refused the call that carried it."""


def send(
    transport: Transport, version: str, graphs: Iterable[Graph]
) -> dict[int, GraphResult | ConnectorError]:
    """Send graphs in as few calls as possible.

    A call that Salesforce refuses as a whole is sent again graph by graph, so that what is wrong with one
    record touches no other. Any other failure of a call ends the sending: the next call would meet it too.
    """
    results: dict[int, GraphResult | ConnectorError] = {}
    calls = deque(pack(graphs))
    while calls:
        call = calls.popleft()
        try:
            body = transport.write(f"/services/data/v{version}/composite/graph", call_body(call))
        except RejectedError as error:
            if len(call) > 1:
                calls.extendleft((graph,) for graph in reversed(call))
            else:
                results[call[0].position] = error
        except ConnectorError as error:
            results |= {graph.position: error for graph in call}
            results |= {graph.position: _not_sent(error) for graph in chain.from_iterable(calls)}
            break
        else:
            results |= zip((graph.position for graph in call), read_results(body, call), strict=True)
    return results


def _not_sent(error: ConnectorError) -> ConnectorError:
    if isinstance(error, OutcomeUnknownError):
        return UnavailableError("not sent: the call before it got no answer")
    return error


def second_try(
    transport: Transport, version: str, graphs: Sequence[Graph], results: Results, shapes: Shapes
) -> tuple[list[Graph], dict[int, ConnectorError]]:
    """Give the graphs that one more try may bring through, and the errors of finding that out.

    - Not tried: Salesforce stopped at the 14th failure of their call.
    - Duplicate value: someone else was inserting the same key just then; now it is there to be updated.
    - A parent that cannot be changed: it may be named when a line is inserted and not when it is updated, so
      the lines that exist are asked for and sent without it. Asking only now keeps a first delivery, which is
      nearly every delivery, at one call; and it also heals a line whose insert was still running.
    """
    parents = [graph for graph in graphs if _parent_refused(graph, results[graph.position], shapes)]
    again = [graph for graph in graphs if _is_worth_repeating(results[graph.position])]
    if not parents:
        return again, {}
    # Those that were not tried would meet the same refusal.
    affected = [*parents, *again]
    try:
        attached = _attached_lines(transport, version, affected, shapes)
    except ConnectorError as error:
        return [], {graph.position: error for graph in affected}
    rebuilt = [
        build_graph(graph.record, shapes, version=version, position=graph.position, attached=attached)
        for graph in affected
    ]
    return rebuilt, {}


def _is_worth_repeating(result: GraphResult | ConnectorError) -> bool:
    if isinstance(result, Refused):
        return all(fault.code == DUPLICATE_VALUE for fault in result.faults.values())
    return isinstance(result, NotTried)


def _parent_refused(graph: Graph, result: GraphResult | ConnectorError, shapes: Shapes) -> bool:
    return isinstance(result, Refused) and any(
        _names_fixed_parent(graph, reference, fault, shapes) for reference, fault in result.faults.items()
    )


def _names_fixed_parent(graph: Graph, reference: str, fault: Fault, shapes: Shapes) -> bool:
    if fault.code != NOT_WRITEABLE or reference == HEADER or reference not in graph.places:
        return False
    line = graph.record.lines[int(reference.removeprefix("line")) - 1]
    shape = shapes.get(line.object)
    parent = shape.field(line.parent_field) if shape and line.parent_field else None
    return parent is not None and parent.createable and not parent.updateable


def _attached_lines(
    transport: Transport, version: str, graphs: Sequence[Graph], shapes: Shapes
) -> frozenset[LineKey]:
    keys: dict[tuple[str, str], list[str]] = {}
    for line in chain.from_iterable(graph.record.lines for graph in graphs):
        keys.setdefault((line.object, line.key_field), []).append(line.key)
    return frozenset(
        (object_name, fold(key, key_field, shapes.get(object_name)))
        for (object_name, key_field), wanted in keys.items()
        for key in find_by_key(transport.read, version, object_name, key_field, wanted)
    )

"""Sends graphs and gives one result for each, whatever becomes of the calls that carry them."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TypeAlias, TypeGuard

from connector.adapters.salesforce.answers import GraphResult, NotTried, Refused, read_results
from connector.adapters.salesforce.faults import Kind, rule_for
from connector.adapters.salesforce.graph import Graph
from connector.adapters.salesforce.packing import Pace, call_body, pack
from connector.adapters.salesforce.transport import Transport
from connector.errors import (
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TemporaryError,
    UnavailableError,
)

Result: TypeAlias = GraphResult | ConnectorError
"""What a graph came to, or what refused the call that carried it."""

Results: TypeAlias = dict[int, Result]
"""By the record's position in the batch."""

_TOO_MUCH_AT_ONCE = frozenset({Kind.SHRINK, Kind.GOVERNOR})


def send(transport: Transport, version: str, graphs: Iterable[Graph], pace: Pace) -> Results:
    """Give results by the position of the record. Send in as few calls as possible.

    - A call that is refused as a whole travels again in halves: one bad record touches no other.
    - So do the graphs that were too much at once for the org.
    - Graphs that were not tried, because others of their call failed, travel again without those.

    Any other failure of a call ends the sending: the next call would meet it too.
    """
    results: Results = {}
    calls = deque(pack(graphs, pace.nodes))
    while calls:
        call = calls.popleft()
        try:
            body = transport.write(f"/services/data/v{version}/composite/graph", call_body(call))
        except RejectedError as error:
            if len(call) == 1:
                results[call[0].position] = error
            calls.extendleft(reversed(_halves(call)))
        except ConnectorError as error:
            if isinstance(error, TemporaryError):
                pace.slow_down()
            results |= {graph.position: error for graph in call}
            results |= {graph.position: not_sent(error) for graph in chain.from_iterable(calls)}
            break
        else:
            answers = dict(zip(call, read_results(body, call), strict=True))
            again = [*_not_tried(answers), *_smaller(answers, pace)]
            _keep_pace(answers.values(), pace)
            calls.extendleft(reversed(again))
            results |= {graph.position: answer for graph, answer in answers.items()}
    return results


def stops(result: Result) -> TypeGuard[ConnectorError]:
    """Tell whether a call failed in a way that the next one would meet too."""
    return isinstance(result, ConnectorError) and not isinstance(result, RejectedError)


def not_sent(error: ConnectorError) -> ConnectorError:
    """Give what becomes of those that would have travelled after a call that failed."""
    if isinstance(error, OutcomeUnknownError):
        return UnavailableError("not sent: the call before it got no answer")
    return error


def _halves(call: Sequence[Graph]) -> list[tuple[Graph, ...]]:
    middle = len(call) // 2
    return [tuple(call[:middle]), tuple(call[middle:])] if middle else []


def _not_tried(answers: Mapping[Graph, GraphResult]) -> list[tuple[Graph, ...]]:
    innocent = [graph for graph, answer in answers.items() if isinstance(answer, NotTried)]
    # Of a call in which nothing was tried, trying the same again would go on for ever.
    return list(pack(innocent)) if len(innocent) < len(answers) else []


def _smaller(answers: Mapping[Graph, GraphResult], pace: Pace) -> list[tuple[Graph, ...]]:
    too_much = [graph for graph, answer in answers.items() if _is_too_much(answer)]
    if not too_much:
        return []
    pace.slow_down()
    if len(answers) == 1:
        return []
    return _halves(too_much) or [tuple(too_much)]


def _is_too_much(answer: GraphResult) -> bool:
    return isinstance(answer, Refused) and all(
        rule_for(fault).kind in _TOO_MUCH_AT_ONCE for fault in answer.faults.values()
    )


def _keep_pace(answers: Iterable[GraphResult], pace: Pace) -> None:
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    if refused:
        pace.failed(len(refused))
    else:
        pace.went_well()

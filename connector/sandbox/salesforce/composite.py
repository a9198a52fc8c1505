"""Composite: up to 25 requests in one, which may refer to each other's answers."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import Answer
from connector.sandbox.salesforce.addresses import Target, target_of
from connector.sandbox.salesforce.perform import Visit, perform
from connector.sandbox.salesforce.placeholders import mentioned, resolved
from connector.sandbox.salesforce.subrequests import (
    HALTED,
    Node,
    listed,
    node_answer,
    read_node,
    refuse_beyond,
    refuse_repeated,
)

MOST_NODES = 25
MOST_QUERIES_AND_COLLECTIONS = 5


class _RolledBackError(Exception):
    pass


def read_composite(body: object) -> tuple[Node, ...]:
    """Read a request's body and hold it against the limits.

    Raises: ApiError 400.
    """
    nodes = tuple(read_node(item) for item in listed(body, "compositeRequest"))
    refuse_beyond("composite", "subrequests", len(nodes), MOST_NODES)
    costly = [node for node in nodes if _is_costly(_target(node.method, node.url))]
    refuse_beyond("composite", "query and collection subrequests", len(costly), MOST_QUERIES_AND_COLLECTIONS)
    refuse_repeated("referenceId", [node.reference_id for node in nodes])
    return nodes


async def run_composite(visit: Visit, body: object) -> dict[str, Any]:
    """Run the subrequests; give the answer's body, which is sent with 200 whatever became of them."""
    nodes = read_composite(body)
    order = nodes
    if visit.org.options.shuffle_composite is not None and _may_collate(body):
        order = _shuffled(nodes, random.Random(visit.org.options.shuffle_composite))
    if isinstance(body, dict) and body.get("allOrNone") is True:
        answers = await visit.org.keep(lambda: _all_or_none(visit, order))
    else:
        answers = {}
        bodies: dict[str, Any] = {}
        for node in order:
            answers[node.reference_id] = await visit.org.keep(
                lambda node=node: _one(visit, node, bodies)  # type: ignore[misc]  # bound for its own turn
            )
    return {"compositeResponse": [answers[node.reference_id] for node in nodes]}


def _all_or_none(visit: Visit, nodes: Sequence[Node]) -> dict[str, dict[str, Any]]:
    """Run all in one transaction.

    A collection among them keeps its own answer when everything is undone: it may show success and ids.
    """
    answers: dict[str, dict[str, Any]] = {}
    bodies: dict[str, Any] = {}
    try:
        with visit.org.store.savepoint():
            for node in nodes:
                answers[node.reference_id] = answer = _one(visit, node, bodies)
                if not _is_success(answer):
                    raise _RolledBackError  # noqa: TRY301 the way to undo the block
    except _RolledBackError:
        return _rolled_back(nodes, answers)
    return answers


def _rolled_back(nodes: Sequence[Node], answers: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    halted = errors.refusal(400, "PROCESSING_HALTED", HALTED).body
    return {
        node.reference_id: answers[node.reference_id]
        if _keeps_its_answer(node, answers.get(node.reference_id))
        else node_answer(node, 400, halted, {})
        for node in nodes
    }


def _one(visit: Visit, node: Node, bodies: dict[str, Any]) -> dict[str, Any]:
    try:
        with visit.org.store.savepoint():
            target = _target(node.method, str(resolved(node.url, bodies)))
            target.check_version(visit.org.versions)
            answer = perform(visit, target, resolved(node.body, bodies), node.headers)
    except errors.ApiError as refusal:
        answer = Answer(status=refusal.status, body=refusal.body)
    if answer.status < 300:  # noqa: PLR2004 success
        bodies[node.reference_id] = answer.body
    headers = {"Location": answer.location} if answer.location else {}
    return node_answer(node, answer.status, answer.body, headers)


def _is_success(answer: Mapping[str, Any]) -> bool:
    """Tell whether a subrequest may be kept; a collection only when all of its records may."""
    rows = answer["body"] if isinstance(answer["body"], list) else []
    return answer["httpStatusCode"] < 300 and all(  # noqa: PLR2004 success
        row.get("success", True) for row in rows if isinstance(row, dict)
    )


def _keeps_its_answer(node: Node, answer: Mapping[str, Any] | None) -> bool:
    if answer is None:
        return False
    return not _is_success(answer) or _target(node.method, node.url).is_collection


def _may_collate(body: object) -> bool:
    return not isinstance(body, dict) or body.get("collateSubrequests") is not False


def _shuffled(nodes: Sequence[Node], chance: random.Random) -> tuple[Node, ...]:
    """Give another order in which every node still comes after those that it refers to."""
    left, done = list(nodes), list[Node]()
    while left:
        waiting = {node.reference_id for node in left}
        ready = [node for node in left if not waiting & set(mentioned([node.url, node.body]))]
        chosen = chance.choice(ready or left)
        left.remove(chosen)
        done.append(chosen)
    return tuple(done)


def _is_costly(target: Target) -> bool:
    return target.operation == "query" or target.is_collection


def _target(method: str, url: str) -> Target:
    path, _, query = url.partition("?")
    return target_of(method, path, query)

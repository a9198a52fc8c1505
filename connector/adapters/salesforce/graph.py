"""A plan as a composite graph: one transaction of nodes that refer to each other. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

from connector.adapters.salesforce.held import HeldLine
from connector.adapters.salesforce.json_text import encode
from connector.adapters.salesforce.plan import HEADER, Plan, Write
from connector.errors import RejectedError
from connector.record import Line, Record

MOST_NODES = 500  # a call takes, of all its graphs together
MOST_KINDS = 15  # of nodes in a call: API version, method and object
_UPSERT, _REMOVE = "PATCH", "DELETE"
_USUAL_KEY = re.compile(r"[A-Za-z0-9_.~:-]*")

NodeKind = tuple[str, str]
"""A method and an object."""


class Graph(Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One record as a graph that is ready to be sent."""

    position: int  # of the record in the batch
    record: Record
    nodes: bytes  # JSON array
    places: Mapping[str, str]  # reference id -> what a person calls it: "Invoice_Line__c line 2"
    lines: Mapping[str, Line]  # by reference id
    adopted: str | None = None  # the id of the record that the header is written into
    kinds: frozenset[NodeKind]


def build_graph(plan: Plan, *, version: str, position: int) -> Graph:
    """Give the graph of a plan.

    Raises: RejectedError for one that no transaction of Salesforce takes.
    """
    upserted = frozenset((_UPSERT, write.item.object) for write in plan.writes)
    kinds = upserted | {(_REMOVE, line.kind.object) for line in plan.removals}
    if plan.size > MOST_NODES or len(kinds) > MOST_KINDS:
        raise RejectedError(
            f"not sent: {plan.size} parts of {len(kinds)} kinds, and a transaction takes "
            f"{MOST_NODES} of {MOST_KINDS}",
            remedy="Let the mapping leave lines out, or divide the document.",
        )
    root = f"/services/data/v{version}/sobjects"
    gone = {f"gone{index}": line for index, line in enumerate(plan.removals, start=1)}
    places = {write.reference: write.place for write in plan.writes}
    places |= {at: f"{line.kind.object} {line.id}, which is to be removed" for at, line in gone.items()}
    return Graph(
        position=position,
        record=plan.record,
        nodes=encode(
            [
                *(_upsert(write, plan, root) for write in plan.writes),
                *(_removal(reference, line, root) for reference, line in gone.items()),
            ]
        ),
        places=places,
        lines={write.reference: write.item for write in plan.writes if isinstance(write.item, Line)},
        adopted=plan.adopted,
        kinds=kinds,
    )


class _Node(Struct, gc=False, rename="camel", omit_defaults=True):
    method: str
    url: str
    reference_id: str
    body: Mapping[str, object] | None = None


def _upsert(write: Write, plan: Plan, root: str) -> _Node:
    item, body = write.item, dict(write.body)
    for name, reference in write.refers.items():
        body[name] = _id_of(reference, plan)
    path = f"{item.key_field}/{_in_address(item.key)}"
    if plan.adopted is not None and write.reference == HEADER:
        path, body = plan.adopted, {item.key_field: item.key, **body}
    return _Node(_UPSERT, f"{root}/{item.object}/{path}", write.reference, body)


def _removal(reference: str, line: HeldLine, root: str) -> _Node:
    return _Node(_REMOVE, f"{root}/{line.kind.object}/{line.id}", reference)


def _id_of(reference: str, plan: Plan) -> str:
    # What is there already need not be in the graph to be named.
    return plan.held_ids.get(reference) or f"@{{{reference}.id}}"


def _in_address(key: str) -> str:
    # Nearly every key: `quote` takes ten times as long for it.
    if _USUAL_KEY.fullmatch(key):
        return key.replace(":", "%3A")
    return quote(key, safe="", errors="replace")

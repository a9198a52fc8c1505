"""The way in for a record that no transaction takes: its lines in chunks, behind a marker on the header.

While the marker says "partial" the record is not whole; what runs in the org must wait for "complete". Each
step is an upsert or a removal, so that a try that broke off is begun again with what is still missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from connector.adapters.salesforce.answers import Committed
from connector.adapters.salesforce.faults import GONE
from connector.adapters.salesforce.graph import build_graph
from connector.adapters.salesforce.held import HeldLine
from connector.adapters.salesforce.keys import Shapes
from connector.adapters.salesforce.packing import Pace
from connector.adapters.salesforce.plan import HEADER, Plan, Write
from connector.adapters.salesforce.row_results import MOST_ROWS, failure_in, rows_body
from connector.adapters.salesforce.rules import COMPLETE, PARTIAL
from connector.adapters.salesforce.sending import Result, send
from connector.adapters.salesforce.transport import Transport
from connector.errors import ConnectorError
from connector.record import Line

T = TypeVar("T")


class CollectionDelivery:
    """Brings one large record into one org. `marker` is the header's field that says whether it is whole."""

    def __init__(self, transport: Transport, version: str, marker: str) -> None:
        self._transport = transport
        self._version = version
        self._marker = marker

    def deliver(self, plan: Plan, shapes: Shapes) -> Result:
        """Give what became of the record; anything but `Committed` leaves it marked as partial.

        Steps: the header with its companions, marked partial; the lines, outer ones first; what is to be
        removed; the marker.
        """
        try:
            opened = self._header(plan, self._opening(plan))
            if not isinstance(opened, Committed):
                return opened
            failed = self._lines(plan, opened.header_id, shapes) or self._removals(plan.removals)
            if failed is not None:
                return failed
            closed = self._header(plan, self._closing(plan))
        except ConnectorError as error:
            return error
        return structs.replace(closed, created=opened.created) if isinstance(closed, Committed) else closed

    def _opening(self, plan: Plan) -> Iterator[Write]:
        for write in plan.writes:
            if write.reference == HEADER:
                yield structs.replace(write, body={**write.body, self._marker: PARTIAL})
            elif not isinstance(write.item, Line):
                yield write

    def _closing(self, plan: Plan) -> Iterator[Write]:
        for write in plan.writes:
            if write.reference == HEADER:
                yield structs.replace(write, body={self._marker: COMPLETE}, refers={})

    def _header(self, plan: Plan, writes: Iterator[Write]) -> Result:
        of_header = structs.replace(plan, writes=tuple(writes), removals=())
        graph = build_graph(of_header, version=self._version, position=0)
        return send(self._transport, self._version, [graph], Pace())[0]

    def _lines(self, plan: Plan, header_id: str, shapes: Shapes) -> Result | None:
        names = _Names(plan, {**plan.held_ids, HEADER: header_id}, shapes)
        for (_, name, key_field), writes in sorted(_by_object(plan).items()):
            path = f"/services/data/v{self._version}/composite/sobjects/{name}/{key_field}"
            for chunk in _chunks(writes):
                rows = [
                    {
                        "attributes": {"type": name},
                        key_field: write.item.key,
                        **write.body,
                        **names.of(write),
                    }
                    for write in chunk
                ]
                answer = self._transport.write(path, rows_body(rows), method="PATCH")
                failed = failure_in(answer, {write.reference: write.place for write in chunk})
                if failed is not None:
                    return failed
        return None

    def _removals(self, stale: Sequence[HeldLine]) -> Result | None:
        """Remove what is stale, each by itself: what is gone already is as we want it."""
        for chunk in _chunks(stale):
            ids = ",".join(line.id for line in chunk)
            path = f"/services/data/v{self._version}/composite/sobjects?ids={ids}&allOrNone=false"
            places = {line.id: f"{line.kind.object} {line.id}, which is to be removed" for line in chunk}
            failed = failure_in(self._transport.write(path, None, method="DELETE"), places, spared=GONE)
            if failed is not None:
                return failed
        return None


class _Names:
    """How a row of a collection names another: by its id, or by its key where only that is known."""

    def __init__(self, plan: Plan, ids: Mapping[str, str], shapes: Shapes) -> None:
        self._items = {write.reference: write.item for write in plan.writes}
        self._ids = ids
        self._shapes = shapes

    def of(self, write: Write) -> dict[str, object]:
        return dict(self._name(write, field, reference) for field, reference in write.refers.items())

    def _name(self, write: Write, field: str, reference: str) -> tuple[str, object]:
        if reference in self._ids:
            return field, self._ids[reference]
        named = self._items[reference]
        shape = self._shapes.get(write.item.object)
        known = shape.field(field) if shape else None
        relationship = known.relationship if known and known.relationship else field
        return relationship, {named.key_field: named.key}


def _by_object(plan: Plan) -> dict[tuple[int, str, str], list[Write]]:
    """Give the lines by how deep they are nested, their object and its key field."""
    depths: dict[str, int] = {}
    grouped: dict[tuple[int, str, str], list[Write]] = {}
    for write in plan.writes:
        if isinstance(write.item, Line):
            depth = 1 + max((depths.get(outer, 0) for outer in write.refers.values()), default=0)
            depths[write.reference] = depth
            grouped.setdefault((depth, write.item.object, write.item.key_field), []).append(write)
    return grouped


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), MOST_ROWS):
        yield items[at : at + MOST_ROWS]

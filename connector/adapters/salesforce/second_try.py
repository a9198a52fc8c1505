"""Which graphs to build anew and send once more: Salesforce had something else than it told before."""

from connector.adapters.salesforce.answers import Refused
from connector.adapters.salesforce.faults import DUPLICATE_VALUE, GONE, NOT_WRITEABLE, Fault
from connector.adapters.salesforce.graph import Graph
from connector.adapters.salesforce.keys import Shapes
from connector.adapters.salesforce.sending import Result


def deserves_second_try(graph: Graph, result: Result, shapes: Shapes) -> bool:
    """Tell whether reading what Salesforce has and building the graph anew may bring it through.

    - A line that was to be removed is gone already, which rolls back the whole graph.
    - Duplicate value: someone else was inserting the same key just then; now it is there to be updated.
    - A parent that is fixed was named in an update: the line's insert was still running when we read.
    """
    if not isinstance(result, Refused):
        return False
    return all(fault.code == DUPLICATE_VALUE for fault in result.faults.values()) or any(
        _is_gone(reference, fault) or _names_fixed_parent(graph, reference, fault, shapes)
        for reference, fault in result.faults.items()
    )


def _is_gone(reference: str, fault: Fault) -> bool:
    return reference.startswith("gone") and fault.code in GONE


def _names_fixed_parent(graph: Graph, reference: str, fault: Fault, shapes: Shapes) -> bool:
    line = graph.lines.get(reference)
    if fault.code != NOT_WRITEABLE or line is None:
        return False
    shape = shapes.get(line.object)
    parent = shape.field(line.parent_field) if shape and line.parent_field else None
    return parent is not None and parent.createable and not parent.updateable

"""Collections: up to two hundred rows in one request, with a result for each. Pure."""

from collections.abc import Collection, Mapping, Sequence

from connector.adapters.salesforce.answers import NotTried, Refused, Unclear
from connector.adapters.salesforce.faults import COLLATERAL, Fault, read_faults
from connector.adapters.salesforce.json_text import encode

MOST_ROWS = 200


def rows_body(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Give the body of a request that keeps all of its rows or none."""
    return encode({"allOrNone": True, "records": rows})


def failure_in(
    answer: object, places: Mapping[str, str], *, spared: Collection[str] = ()
) -> NotTried | Refused | Unclear | None:
    """Give what went wrong with rows, named in the order in which they were sent; None when all are in.

    Results have the order of the rows. Only `success` is believed: a row that was rolled back may show an id.
    `spared`: codes that are as good as success.
    """
    if not isinstance(answer, list) or len(answer) != len(places):
        return Unclear(reason="the answer does not tell of every row")
    faults: dict[str, Fault] = {}
    for reference, result in zip(places, answer, strict=True):
        if not isinstance(result, Mapping) or not isinstance(result.get("success"), bool):
            return Unclear(reason="the answer says neither yes nor no of a row")
        if result["success"] is not True:
            faults[reference] = read_faults(400, result.get("errors"))[0]
    culprits = {
        reference: fault
        for reference, fault in faults.items()
        if fault.code not in COLLATERAL and fault.code not in spared
    }
    if culprits:
        return Refused(faults=culprits, places=places)
    if any(fault.code in COLLATERAL for fault in faults.values()):
        return NotTried()
    return None

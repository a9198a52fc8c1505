"""A duplicate rule's match as the record to write into, if it is nobody else's."""

from connector.adapters.salesforce.answers import Refused
from connector.adapters.salesforce.faults import Kind, rule_for
from connector.adapters.salesforce.plan import HEADER
from connector.adapters.salesforce.sending import Result
from connector.adapters.salesforce.soql import Question, Read, select, text_in
from connector.record import Record


def match_of(result: Result) -> str | None:
    """Give the one record that a duplicate rule found for a header; None when it found several or none."""
    if not isinstance(result, Refused) or result.faults.keys() != {HEADER}:
        return None
    fault = result.faults[HEADER]
    matches = set(fault.matches)
    return matches.pop() if rule_for(fault).kind is Kind.DUPLICATE and len(matches) == 1 else None


def is_free(read: Read, version: str, record: Record, match: str) -> bool:
    """Tell whether the match is of the header's object and no document of ours is in it already.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    question = Question(object=record.object, fields=("Id", record.key_field), where="Id")
    rows = [row for row in select(read, version, question, [match]) if text_in(row, "Id") == match]
    return len(rows) == 1 and rows[0].get(record.key_field.lower()) is None

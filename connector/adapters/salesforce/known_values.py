"""Values that a mapping is known to write, whatever a document says, against their fields. Pure."""

from decimal import Decimal

from connector.adapters.salesforce.describe import (
    ObjectShape,
    length_problem,
    names_record_type,
    number_problem,
)
from connector.adapters.salesforce.values import record_type_problem
from connector.record import RecordValue

_MOST_CHOICES = 12  # that a finding lists


def known_value_problem(name: str, value: RecordValue, described: ObjectShape) -> str | None:
    """Tell why a field would refuse this value, or change it; None where it would not, or nobody can tell."""
    if names_record_type(name):
        return record_type_problem(str(value), described)
    field = described.field(name)
    if field is None:
        return None
    match value:
        case bool():
            return None
        case Decimal() | int():
            problem = number_problem(field, value)
        case str() if field.picklist is not None:
            known = {choice.lower() for choice in field.picklist}
            choices = ", ".join(field.picklist[:_MOST_CHOICES])
            problem = None if value.lower() in known else f"is none of the values it takes: {choices}"
        case str():
            problem = length_problem(field, value)
        case _:
            return None
    return None if problem is None else f'"{value}", which the mapping can write, {problem}'

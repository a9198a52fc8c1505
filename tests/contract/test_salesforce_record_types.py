"""Record types by developer name, over an org that has some."""

import pytest

from connector.adapters.base import Severity
from connector.errors import RejectedError
from connector.record import Receipt, Record, RecordShape
from connector.sandbox.salesforce import SalesforceSandbox
from tests.contract.salesforce_org import connected
from tests.factories import make_record
from tests.sandbox.salesforce.freight import AIR, OBJECTS

FIELD = "RecordType.DeveloperName"


def waybill(kind: str) -> Record:
    return make_record("17", object="Waybill__c", key_field="Waybill_No__c", fields={FIELD: kind})


def test_a_record_type_is_named_by_its_developer_name() -> None:
    org = SalesforceSandbox(objects=OBJECTS)
    with connected(org) as adapter:
        [outcome] = adapter.deliver([waybill("Air")])

    assert isinstance(outcome, Receipt)
    assert [row["RecordTypeId"] for row in org.rows("Waybill__c")] == [AIR]


@pytest.mark.parametrize("kind", ["Sea", "Rail"])
def test_one_that_the_user_may_not_use_is_refused_before_anything_is_sent(kind: str) -> None:
    org = SalesforceSandbox(objects=OBJECTS)
    with connected(org) as adapter:
        [outcome] = adapter.deliver([waybill(kind)])
        shape = RecordShape(
            object="Waybill__c", key_field="Waybill_No__c", fields=(FIELD,), known=((FIELD, kind),)
        )
        findings = [each for each in adapter.check([shape]) if each.severity is Severity.ERROR]

    assert isinstance(outcome, RejectedError)
    assert f'no record type "{kind}"' in outcome.message
    assert [each.subject for each in findings] == [f"Waybill__c.{FIELD}"]
    assert "graph" not in [each.operation for each in org.journal.requests]

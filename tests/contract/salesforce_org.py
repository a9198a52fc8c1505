"""The Salesforce adapter over a sandbox org, and invoices for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.clock import utc_now
from connector.record import LineKind, Record
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from tests.factories import make_line, make_record

KIND = LineKind(object="Invoice_Line__c", key_field="Docflo_Key__c", parent_field="Invoice__c")
CREDENTIALS = {"SF_KEY": "sandbox-consumer", "SF_SECRET": "sandbox-secret"}


@contextmanager
def connected(sandbox: SalesforceSandbox, **settings: Any) -> Iterator[SalesforceAdapter]:
    """Serve an org and connect to it."""
    with SandboxServer(sandbox.app) as server, patch.dict("os.environ", CREDENTIALS):
        values = {
            "adapter": "salesforce",
            "login_url": server.url,
            "consumer_key": "${env:SF_KEY}",
            "consumer_secret": "${env:SF_SECRET}",
            **settings,
        }
        adapter = SalesforceAdapter(SalesforceSettings.model_validate(values), clock=utc_now)
        yield adapter
        adapter.close()


def invoice(key: str, *names: str, amount: str = "1.10") -> Record:
    """Give an invoice with lines of these names."""
    lines = tuple(make_line(f"{key}:{name}", fields={"Amount__c": Decimal(amount)}) for name in names)
    return make_record(key, lines=lines, line_kinds=(KIND,))

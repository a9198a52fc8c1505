"""The process that dies, with `RowsAdapter` in Salesforce's place. Its argument: what that promises."""

import sys
from typing import cast

from pydantic import BaseModel

from connector.adapters import registry
from connector.adapters.base import Adapter, Idempotency
from connector.adapters.registry import AdapterKind
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.cli.crash_child import serve
from connector.clock import Clock
from tests.crash.rows_target import RowsAdapter


def _create(settings: BaseModel, _clock: Clock) -> Adapter:
    return RowsAdapter(SalesforceSettings.model_validate(settings), Idempotency(sys.argv[1]))


if __name__ == "__main__":
    adapters = cast("dict[str, AdapterKind]", registry.ADAPTERS)
    adapters["salesforce"] = AdapterKind(settings=SalesforceSettings, create=_create)
    serve()

import subprocess
import sys

import pytest
from pydantic import BaseModel

from connector.adapters.memory import MemoryAdapter, MemorySettings
from connector.adapters.registry import ADAPTERS, create_adapter, settings_model
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.clock import utc_now
from tests.unit.adapters.canned_server import make_settings


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_settings_model_says_its_own_name(name: str) -> None:
    schema = settings_model(name).model_json_schema()

    assert schema["properties"]["adapter"]["const"] == name
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_setting_is_described(name: str) -> None:
    undescribed = [
        field
        for field, info in settings_model(name).model_fields.items()
        if field != "adapter" and not info.description
    ]

    assert undescribed == []


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        settings_model("sapp")


def test_settings_choose_their_adapter() -> None:
    memory = create_adapter(MemorySettings(adapter="memory"), clock=utc_now)
    salesforce = create_adapter(make_settings(batch_size=7), clock=utc_now)

    assert isinstance(memory, MemoryAdapter)
    assert isinstance(salesforce, SalesforceAdapter)
    assert salesforce.batch_size == 7


def test_settings_of_no_adapter_are_a_type_error() -> None:
    class Other(BaseModel):
        pass

    with pytest.raises(TypeError, match="Other"):
        create_adapter(Other(), clock=utc_now)


def test_no_vendor_library_is_imported_for_settings() -> None:
    code = (
        "import sys, connector.adapters.registry as r; r.settings_model('salesforce').model_json_schema(); "
        "print(*{'simple_salesforce', 'requests', 'jwt', 'zeep'} & set(sys.modules))"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 our own code

    assert run.stdout.strip() == ""

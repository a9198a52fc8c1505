"""Every adapter there is, by the name that configuration gives. A new one is one entry here.

Settings are cheap to import and adapters are not: Salesforce's library alone costs half a second of
start-up, so it is imported when the first adapter of its kind is made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from connector.adapters.base import Adapter
from connector.adapters.memory import MemoryAdapter, MemorySettings
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.adapters.soap.settings import SoapSettings
from connector.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterKind:
    """The settings of an adapter, and how to make one of them."""

    settings: type[BaseModel]
    create: Callable[[BaseModel, Clock], Adapter]


def _salesforce(settings: BaseModel, clock: Clock) -> Adapter:
    from connector.adapters.salesforce.adapter import SalesforceAdapter  # noqa: PLC0415 see the module's docstring

    return SalesforceAdapter(SalesforceSettings.model_validate(settings), clock=clock)


def _soap(settings: BaseModel, clock: Clock) -> Adapter:
    from connector.adapters.soap.adapter import SoapAdapter  # noqa: PLC0415 see the module's docstring

    return SoapAdapter(SoapSettings.model_validate(settings), clock=clock)


def _memory(settings: BaseModel, _clock: Clock) -> Adapter:
    return MemoryAdapter(MemorySettings.model_validate(settings))


ADAPTERS: Mapping[str, AdapterKind] = {
    "memory": AdapterKind(settings=MemorySettings, create=_memory),
    "salesforce": AdapterKind(settings=SalesforceSettings, create=_salesforce),
    "soap": AdapterKind(settings=SoapSettings, create=_soap),
}
"""By the value of `adapter:` in a target's configuration."""


def settings_model(name: str) -> type[BaseModel]:
    """Give the settings model of an adapter.

    Raises: KeyError for a name that is not in `ADAPTERS`.
    """
    return ADAPTERS[name].settings


def create_adapter(settings: BaseModel, *, clock: Clock) -> Adapter:
    """Give a new adapter for these settings, connected to nothing yet.

    Raises: TypeError for settings that no adapter here has.
    """
    for kind in ADAPTERS.values():
        if isinstance(settings, kind.settings):
            return kind.create(settings, clock)
    message = f"{type(settings).__name__} belongs to no adapter"
    raise TypeError(message)

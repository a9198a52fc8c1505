"""Described objects, remembered for a while: the scale of a field is needed for every record."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connector.adapters.salesforce.describe import ObjectShape, read_object
from connector.adapters.salesforce.transport import Transport
from connector.clock import Clock

# Long enough to cost nothing, short enough that a field corrected in Setup needs no restart here.
_FRESH_FOR = timedelta(minutes=15)


class Catalogue:
    """The objects of one org as the integration user sees them."""

    def __init__(self, transport: Transport, clock: Clock, version: str) -> None:
        self._transport = transport
        self._clock = clock
        self._version = version
        self._known: dict[str, tuple[datetime, ObjectShape]] = {}

    def shape(self, name: str) -> ObjectShape | None:
        """Give an object's shape; None if Salesforce does not show this user such an object.

        Raises: any `ConnectorError` when Salesforce cannot tell.
        """
        known = self._known.get(name)
        if known is not None and self._clock() - known[0] < _FRESH_FOR:
            return known[1]
        body = self._transport.read_if_known(f"/services/data/v{self._version}/sobjects/{name}/describe")
        if body is None:
            return None
        shape = read_object(body)
        self._known[name] = (self._clock(), shape)
        return shape

    def shapes(self, names: Iterable[str]) -> dict[str, ObjectShape | None]:
        """Give the shapes of several objects by the names asked for."""
        return {name: self.shape(name) for name in dict.fromkeys(names)}

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known.clear()

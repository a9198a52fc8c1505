"""A WSDL, loaded once for the process: its services, operations and types."""

import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zeep
import zeep.exceptions
import zeep.wsdl.bindings

from connector.adapters.soap.documents import Documents, WsdlSource, included
from connector.adapters.soap.facets import FacetIndex
from connector.adapters.soap.wire import Wire
from connector.errors import ConfigError
from connector.yaml_words import suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class Wsdl:
    """A parsed WSDL. Safe to use from several threads: nothing in it changes."""

    document: Any = field(repr=False)  # zeep.wsdl.Document
    facets: FacetIndex = field(repr=False)
    sha256: str
    fingerprints: Mapping[str, str] = field(repr=False)  # of each document, by its place
    documents: int  # that were read
    bytes: int
    seconds: float  # that loading took
    warnings: tuple[str, ...]  # what zeep could not make sense of

    @property
    def types(self) -> Any:
        """Give the types and elements of the schema."""
        return self.document.types

    def ports(self) -> Mapping[tuple[str, str], Any]:
        """Give every port that speaks SOAP, by service and name."""
        return {
            (service.name, port.name): port
            for service in self.document.services.values()
            for port in service.ports.values()
            if isinstance(port.binding, zeep.wsdl.bindings.Soap11Binding | zeep.wsdl.bindings.Soap12Binding)
        }

    def port(self, service: str | None, port: str | None) -> Any:
        """Give the port of that name; the only one when no name is given.

        Raises: ConfigError naming the ports there are.
        """
        ports = self.ports()
        fitting = [
            each
            for (service_name, name), each in ports.items()
            if service in (None, service_name) and port in (None, name)
        ]
        if len(fitting) == 1:
            return fitting[0]
        known = ", ".join(f"{service_name}/{name}" for service_name, name in ports) or "none"
        if not fitting:
            wanted = "/".join(part for part in (service, port) if part)
            raise ConfigError(f"the WSDL has no SOAP port {wanted}; it has {known}")
        raise ConfigError(f"the WSDL has several SOAP ports, so binding must name one: {known}")


class _OwnDocuments(zeep.Transport):
    """zeep's way to documents, which leads through ours."""

    def __init__(self, documents: Documents) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._documents = documents

    def load(self, url: str) -> bytes:
        """Give a document."""
        return self._documents.load(url)


# Declared once at the top of encoded messages, not at every element that names its type.
_ENCODING = {
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsd": "http://www.w3.org/2001/XMLSchema",
    "soapenc": "http://schemas.xmlsoap.org/soap/encoding/",
}
_loading = threading.Lock()
_loaded: dict[object, Wsdl] = {}


def load_wsdl(source: WsdlSource, *, wire: Wire | None = None) -> Wsdl:
    """Give the parsed WSDL; parse it only when this process has not done so.

    Raises: ConfigError for what cannot be read or understood; UnavailableError, AccessRefusedError.
    """
    with _loading:  # one thread parses, the others wait for it; warnings are caught for one thread only
        key = _key(source)
        if key not in _loaded:
            _loaded[key] = parse_wsdl(source, wire=wire)
        return _loaded[key]


def parse_wsdl(source: WsdlSource, *, wire: Wire | None = None) -> Wsdl:
    """Read and parse a WSDL with everything that it imports.

    Raises: as `load_wsdl`.
    """
    documents = Documents(source, wire)
    started = time.monotonic()
    documents.load(_absolute(source))
    settings = zeep.Settings(forbid_dtd=True, forbid_entities=True)
    transport = _OwnDocuments(documents)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            document = zeep.wsdl.Document(_absolute(source), transport, settings=settings)  # type: ignore[arg-type]
    except zeep.exceptions.Error as error:
        raise ConfigError(f"the WSDL cannot be understood: {_words(error)}") from error
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        # zeep meets a broken WSDL with whatever Python says first.
        raise ConfigError(f"the WSDL is broken: {type(error).__name__}: {error}") from error
    finally:
        transport.session.close()
    facets = FacetIndex()
    for root in included(documents):
        facets.read(root)
    if facets.lineage.encoded:
        for (
            prefix,
            namespace,
        ) in _ENCODING.items():  # once at the top, not at every element that names its type
            document.types.set_ns_prefix(prefix, namespace)
    return Wsdl(
        document=document,
        facets=facets,
        sha256=documents.sha256(),
        fingerprints=documents.fingerprints(),
        documents=len(documents.read),
        bytes=sum(len(content) for content in documents.read.values()),
        seconds=time.monotonic() - started,
        warnings=tuple(dict.fromkeys(str(each.message) for each in caught)),
    )


def operation(port: Any, name: str, wsdl: Wsdl) -> Any:
    """Give an operation of a port.

    Raises: ConfigError naming what there is, or why zeep left the operation out.
    """
    known = port.binding.all()
    if name in known and known[name].input is not None:
        return known[name]
    if name in known:
        raise ConfigError(f"operation {name} of port {port.name} takes no message, so it cannot be called")
    why = "; ".join(each for each in wsdl.warnings if name in each)
    if why:
        raise ConfigError(f"the WSDL has operation {name}, but it cannot be resolved: {why}")
    raise ConfigError(f"port {port.name} has no operation `{name}`; {suggest(name, known)}")


def _absolute(source: WsdlSource) -> str:
    return source.location if source.is_remote else str(Path(source.location).resolve())


def _key(source: WsdlSource) -> object:
    catalog = tuple(sorted((address, str(path)) for address, path in source.catalog.items()))
    return (_absolute(source), catalog, source.hosts, source.folder, _stamp(source))


def _stamp(source: WsdlSource) -> object:
    if source.is_remote:
        return None
    try:
        found = Path(source.location).stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size)


def _words(error: zeep.exceptions.Error) -> str:
    return getattr(error, "message", None) or str(error) or type(error).__name__

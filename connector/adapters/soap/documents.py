"""Where WSDL and XSD documents may come from: the WSDL's folder, the catalogue, named hosts. Nowhere else."""

import hashlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from connector.adapters.loopback import is_loopback
from connector.adapters.soap.wire import Answer, Limits, Wire
from connector.errors import AccessRefusedError, ConfigError, UnavailableError

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_LOADING = Limits(connect=10, read=60, deadline=120, max_body_bytes=50 * 1024 * 1024)

# Hand-written: what schemas need of these, so that no WSDL makes this connector ask the internet.
STANDARD: Mapping[str, str] = {
    "http://schemas.xmlsoap.org/soap/encoding/": "soap_encoding.xsd",
    "http://www.w3.org/2001/xml.xsd": "xml_namespace.xsd",
    "https://www.w3.org/2001/xml.xsd": "xml_namespace.xsd",  # what zeep asks for where no place is named
    "http://www.w3.org/2001/03/xml.xsd": "xml_namespace.xsd",
    "http://www.w3.org/XML/1998/namespace": "xml_namespace.xsd",
    "http://www.w3.org/2005/05/xmlmime": "xmlmime.xsd",
    "https://www.w3.org/2005/05/xmlmime": "xmlmime.xsd",
    "http://www.w3.org/2003/05/soap-encoding": "soap12_encoding.xsd",
    "http://www.w3.org/2003/05/soap-encoding/": "soap12_encoding.xsd",
    "http://www.w3.org/2005/08/addressing": "addressing.xsd",
    "http://www.w3.org/2005/08/addressing/ws-addr.xsd": "addressing.xsd",
    "http://www.w3.org/2006/03/addressing/ws-addr.xsd": "addressing.xsd",
    "http://ws-i.org/profiles/basic/1.1/xsd": "swaref.xsd",
    "http://ws-i.org/profiles/basic/1.1/swaref.xsd": "swaref.xsd",
}
_BUNDLED = Path(__file__).parent / "schemas"


@dataclass(frozen=True, slots=True, kw_only=True)
class WsdlSource:
    """A WSDL, and what its imports may be read from."""

    location: str  # a path or an address
    catalog: Mapping[str, Path] = field(default_factory=dict)  # address as imports name it -> file
    hosts: frozenset[str] = frozenset()  # that may be asked besides the WSDL's own
    ca_bundle: Path | None = None
    folder: Path | None = None  # that a file may import from; else the WSDL's own

    @property
    def is_remote(self) -> bool:
        """Whether the WSDL is fetched at each start."""
        return is_remote(self.location)


class Documents:
    """Reads documents and remembers what was read."""

    def __init__(self, source: WsdlSource, wire: Wire | None = None) -> None:
        self._source = source
        self._wire = wire
        self.read: dict[str, bytes] = {}
        self._given: dict[str, bytes] = {}
        self.roots: list[Any] = []  # lxml elements, in the order of reading

    def load(self, location: str) -> bytes:
        """Give a document.

        Raises: ConfigError for a place that is not allowed or holds no XML; or what `fetch` raises.
        """
        if location not in self.read:
            content = self._find(location)
            root = read_document(content, location)
            self.roots.append(root)
            self.read[location] = content
            self._given[location] = etree.tostring(root) if _name_places(root) else content
        return self._given[location]

    def sha256(self) -> str:
        """Give the fingerprint of what was read: of one file its own, of several that of their list.

        Bundled documents do not count: they change with this connector, not with the ERP.
        """
        hashes = list(self.fingerprints().values())
        return (
            hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
        )

    def fingerprints(self) -> dict[str, str]:
        """Give the fingerprint of each document by its place, those apart that are bundled."""
        own = {location: content for location, content in self.read.items() if location not in STANDARD}
        return {location: hashlib.sha256(content).hexdigest() for location, content in own.items()}

    def _find(self, location: str) -> bytes:
        if location in self._source.catalog:
            return _read(self._source.catalog[location])
        if location in STANDARD:
            return _read(_BUNDLED / STANDARD[location])
        if is_remote(location):
            return self._fetch(location)
        return self._from_folder(location)

    def _from_folder(self, location: str) -> bytes:
        path = Path(unquote(urlsplit(location).path) if location.startswith("file:") else location).resolve()
        folder = (self._source.folder or Path(self._source.location).parent).resolve()
        if self._source.is_remote or not path.is_relative_to(folder):
            raise ConfigError(
                f"the WSDL imports {path.name} from outside of its folder, which is not read",
                remedy="Name the folder that holds them all as wsdl.folder (profile new: --folder).",
            )
        return _read(path)

    def _fetch(self, location: str) -> bytes:
        host = urlsplit(location).hostname or ""
        own = urlsplit(self._source.location).hostname if self._source.is_remote else None
        if host != own and host not in self._source.hosts:
            raise ConfigError(
                f"the WSDL imports {location}, which is not in the catalogue, and {host} is no allowed host",
                remedy="Save the document and name it under wsdl.catalog, or add the host to wsdl.hosts.",
            )
        return fetch(location, self._wire or Wire(_LOADING, ca_bundle=self._source.ca_bundle))


def included(documents: Documents) -> Iterator[Any]:
    """Give the roots of what was read; one without a namespace takes that of each schema that includes it."""
    includers: dict[str, set[str]] = {}
    for root in documents.roots:
        for include in root.iter(f"{_XSD}include"):
            file = include.get("schemaLocation", "").rpartition("/")[2]
            includers.setdefault(file, set()).add(include.getparent().get("targetNamespace") or "")
    for location, root in zip(documents.read, documents.roots, strict=True):
        is_plain = root.tag == f"{_XSD}schema" and root.get("targetNamespace") is None
        namespaces = includers.get(location.rpartition("/")[2], set()) - {""} if is_plain else set()
        if not namespaces:
            yield root
        for namespace in sorted(namespaces):
            yield _within(root, namespace)


def _within(root: Any, namespace: str) -> Any:
    # Names without a prefix mean this namespace now, unless the schema gives them one itself.
    taken = etree.Element(root.tag, dict(root.attrib), nsmap={None: namespace, **root.nsmap})
    taken.set("targetNamespace", namespace)
    taken.extend(deepcopy(child) for child in root)
    return taken


def _name_places(root: Any) -> bool:
    """Say where well-known schemas are that are imported by their name alone; tell whether there were any."""
    found = [
        each
        for each in root.iter(f"{_XSD}import")
        if each.get("schemaLocation") is None and each.get("namespace") in STANDARD
    ]
    for each in found:
        each.set("schemaLocation", each.get("namespace"))
    return bool(found)


def is_remote(location: str) -> bool:
    """Tell whether it is an address, not a path."""
    return urlsplit(location).scheme in {"http", "https"}


def fetch(location: str, wire: Wire) -> bytes:
    """Give what an address answers with.

    Raises: UnavailableError; AccessRefusedError; ConfigError for an answer that is no document.
    """
    parts = urlsplit(location)
    shown = parts._replace(netloc=parts.hostname or "", query="").geturl()
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        shown += " (plain http)"
    answer = wire.get(location)
    if not isinstance(answer, Answer):
        raise UnavailableError(f"cannot fetch {shown}: {answer.reason}", remedy=answer.remedy)
    if answer.status in {401, 403}:
        raise AccessRefusedError(
            f"{shown} asks for credentials (HTTP {answer.status})",
            remedy="Save the WSDL with a browser and name the file under wsdl.file.",
        )
    if 300 <= answer.status < 400:  # noqa: PLR2004 redirects
        raise ConfigError(
            f"{shown} redirects (HTTP {answer.status}), mostly to a login page; redirects are not followed",
            remedy="Name the address that answers itself, or save the WSDL and use wsdl.file.",
        )
    if answer.status >= 500:  # noqa: PLR2004 server errors
        raise UnavailableError(f"{shown} answered HTTP {answer.status}")
    if answer.status != 200:  # noqa: PLR2004 nothing else is a document
        raise ConfigError(f"{shown} answered HTTP {answer.status}, not a WSDL")
    return answer.body


def read_document(content: bytes, location: str) -> Any:
    """Give the root of a WSDL or a schema.

    Raises: ConfigError that says what it is instead.
    """
    name = location.rsplit("/", maxsplit=1)[-1].partition("?")[0] or location
    start = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<!doctype html") or b"<html" in start:
        raise ConfigError(
            f"{name} is an HTML page, not a WSDL: a login page, or an error page of the server",
            remedy="Open the address in a browser; save what it shows after the login, and use wsdl.file.",
        )
    try:
        root = etree.fromstring(content, safe_parser())
    except etree.XMLSyntaxError as error:
        raise ConfigError(f"{name} is no XML: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise ConfigError(f"{name} has a DOCTYPE, which is not accepted")
    if etree.QName(root).localname not in {"definitions", "schema"}:
        raise ConfigError(
            f"{name} is XML, but neither a WSDL nor a schema: its root is {etree.QName(root).localname}"
        )
    return root


def safe_parser(encoding: str | None = None) -> etree.XMLParser:
    """Give a parser that resolves, fetches and expands nothing.

    Raises: LookupError for an encoding that nobody knows.
    """
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read {path.name}: {error.strerror}", remedy=f"expected at {path}"
        ) from error

"""A profile to begin with, from any WSDL: its operations, one body as a tree with types, a likely lookup.

What it cannot know it leaves so that nothing wrong happens: no answer is a success until somebody says which.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zeep import xsd
from zeep.xsd.elements import Choice, Element, Group
from zeep.xsd.elements.indicators import Indicator

from connector.adapters.soap.facets import FacetIndex
from connector.adapters.soap.simple import Simple, simple_of
from connector.adapters.soap.wsdl import Wsdl, operation
from connector.errors import ConfigError

_CREATES = ("create", "upsert", "add", "insert", "submit", "save", "import", "process", "set", "put")
_LOOKS = ("find", "lookup", "search", "query", "readmultiple", "getlist", "get", "list", "read", "retrieve")
_MOST_SHOWN = 8
_DEEPEST = 7
_SHOWN_TYPES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the skeleton is for."""

    location: str  # a file beside the profile, or an address
    is_remote: bool
    service: str | None
    port: str | None
    create: str | None
    lookup: str | None


def likely_create(names: list[str]) -> str | None:
    """Give the operation that most likely creates an invoice or the like."""
    return _likely(names, _CREATES)


def likely_lookup(names: list[str]) -> str | None:
    """Give the operation that most likely finds one."""
    return _likely(names, _LOOKS)


def write_skeleton(wsdl: Wsdl, choices: Choices) -> str:
    """Give the text of a profile.

    Raises: ConfigError for an unknown service, port or operation, with what there is.
    """
    port = _port(wsdl, choices)
    names = sorted(port.binding.all())
    create = choices.create or likely_create(names)
    if create is None:
        raise ConfigError("the port has no operations", remedy="name another one with --port")
    lookup = choices.lookup or likely_lookup([name for name in names if name != create])
    service = next(
        service for (service, name), each in wsdl.ports().items() if each is port and name == port.name
    )
    prefixes = _Prefixes()
    parts = [
        _head(wsdl, choices, port, service, names),
        _step(wsdl, port, create, prefixes),
        _lookup(wsdl, port, lookup, prefixes) if lookup else "lookup: []   # no operation looks like one\n",
        _TAIL,
    ]
    return parts[0] + prefixes.written() + "".join(parts[1:])


class _Prefixes:
    """Short names for namespaces, in the order in which they are met."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, namespace: str | None) -> str:
        if not namespace:
            return ""
        return self._known.setdefault(namespace, f"n{len(self._known) + 1}") + ":"

    def written(self) -> str:
        lines = "".join(f"  {prefix}: {namespace}\n" for namespace, prefix in self._known.items())
        return f"ns:\n{lines}" if lines else ""


def _port(wsdl: Wsdl, choices: Choices) -> Any:
    if choices.service or choices.port:
        return wsdl.port(choices.service, choices.port)
    ports = list(wsdl.ports().values())
    if not ports:
        raise ConfigError("the WSDL has no SOAP port")
    return ports[0]


def _likely(names: list[str], verbs: tuple[str, ...]) -> str | None:
    def rank(name: str) -> tuple[int, int, int, int]:
        lower = name.lower()
        verb = next((at for at, verb in enumerate(verbs) if lower.startswith(verb)), None)
        within = next((at for at, verb in enumerate(verbs) if verb in lower), len(verbs))
        thing = next((at for at, word in enumerate(("invoice", "bill", "order")) if word in lower), 3)
        return (thing, within if verb is None else verb, 0 if verb is not None else 1, len(name))

    fitting = [name for name in names if any(verb in name.lower() for verb in verbs)]
    return min(fitting, key=rank) if fitting else None


def _head(wsdl: Wsdl, choices: Choices, port: Any, service: str, names: list[str]) -> str:
    others = [f"{owner}/{name}" for owner, name in wsdl.ports() if (owner, name) != (service, port.name)]
    source = "url" if choices.is_remote else "file"
    left_out = "".join(
        f"# The WSDL says what cannot be understood: {each}\n" for each in wsdl.warnings[:_MOST_SHOWN]
    )
    return f"""# A profile to begin with: docs/soap.md. What has no value is not sent; after # it is optional.
# Operations of {service}/{port.name}: {", ".join(names)}
# Other SOAP ports: {", ".join(others) or "none"}
{left_out}version: 1
record: {{object: Invoice, key: Key}}      # what the mapping calls it
wsdl:
  {source}: {choices.location}
  sha256: {wsdl.sha256}
binding:
  service: {service}
  port: {port.name}
  # address: ${{settings.address}}         # instead of {port.binding_options.get("address")}
settings: {{}}                             # address: where the ERP answers
secrets: {{user: user of the integration, password: its password}}
auth:
  - http_basic: {{user: "${{secrets.user}}", password: "${{secrets.password}}"}}
idempotency:
  class: lookup_only                     # or unique, native: what the ERP does with the same document twice
  key: ${{record.@key}}
"""


def _step(wsdl: Wsdl, port: Any, name: str, prefixes: _Prefixes) -> str:
    reply = "".join(f"    # reply: {line}\n" for line in _reply(wsdl, port, name, prefixes))
    return f"""steps:
  - operation: {name}
    body:{_body(wsdl, port, name)}
{reply}    outcome:
      - when: false()                    # XPath that holds in a reply that says yes, and in no other
        is: delivered
      - when: false()                    # and in one that says no
        is: rejected
        # code: string(//...)
        # message: string(//...)
    record_id: //id                      # XPath of the new record's number in that reply
"""


def _lookup(wsdl: Wsdl, port: Any, name: str, prefixes: _Prefixes) -> str:
    reply = "".join(f"    # reply: {line}\n" for line in _reply(wsdl, port, name, prefixes))
    return f"""lookup:
  - operation: {name}
    body:{_body(wsdl, port, name)}
{reply}    many: false()                        # more than one record
    found: false()                       # exactly one
    not_found: false()                   # the ERP says that it has none
    record_id: //id
    compare: {{}}                          # //total: ${{record.Total}}
"""


_TAIL = """errors: []                               # {code: DUP, is: duplicate}
in_doubt: {settle_seconds: 600, then: hold}
limits: {concurrency: 2}
timeouts: {connect: 10, read: 120, deadline: 300}
log: {mask: []}
examples:
  - fields: {}
"""


def _body(wsdl: Wsdl, port: Any, name: str) -> str:
    root = operation(port, name, wsdl).input.body
    if root is None or not isinstance(root.type, xsd.ComplexType):
        return " {}"
    lines = list(_Tree(wsdl.facets, wsdl.types).lines(root.type, 6, ()))
    if not any(line.lstrip() and not line.lstrip().startswith("#") for line in lines):
        return " {}\n" + "\n".join(lines) if lines else " {}"
    return "\n" + "\n".join(lines)


def _reply(wsdl: Wsdl, port: Any, name: str, prefixes: _Prefixes) -> Iterator[str]:
    """Name the elements of a reply, as XPath would."""
    output = operation(port, name, wsdl).output
    root = output.body if output is not None else None
    if root is None:
        yield "nothing"
        return
    top = f"{prefixes.of(root.qname.namespace)}{root.qname.localname}"
    yield f"//{top}"
    for child_name, child in getattr(root.type, "elements", ())[:_MOST_SHOWN]:
        if not isinstance(child, Element):
            continue
        step = f"{prefixes.of(child.qname.namespace)}{child.qname.localname}"
        inner = [
            f"{prefixes.of(each.qname.namespace)}{each.qname.localname}"
            for _, each in getattr(child.type, "elements", ())[:_SHOWN_TYPES]
            if isinstance(each, Element)
        ]
        del child_name
        yield f"//{top}/{step}" + (f" with {', '.join(inner)}" if inner else "")


class _Tree:
    """Writes the elements of a type, one a line, with what each takes."""

    def __init__(self, facets: FacetIndex, types: Any) -> None:
        self._facets = facets
        self._types = types

    def lines(self, type_: Any, indent: int, around: tuple[Any, ...], *, off: bool = False) -> Iterator[str]:
        """Give the lines; `off`: all of them commented out, because something around them is optional."""
        for name, attribute in type_.attributes:
            if getattr(attribute, "name", None):
                needed = getattr(attribute, "required", False)
                yield _line(indent, f'"@{name}"', self._words(type_, attribute), off=off or not needed)
        for _, container in type_.elements_nested:
            yield from self._container(type_, container, indent, (*around, type_), off=off)

    def _container(
        self, type_: Any, container: Any, indent: int, around: tuple[Any, ...], *, off: bool
    ) -> Iterator[str]:
        inner: Any = container.child if isinstance(container, Group) else container
        if isinstance(inner, Element):
            yield _line(indent, "_value_1", self._words(type_, inner), off=off)
            return
        if not isinstance(inner, Indicator):
            yield _line(indent, "_value_1", "any elements", off=True)
            return
        if inner.accepts_multiple:
            yield f"{' ' * indent}# a group that repeats: one list per element, or _value_1: [{{...}}, ...]"
        is_choice = isinstance(inner, Choice)
        if is_choice:
            names = ", ".join(name for name, _ in inner.elements[:_MOST_SHOWN])
            yield f"{' ' * indent}# one of: {names}"
        order: Any = inner
        off = off or is_choice or order.min_occurs == 0
        for name, child in order.elements_nested:
            if isinstance(child, Element):
                yield from self._element(type_, name, child, indent, around, off=off)
            else:
                yield from self._container(type_, child, indent, around, off=off)

    def _element(
        self, type_: Any, name: str, child: Any, indent: int, around: tuple[Any, ...], *, off: bool
    ) -> Iterator[str]:
        off = off or child.is_optional
        kind = child.type
        if not isinstance(kind, xsd.ComplexType):
            yield _line(indent, name, self._words(type_, child), off=off)
            return
        yield _line(indent, name, self._words(type_, child), off=off)
        if kind in around or len(around) > _DEEPEST:
            yield f"{' ' * (indent + 2)}# and so on"
            return
        if child.accepts_multiple:
            yield f"{' ' * (indent + 2)}# $each: record.{name}"
        yield from self._derived(kind, indent + 2)
        yield from self.lines(kind, indent + 2, around, off=off)

    def _derived(self, kind: Any, indent: int) -> Iterator[str]:
        if kind.qname is None or kind.qname.text not in self._facets.abstract:
            return
        names = sorted(
            each.qname.localname
            for each in self._types.types
            if getattr(each, "_extension", None) is kind and each.qname is not None
        )
        more = ", ..." if len(names) > _SHOWN_TYPES else ""
        yield f"{' ' * indent}# $type: prefix:name of one of {', '.join(names[:_SHOWN_TYPES])}{more}"

    def _words(self, type_: Any, child: Any) -> str:
        kind = child.type
        if isinstance(kind, xsd.ComplexType):
            words = [kind.qname.localname if kind.qname is not None else "elements"]
        else:
            words = _simple_words(simple_of(type_, child, self._facets))
        if getattr(child, "nillable", False):
            words.append("may be nil")
        if child.accepts_multiple:
            words.append("repeats")
        return ", ".join(words)


def _simple_words(simple: Simple) -> list[str]:
    words = [" or ".join(simple.builtins)]
    for facets in simple.facets[0] if simple.facets else ():
        words += [f"{_FACETS.get(name, name)} {bound}" for name, bound in facets.bounds.items()]
        if facets.enumeration:
            listed = sorted(facets.enumeration)
            words.append(
                "one of "
                + " | ".join(listed[:_SHOWN_TYPES])
                + (" | ..." if len(listed) > _SHOWN_TYPES else "")
            )
        words += ["pattern " + " ".join(pattern.pattern.split()) for pattern in facets.patterns]
    return words


_FACETS = {
    "maxLength": "at most",
    "minLength": "at least",
    "fractionDigits": "decimal places",
    "totalDigits": "digits",
}


def _line(indent: int, name: str, words: str, *, off: bool) -> str:
    head = f"{' ' * indent}{'# ' if off else ''}{name}:"
    return f"{head:<44} # {words}"

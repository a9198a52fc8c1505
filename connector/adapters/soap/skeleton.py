"""A profile to begin with, from any WSDL: its operations, one body as a tree with types, a likely lookup.

What it cannot know it leaves so that nothing wrong happens: no answer is a success until somebody says which.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zeep import xsd
from zeep.wsdl.messages import RpcMessage
from zeep.xsd.elements import Element

from connector.adapters.soap.skeleton_tree import MOST_SHOWN, SHOWN_TYPES, Prefixes, Tree, quoted
from connector.adapters.soap.wsdl import Wsdl, operation
from connector.errors import ConfigError

_CREATES = (
    "create",
    "upsert",
    "add",
    "insert",
    "submit",
    "save",
    "post",
    "book",
    "import",
    "process",
    "set",
    "put",
)
_LOOKS = ("find", "lookup", "search", "query", "readmultiple", "getlist", "get", "list", "read", "retrieve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the skeleton is for."""

    location: str  # a file beside the profile, or an address
    is_remote: bool
    service: str | None
    port: str | None
    create: str | None
    lookup: str | None
    types: tuple[
        str, ...
    ] = ()  # that are written out where the WSDL has the abstract type that they are made of
    folder: str | None = None  # that imports may be read from
    catalog: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()


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
    if not names:
        raise ConfigError(f"port {port.name} has no operations", remedy="name another one with --port")
    create = choices.create or likely_create(names) or names[0]
    lookup = choices.lookup or likely_lookup([name for name in names if name != create])
    service = next(
        service for (service, name), each in wsdl.ports().items() if each is port and name == port.name
    )
    prefixes = Prefixes()
    parts = [
        _head(wsdl, choices, port, service, names) + _idempotency(can_look=lookup is not None),
        _step(wsdl, port, create, prefixes, choices),
        _lookup(wsdl, port, lookup, prefixes, choices) if lookup else _NO_LOOKUP,
        _TAIL,
    ]
    return parts[0] + prefixes.written() + "".join(parts[1:])


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
    address = (port.binding_options or {}).get("address") or "none"
    left_out = "".join(
        f"# The WSDL says what cannot be understood: {each}\n" for each in wsdl.warnings[:MOST_SHOWN]
    )
    return f"""# A profile to begin with: docs/soap.md. What has no value is not sent; after # it is optional.
# Operations of {service}/{port.name}: {", ".join(names)}
# Other SOAP ports: {", ".join(others) or "none"}
{left_out}version: 1
record: {{object: Invoice, key: Key}}      # what the mapping calls it
wsdl:
  {source}: {quoted(choices.location)}
  sha256: {wsdl.sha256}
{_sources(choices)}binding:
  service: {quoted(service)}
  port: {quoted(port.name)}
  # address: ${{settings.address}}         # instead of the WSDL's: {address}
settings: {{}}                             # address: where the ERP answers
secrets: {{user: user of the integration, password: its password}}
auth:
  - http_basic: {{user: "${{secrets.user}}", password: "${{secrets.password}}"}}
"""


def _idempotency(*, can_look: bool) -> str:
    """Give the lines about a second delivery. Without a lookup nothing but the ERP itself prevents one."""
    named = ("lookup_only", "or unique, native") if can_look else ("unique", "or native; else add a lookup")
    head = f"  class: {named[0]}"
    about = f"{named[1]}: what the ERP does with the same document twice"
    return f"idempotency:\n{head:<40} # {about}\n  key: ${{record.@key}}\n"


def _sources(choices: Choices) -> str:
    """Give the lines that say where imports were read from."""
    lines = [f"  folder: {quoted(choices.folder)}"] if choices.folder else []
    lines += [f"  hosts: [{', '.join(map(quoted, choices.hosts))}]"] if choices.hosts else []
    lines += ["  catalog:"] if choices.catalog else []
    lines += [f"    {quoted(address)}: {quoted(path)}" for address, path in choices.catalog.items()]
    return "".join(f"{line}\n" for line in lines)


def _step(wsdl: Wsdl, port: Any, name: str, prefixes: Prefixes, choices: Choices) -> str:
    reply = "".join(f"    # reply: {line}\n" for line in _reply(wsdl, port, name, prefixes))
    blocks = _header_blocks(wsdl, port, name, prefixes)
    outcome = _ONE_WAY if operation(port, name, wsdl).output is None else _OUTCOME
    return f"""{blocks}steps:
  - operation: {name}
    body:{_body(wsdl, port, name, prefixes, choices)}
{reply}{outcome}    record_id: //id                      # XPath of the new record's number in that reply
"""


def _lookup(wsdl: Wsdl, port: Any, name: str, prefixes: Prefixes, choices: Choices) -> str:
    reply = "".join(f"    # reply: {line}\n" for line in _reply(wsdl, port, name, prefixes))
    return f"""lookup:
  - operation: {name}
    body:{_body(wsdl, port, name, prefixes, choices)}
{reply}    many: false()                        # more than one record
    found: false()                       # exactly one
    not_found: false()                   # the ERP says that it has none
    record_id: //id
    compare: {{}}                          # //total: ${{record.Total}}
"""


_OUTCOME = """    outcome:
      - when: false()                    # XPath that holds in a reply that says yes, and in no other
        is: delivered
      - when: false()                    # and in one that says no
        is: rejected
        # code: string(//...)
        # message: string(//...)
"""
_ONE_WAY = """    outcome:                             # one-way: the lookup tells what was booked
      - http_status: [200, 202, 204]
        is: accepted
"""
_NO_LOOKUP = """# No operation looks like one that finds; without one a doubt waits for the person
# whom the pipeline names (in_doubt.person).
lookup: []
"""
_TAIL = """errors: []                               # {code: DUP, is: duplicate}
in_doubt: {settle_seconds: 600, then: hold}
limits: {concurrency: 2}
timeouts: {connect: 10, read: 120, deadline: 300}
log: {mask: []}
examples:
  - fields: {}
"""


def _body(wsdl: Wsdl, port: Any, name: str, prefixes: Prefixes, choices: Choices) -> str:
    root = operation(port, name, wsdl).input.body
    if root is None:
        return " {}"
    tree = Tree(wsdl, prefixes, choices.types)
    if not isinstance(root.type, xsd.ComplexType):
        return f"\n{tree.value(root.type, 6)}"
    lines = list(tree.lines(root.type, 6, ()))
    if not any(line.lstrip() and not line.lstrip().startswith("#") for line in lines):
        return " {}   # `body:` alone once a line below counts\n" + "\n".join(lines) if lines else " {}"
    return "\n" + "\n".join(lines)


def _header_blocks(wsdl: Wsdl, port: Any, name: str, prefixes: Prefixes) -> str:
    """Name the blocks that the operation declares for the header: one of them may carry credentials."""
    header = operation(port, name, wsdl).input.header
    blocks = [each for _, each in header.type.elements] if header is not None else []
    named = ", ".join(prefixes.of(each.qname.namespace) + each.qname.localname for each in blocks)
    return f"# Header blocks of {name}, for auth: - header_block: {named}\n" if named else ""


def _reply(wsdl: Wsdl, port: Any, name: str, prefixes: Prefixes) -> Iterator[str]:
    """Name the elements of a reply, as XPath would."""
    output = operation(port, name, wsdl).output
    root = output.body if output is not None else None
    if root is None:
        yield "nothing"
        return
    # An rpc reply is named after its operation; zeep names it after the message.
    local = f"{name}Response" if isinstance(output, RpcMessage) else root.qname.localname
    top = f"{prefixes.of(root.qname.namespace)}{local}"
    yield f"//{top}"
    for child_name, child in getattr(root.type, "elements", ())[:MOST_SHOWN]:
        if not isinstance(child, Element):
            continue
        step = f"{prefixes.of(child.qname.namespace)}{child.qname.localname}"
        inner = [
            f"{prefixes.of(each.qname.namespace)}{each.qname.localname}"
            for _, each in getattr(child.type, "elements", ())[:SHOWN_TYPES]
            if isinstance(each, Element)
        ]
        del child_name
        yield f"//{top}/{step}" + (f" with {', '.join(inner)}" if inner else "")

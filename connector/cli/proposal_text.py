"""A proposed mapping as the file that a person goes on from: rules, comments, and an example. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from connector.cli.matching import LIKELY, Match
from connector.cli.proposal import Proposal, ProposedLines
from connector.cli.yaml_text import write_block, write_key, write_list
from connector.document import PlainValue
from connector.record import Record

_CHOICES_SHOWN = 6
_LONG = 255  # characters: longer fields need no remark
_PLACEHOLDER = "REPLACE_ME"


def write_proposal(
    proposal: Proposal, document: Mapping[str, PlainValue], record: Record | None, *, schema: str, origin: str
) -> str:
    """Give the text of the file. `record`: what the rules make of `document`; None: not known yet."""
    lines = [
        f"# yaml-language-server: $schema={schema}",
        "#",
        f"# Proposed for `{proposal.document}` and {proposal.target} from their fields: look at every rule.",
        "# Every key and function: docs/mapping-reference.md; how to say what: docs/mapping-cookbook.md.",
        "",
        "version: 1",
        f"document: {write_key(proposal.document)}",
        "",
        "record:",
        f"  object: {write_key(proposal.object)}",
        *_key(proposal),
        "  fields:",
        *_fields(proposal, proposal.object, proposal.matches, 4),
        *_unread(proposal.unread, 4),
        *(line for kind in proposal.lines for line in _lines(proposal, kind)),
        "",
        f"# {origin}",
        "examples:",
        "  - name: a real document" if record is not None else "  - name: not run yet",
        *_section("document", write_block(document, 6)),
        *_section("record", _record(record)),
    ]
    return "\n".join(lines) + "\n"


def _key(proposal: Proposal) -> Iterator[str]:
    said = "filled by the connector"
    if not proposal.has_key:
        said += "; the target shows no field for it: create one (text, unique, an external id)"
    yield f"  key: {write_key(proposal.key)}  # {said}"


def _lines(proposal: Proposal, kind: ProposedLines) -> Iterator[str]:
    first = kind is proposal.lines[0]
    if first:
        yield "  lines:"
    yield f"    - object: {write_key(kind.object)}"
    yield f"      each: {write_key(kind.each)}  # one line for each row; paths below start at the row"
    if kind.is_optional:
        yield "      optional: true  # the example has none"
    yield f"      key: {write_key(kind.key)}  # filled by the connector"
    if kind.parent:
        yield f"      parent: {write_key(kind.parent)}  # refers to the header; filled by the connector"
    yield "      fields:"
    yield from _fields(proposal, kind.object, kind.matches, 8)
    yield from _unread(kind.unread, 8)


def _fields(proposal: Proposal, name: str, matches: Sequence[Match], indent: int) -> Iterator[str]:
    blanks = " " * indent
    has_rule = False
    for match in matches:
        place = f"{name}.{match.target.name}"
        if match.is_sure and place not in proposal.dropped:
            has_rule = True
            yield f"{blanks}{_rule(match, proposal, place)}"
        else:
            yield f"{blanks}# {_missing(match, is_dropped=place in proposal.dropped)}"
    if not has_rule:
        # A section without a rule does not load, and the document's id is always there.
        yield f"{blanks}{_PLACEHOLDER}: document.id  # nothing fits: replace this line"


def _rule(match: Match, proposal: Proposal, place: str) -> str:
    is_doubtful = place in proposal.doubtful
    source, target = match.source, match.target
    path = source.path if source else ""
    written = path if path.replace(".", "").replace("_", "").isalnum() else f"'{path}'"
    parts = [f"from: {written}"]
    kind = target.type or (source.type if source else None)
    if source and source.type == "currency":
        parts.append("type: currency")
    elif kind and kind != "string":
        parts.append(f"type: {kind}")
    elif source and source.type != "string":
        parts.append("type: string")
    if target.is_required and not is_doubtful:
        parts.append("required: true")
    elif place not in proposal.always or is_doubtful:
        parts.append("optional: true")
    said = _said(match, is_doubtful=is_doubtful)
    rule = written if parts == [f"from: {written}"] else f"{{{', '.join(parts)}}}"
    return f"{write_key(target.name)}: {rule}" + (f"  # {said}" if said else "")


def _said(match: Match, *, is_doubtful: bool) -> str:
    target = match.target
    words = []
    if target.is_required:
        words.append("required by the target")
        if is_doubtful:
            words.append("but the example document has none: say `required: true` once documents have it")
    if target.length and target.type == "string" and target.length < _LONG:
        words.append(f"at most {target.length} characters")
    if target.choices and target.type != "currency":
        more = ", ..." if len(target.choices) > _CHOICES_SHOWN else ""
        words.append(f"takes {', '.join(target.choices[:_CHOICES_SHOWN])}{more}")
    return "; ".join(words)


def _missing(match: Match, *, is_dropped: bool) -> str:
    target, source = match.target, match.source
    mark = "REQUIRED by the target: " if target.is_required else ""
    label = f" ({target.label})" if target.label and target.label != target.name else ""
    if target.refers_to:
        relation = target.name.replace("__c", "__r")
        reason = (
            f"refers to {' or '.join(target.refers_to)}; written by a key of it, as {relation}.SomeKey__c"
        )
    elif is_dropped and source:
        reason = f"{source.path} is near, but the example's value does not fit"
    elif source and match.likeness >= LIKELY:
        reason = f"perhaps {source.path}"
    else:
        reason = "no field of the document fits" + (
            "; a fixed value is {value: ...}" if target.is_required else ""
        )
    return f"{mark}{target.name}{label}: {reason}"


def _unread(names: Sequence[str], indent: int) -> Iterator[str]:
    if names:
        yield f"{' ' * indent}# Not read: {', '.join(names)}"


def _section(name: str, lines: Iterator[str]) -> Iterator[str]:
    written = list(lines)
    yield f"    {name}:" if written else f"    {name}: {{}}"
    yield from written


def _record(record: Record | None) -> Iterator[str]:
    if record is None:
        return
    yield from write_block({name: _plain(value) for name, value in record.fields.items()}, 6)
    if record.lines:
        yield "      lines:"
        rows = [{name: _plain(value) for name, value in line.fields.items()} for line in record.lines]
        yield from write_list(rows, 8)


def _plain(value: object) -> PlainValue:
    return value  # type: ignore[return-value]  # dates are written as the text that examples hold

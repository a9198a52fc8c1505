"""A mapping that is proposed: which field of the target gets which field of the document. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.adapters.base import TargetField, TargetLines, TargetObject
from connector.cli.matching import Match, Source, match_fields, sources_of
from connector.docflo.answers import TypeField
from connector.document import Document, Field, Row
from connector.mapping.path import ABSENT, find, parse_path

OWN_KEY = "Docflo_Id__c"
OWN_LINE_KEY = "Docflo_Key__c"
_EVIDENCE = 3  # documents: fewer show nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedLines:
    """One kind of lines, one line for each row of `each`."""

    object: str
    each: str
    key: str
    parent: str
    matches: tuple[Match, ...]
    unread: tuple[str, ...]
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A whole mapping, before it is written."""

    document: str
    target: str  # "crm:Invoice__c"
    object: str
    key: str
    has_key: bool  # False: the target has no field for it yet
    matches: tuple[Match, ...]
    unread: tuple[str, ...]  # fields of the document that no rule reads
    lines: tuple[ProposedLines, ...]
    always: frozenset[str] = frozenset()  # `Object.Field`: every document that was looked at has a value
    doubtful: frozenset[str] = frozenset()  # `Object.Field`: optional, because the example has no value
    dropped: frozenset[str] = frozenset()  # the same: left as a comment, because the example does not fit

    def weaker(self, failing: Collection[str]) -> "Proposal":
        """Give the same with rules that the example fits: optional first, then left out."""
        again = self.doubtful & frozenset(failing)
        return replace(
            self,
            doubtful=self.doubtful | frozenset(failing),
            dropped=self.dropped | again,
            lines=tuple(
                replace(line, is_optional=line.is_optional or line.object in failing) for line in self.lines
            ),
        )

    @property
    def unmapped_required(self) -> tuple[str, ...]:
        """Give the fields that the target requires and no rule fills."""
        every = [(self.object, self.matches), *((line.object, line.matches) for line in self.lines)]
        return tuple(
            f"{name}.{match.target.name}"
            for name, matches in every
            for match in matches
            if match.target.is_required and not match.is_sure
        )


def propose(document_type: str, fields: Sequence[TypeField], target: TargetObject, *, named: str) -> Proposal:
    """Match a document type with an object of a target. `named`: as a person named it, `crm:Invoice__c`."""
    if not target.fields:
        target = _invented(target, fields)
    key = target.key or _key_of(target.fields)
    matches = _matched(target, fields, ours={key}, ignoring=(document_type, target.name))
    lines = tuple(_lines(document_type, fields, target))
    read = {match.source.name for match in matches if match.source and match.is_sure}
    walked = {line.each for line in lines}
    return Proposal(
        document=document_type,
        target=named,
        object=target.name,
        key=key or OWN_KEY,
        has_key=bool(key),
        matches=matches,
        unread=tuple(field.name for field in fields if field.name not in read and field.name not in walked),
        lines=lines,
    )


def _lines(document_type: str, fields: Sequence[TypeField], target: TargetObject) -> Iterator[ProposedLines]:
    left = list(target.lines)
    lists = [field for field in fields if field.type == "array" and field.fields]
    for rows in sorted(lists, key=lambda field: -len(field.fields)):
        found = [(_lines_of(document_type, rows, line), line) for line in left]
        if not found:
            return
        best, line = max(found, key=lambda each: sum(match.is_sure for match in each[0].matches))
        left.remove(line)
        yield best


def _lines_of(document_type: str, rows: TypeField, line: TargetLines) -> ProposedLines:
    target = line.object
    key = _key_of(target.fields)
    ignoring = (document_type, target.name, "line", "item")
    matches = _matched(target, rows.fields, ours={key, line.parent_field}, ignoring=ignoring)
    read = {match.source.name for match in matches if match.source and match.is_sure}
    return ProposedLines(
        object=target.name,
        each=rows.name,
        key=key or OWN_LINE_KEY,
        parent=line.parent_field,
        matches=matches,
        unread=tuple(field.name for field in rows.fields if field.name not in read),
    )


def _matched(
    target: TargetObject, fields: Sequence[TypeField], *, ours: Collection[str], ignoring: Sequence[str]
) -> tuple[Match, ...]:
    wanted = [field for field in target.fields if field.name not in ours]
    named = [field for field in wanted if not field.refers_to]
    found = iter(match_fields(named, list(sources_of(fields)), ignoring=ignoring))
    return tuple(Match(target=field, source=None) if field.refers_to else next(found) for field in wanted)


def _key_of(fields: Sequence[TargetField]) -> str:
    keys = [field.name for field in fields if field.is_key]
    return next((name for name in keys if "docflo" in name.lower()), keys[0] if keys else "")


def _invented(target: TargetObject, fields: Sequence[TypeField]) -> TargetObject:
    """Give an object that has what the document has: for targets that take any name."""
    lines = [
        TargetLines(
            object=TargetObject(
                name=f"{target.name}{field.name}", fields=tuple(map(_as_target, sources_of(field.fields)))
            ),
            parent_field=target.name,
        )
        for field in fields
        if field.type == "array" and field.fields
    ]
    return replace(target, fields=tuple(map(_as_target, sources_of(fields))), lines=tuple(lines))


def _as_target(source: Source) -> TargetField:
    suffix = "Currency" if source.type == "currency" else ""
    return TargetField(name=f"{source.name}{suffix}", type=source.type)


def known_fields(configured: Sequence[TypeField], document: Document | None) -> tuple[TypeField, ...]:
    """Give the fields of a document type, with the types and rows that a real document shows."""
    if document is None:
        return tuple(configured)
    return tuple(_completed(field, _found(document.fields, field.name)) for field in configured)


def _completed(field: TypeField, found: Field | None) -> TypeField:
    if found is None:
        return field
    inner = field.fields or _rows_of(found)
    return TypeField(name=field.name, type=field.type or found.type, fields=inner)


def _rows_of(found: Field) -> tuple[TypeField, ...]:
    rows = found.value if isinstance(found.value, tuple) else ()
    cells = {name: cell for row in rows if isinstance(row, Row) for name, cell in row.fields.items()}
    return tuple(TypeField(name=name, type=cell.type) for name, cell in cells.items())


def _found(fields: Mapping[str, Field], name: str) -> Field | None:
    return next((value for other, value in fields.items() if other.casefold() == name.casefold()), None)


def with_evidence(proposal: Proposal, documents: Sequence[Document]) -> Proposal:
    """Give the same with what these documents show: what all of them have need not be optional."""
    if len(documents) < _EVIDENCE:
        return proposal
    starts: list[tuple[Document, Mapping[str, Field] | Row]] = [(each, each.fields) for each in documents]
    always = set(_always(proposal.object, proposal.matches, starts))
    for line in proposal.lines:
        rows = [(each, row) for each in documents for row in _rows(each, line.each)]
        always |= set(_always(line.object, line.matches, rows))
    return replace(proposal, always=frozenset(always))


def _always(
    name: str, matches: Sequence[Match], starts: Sequence[tuple[Document, Mapping[str, Field] | Row]]
) -> Iterator[str]:
    for match in matches:
        if match.source is None or not match.is_sure or not starts:
            continue
        path = parse_path(match.source.path)
        if all(_has(find(path, document, start).value) for document, start in starts):
            yield f"{name}.{match.target.name}"


def _has(value: object) -> bool:
    return value is not None and value is not ABSENT and value != ""


def _rows(document: Document, name: str) -> Iterator[Row]:
    found = _found(document.fields, name)
    rows = found.value if found and isinstance(found.value, tuple) else ()
    yield from (row for row in rows if isinstance(row, Row))

"""Whether the paths that a mapping reads exist in a document type, and are spelt as it spells them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.docflo.answers import TypeField
from connector.mapping.path import parse_path
from connector.mapping.rules import Mapping
from connector.yaml_words import suggest

_OPEN = frozenset({"address", "country", "list", "dynamic_list"})
"""Types whose parts the configuration does not name."""

_MONEY = (TypeField(name="amount", type="number"), TypeField(name="currencyCode", type="string"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFinding:
    """One path that is not there, or is spelt in another case."""

    place: str
    message: str
    is_spelling: bool


def check_paths(mapping: Mapping, fields: Sequence[TypeField], type_name: str) -> Iterator[PathFinding]:
    """Compare every path of a mapping with the fields of its document type."""
    for text, place in dict.fromkeys(mapping.source_paths()):
        try:
            steps = [step for step in parse_path(text.replace("[]", "")).steps if isinstance(step, str)]
        except ValueError:
            continue  # said when the mapping was loaded
        found = _walk(steps, fields, text, type_name)
        if found is not None:
            message, is_spelling = found
            yield PathFinding(place=place, message=message, is_spelling=is_spelling)


def _walk(
    steps: Sequence[str], fields: Sequence[TypeField], text: str, type_name: str
) -> tuple[str, bool] | None:
    spelt: list[str] = []
    drifted = False
    known = tuple(fields)
    for step in steps:
        if not known:
            break
        found = next((field for field in known if field.name == step), None) or _without_case(step, known)
        if found is None:
            where = f" under `{'.'.join(spelt)}`" if spelt else ""
            hint = suggest(step, [field.name for field in known])
            return f"`{type_name}` has no field `{step}`{where} in Docflo (path `{text}`); {hint}", False
        drifted = drifted or found.name != step
        spelt.append(found.name)
        known = _parts(found)
    if drifted:
        return f"`{text}` is spelt `{'.'.join(spelt)}` in Docflo; it is found all the same", True
    return None


def _without_case(step: str, known: Sequence[TypeField]) -> TypeField | None:
    return next((field for field in known if field.name.casefold() == step.casefold()), None)


def _parts(field: TypeField) -> tuple[TypeField, ...]:
    kind = (field.type or "").lower()
    if kind in _OPEN:
        return ()
    return _MONEY if kind == "currency" else field.fields

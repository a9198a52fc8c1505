"""What mappings can write into the object of a profile, with the types that the WSDL has where it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import zeep.exceptions
from zeep import xsd
from zeep.xsd.elements import Element

from connector.adapters.base import TargetField, TargetLines, TargetObject
from connector.adapters.soap.body import BranchNode, EachNode, ListNode, Node, TextNode, WhenNode
from connector.adapters.soap.erp import Erp
from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.message import body_type
from connector.adapters.soap.scope import OWN_NAMES
from connector.adapters.soap.simple import Simple, simple_of
from connector.adapters.soap.template import Expression
from connector.adapters.soap.text_tree import qualified
from connector.adapters.soap.uses import uses_of
from connector.errors import ConfigError
from connector.yaml_words import suggest

_WORDS = {
    "decimal": "decimal",
    "double": "decimal",
    "float": "decimal",
    "boolean": "boolean",
    "date": "date",
    "dateTime": "datetime",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A field of the record, and the element that it is sent in."""

    object: str
    field: str
    label: str
    simple: Simple | None
    is_required: bool


def describe_object(erp: Erp, object_name: str) -> TargetObject:
    """Give the profile's object with its fields and kinds of lines.

    Raises: ConfigError when the profile has another object; any `ConnectorError` when the WSDL cannot be had.
    """
    profile = erp.profile
    if object_name != profile.object:
        raise ConfigError(
            f"the profile has no object `{object_name}`; {suggest(object_name, [profile.object])}"
        )
    sent: dict[tuple[str, str], _Sent] = {}
    for step in profile.steps:
        type_ = body_type(erp.endpoint(step.call.endpoint), step.call.operation)
        for each in _walk(step.call.body, type_, "", {"record": profile.object}, erp):
            sent.setdefault((each.object, each.field), each)
    uses = uses_of(profile)
    described = _object(profile.object, uses.fields, uses.lines, sent)
    return replace(described, key=profile.key_field)


def _object(name: str, fields: Any, lines: Any, sent: dict[tuple[str, str], _Sent]) -> TargetObject:
    ordered = [
        each for (owner, _), each in sent.items() if owner == name and each.field in fields.get(name, ())
    ]
    described = tuple(_field(each) for each in ordered)
    told = {each.name for each in described}
    more = tuple(TargetField(name=each) for each in sorted(fields.get(name, ())) if each not in told)
    inner = tuple(
        TargetLines(object=_object(kind, fields, lines, sent), parent_field="")
        for kind in sorted(lines.get(name, ()))
    )
    return TargetObject(name=name, fields=(*described, *more), lines=inner)


def _field(sent: _Sent) -> TargetField:
    simple = sent.simple
    if simple is None:
        return TargetField(name=sent.field, label=sent.label, is_required=sent.is_required)
    builtin = simple.builtins[0]
    word = (
        "integer"
        if builtin.lower().endswith(("integer", "int", "long", "short", "byte"))
        else _WORDS.get(builtin, "string")
    )
    chain = simple.facets[0] if simple.facets else ()
    lengths = [int(facets.bounds["maxLength"]) for facets in chain if "maxLength" in facets.bounds]
    choices = next((facets.enumeration for facets in chain if facets.enumeration), frozenset())
    return TargetField(
        name=sent.field,
        label=sent.label,
        type=word,
        is_required=sent.is_required,
        length=min(lengths) if lengths else None,
        choices=tuple(sorted(choices)),
    )


def _walk(node: Node, type_: Any, label: str, owners: dict[str, str], erp: Erp) -> Iterator[_Sent]:
    match node:
        case BranchNode():
            if node.type is not None:
                type_ = _named(node.type, erp)
            for name, inner in node.fields.items():
                declared = _declared(type_, name.removeprefix("@"))
                yield from _element(inner, declared, type_, name, owners, erp)
        case WhenNode():
            yield from _walk(node.node, type_, label, owners, erp)
        case ListNode():
            for inner in node.items:
                yield from _walk(inner, type_, label, owners, erp)
        case EachNode() if len(node.over) > 1 and node.over[0] in owners:
            yield from _walk(node.node, type_, label, {**owners, node.alias: node.over[1]}, erp)


def _element(
    node: Node,
    declared: Any,
    around: Any,
    name: str,
    owners: dict[str, str],
    erp: Erp,
) -> Iterator[_Sent]:
    inner = node.node if isinstance(node, WhenNode) else node
    if not isinstance(inner, TextNode):
        yield from _walk(node, declared.type if isinstance(declared, Element) else None, name, owners, erp)
        return
    is_required = isinstance(declared, Element) and not declared.is_optional and inner is node
    is_value = isinstance(declared, Element) and not isinstance(declared.type, xsd.ComplexType)
    for part in inner.template.parts:
        if (
            isinstance(part, Expression)
            and part.path[0] in owners
            and len(part.path) > 1
            and part.path[1] not in OWN_NAMES
        ):
            plain = len(inner.template.parts) == 1 and not part.filters
            facets = erp.endpoint("").wsdl.facets
            yield _Sent(
                object=owners[part.path[0]],
                field=part.path[1],
                label=name,
                simple=simple_of(around, declared, facets) if is_value else None,
                is_required=is_required and (plain or all(each.name != "default" for each in part.filters)),
            )


def _named(name: str, erp: Erp) -> Any:
    try:
        return erp.endpoint("").wsdl.types.get_type(qualified(name, erp.profile.ns))
    except (zeep.exceptions.Error, UnfitValueError):
        return None  # `check` says so


def _declared(type_: Any, name: str) -> Any:
    if not isinstance(type_, xsd.ComplexType):
        return None
    return dict(type_.elements).get(name)

"""Simple types as bodies meet them: what they are made of, what restricts them, how a value is written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from zeep.xsd.types.collection import ListType, UnionType
from zeep.xsd.types.simple import AnySimpleType

from connector.adapters.soap.convert import to_text, writer
from connector.adapters.soap.facets import FacetIndex, Facets
from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.template import Value

_TEXTS = frozenset({"string", "normalizedString", "token"})
_OCTETS = frozenset({"base64Binary", "hexBinary"})  # their lengths count bytes, not characters


@dataclass(frozen=True)
class Simple:
    """How to write a value of a simple type."""

    builtins: tuple[str, ...]  # one, but for unions
    is_list: bool
    facets: tuple[tuple[Facets, ...], ...]  # one of these must be content

    @cached_property
    def writer(self) -> Callable[[Value], str]:
        """Give what writes values as the built-in type."""
        return writer(self.builtins[0]) if len(self.builtins) == 1 else partial(_first, self.builtins)

    @cached_property
    def longest(self) -> int | None:
        """Give how many characters of text it takes at most; None where there is no such limit."""
        if len(self.facets) != 1 or self.builtins[0] not in _TEXTS:
            return None
        bounds = [
            int(facets.bounds["maxLength"]) for facets in self.facets[0] if "maxLength" in facets.bounds
        ]
        return min(bounds, default=None)

    @cached_property
    def is_measured(self) -> bool:
        """Whether facets count characters, not bytes."""
        return self.builtins[0] not in _OCTETS


def local_facets(owners: Iterable[str], name: str, facets: FacetIndex) -> tuple[tuple[Facets, ...], ...]:
    """Give what is restricted at an element itself, in one of the types that may declare it."""
    return next((found for owner in owners if (found := facets.local(owner, name))), ())


def simple_type(type_: Any, local: tuple[tuple[Facets, ...], ...], facets: FacetIndex) -> Simple:
    """Give what a simple type is made of."""
    if isinstance(type_, ListType):
        inner = simple_type(type_.item_type, (), facets)
        return Simple(inner.builtins, True, inner.facets)  # noqa: FBT003 the field's name is beside it
    if isinstance(type_, UnionType):
        members = [simple_type(each, (), facets) for each in type_.item_types]
        names = [name for each in members for name in each.builtins]
        more = ["string"] if facets.has_unnamed_members else []
        return Simple((*names, *more), False, ())  # noqa: FBT003 as above
    if not isinstance(type_, AnySimpleType):
        return Simple(("anySimpleType",), False, ())  # noqa: FBT003 as above
    named = tuple(facets.of_type(type_.qname.text)) if type_.qname is not None else ()
    builtin = type_._default_qname.localname  # noqa: SLF001 the only way to tell what a type is made of
    return Simple((builtin,), False, local or ((named,) if named else ()))  # noqa: FBT003 as above


def write(simple: Simple, value: Value, *, cut: bool = False) -> str:
    """Give a value as the type writes it; with `cut`, text as long as the type takes it.

    Raises: UnfitValueError.
    """
    if simple.is_list and isinstance(value, str):
        return " ".join(write(Simple(simple.builtins, False, simple.facets), each) for each in value.split())  # noqa: FBT003 as above
    text = simple.writer(value)
    if cut and simple.longest is not None:
        text = text[: simple.longest]
    if len(simple.facets) == 1 and simple.is_measured:
        for facets in simple.facets[0]:
            facets.check(text)
    elif simple.facets and simple.is_measured:
        _check(simple.facets, text)
    return text


def _first(builtins: tuple[str, ...], value: Value) -> str:
    failed: UnfitValueError | None = None
    for builtin in builtins:
        try:
            return to_text(builtin, value)
        except UnfitValueError as error:
            failed = error
    raise failed or UnfitValueError("no type takes this value")


def _check(alternatives: tuple[tuple[Facets, ...], ...], text: str) -> None:
    failed: UnfitValueError | None = None
    for chain in alternatives:
        try:
            for facets in chain:
                facets.check(text)
        except UnfitValueError as error:
            failed = error
        else:
            return
    if failed is not None:
        raise failed


def simple_of(owner: Any, element: Any, facets: FacetIndex) -> Simple:
    """Give the simple type of an element, with what is restricted at the element itself."""
    return simple_type(
        element.type, local_facets(facets.lineage.of_type(owner), element.name, facets), facets
    )

"""What a schema restricts a simple type to: lengths, digits, ranges, patterns, enumerations.

zeep reads the types of a schema and drops these, so they are read from the documents themselves.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from connector.adapters.soap.filters import UnfitValueError

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_DIGITS = re.compile(r"[-+]?0*(\d*)(?:\.(\d*?)0*)?")


@dataclass(frozen=True, kw_only=True)
class Facets:
    """The restrictions of one step of a type."""

    base: str | None = None  # the type that is restricted, "{namespace}name"
    inner: "Facets | None" = None  # or an anonymous one
    enumeration: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    bounds: Mapping[str, str] = field(default_factory=dict)  # "maxLength" -> "20"

    def check(self, text: str) -> None:
        """Refuse text that these restrictions, but not those of the base, do not allow.

        Raises: UnfitValueError saying what is expected.
        """
        if self.enumeration and text not in self.enumeration:
            known = sorted(self.enumeration)
            shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")  # noqa: PLR2004 that many are read
            raise UnfitValueError(f"is none of the values that are taken: {shown}")
        if self.patterns and not any(pattern.fullmatch(text) for pattern in self.patterns):
            shown = " or ".join(pattern.pattern for pattern in self.patterns)
            raise UnfitValueError(f"does not match the pattern {shown}")
        for check, bound in self._checks:
            check(text, bound)

    @cached_property
    def _checks(self) -> tuple[tuple[Callable[[str, Any], None], Any], ...]:
        return tuple((_CHECKS[name], _COUNTED.get(name, str)(bound)) for name, bound in self.bounds.items())


def _length(text: str, bound: int) -> None:
    if len(text) != bound:
        raise UnfitValueError(f"is {len(text)} characters long, exactly {bound} are taken")


def _min_length(text: str, bound: int) -> None:
    if len(text) < bound:
        raise UnfitValueError(f"is {len(text)} characters long, at least {bound} are needed")


def _max_length(text: str, bound: int) -> None:
    if len(text) > bound:
        raise UnfitValueError(f"is {len(text)} characters long, at most {bound} are taken")


def _total_digits(text: str, bound: int) -> None:
    if len(text) <= bound:
        return
    whole, fraction = _digits(text)
    if len(whole) + len(fraction) > bound:
        raise UnfitValueError(f"has {len(whole) + len(fraction)} digits, at most {bound} are taken")


def _fraction_digits(text: str, bound: int) -> None:
    fraction = text.partition(".")[2].rstrip("0")
    if len(fraction) > bound:
        raise UnfitValueError(
            f"has {len(fraction)} decimal places, at most {bound} are taken; `| round({bound})` would round"
        )


def _digits(text: str) -> tuple[str, str]:
    match = _DIGITS.fullmatch(text)
    return (match[1] or "", match[2] or "") if match else (text, "")


def _compare(text: str, bound: str) -> int:
    try:
        left, right = Decimal(text), Decimal(bound)
    except InvalidOperation:
        return (text > bound) - (text < bound)  # dates: their texts sort as they do
    return (left > right) - (left < right)


def _min_inclusive(text: str, bound: str) -> None:
    if _compare(text, bound) < 0:
        raise UnfitValueError(f"is below {bound}, the least that is taken")


def _max_inclusive(text: str, bound: str) -> None:
    if _compare(text, bound) > 0:
        raise UnfitValueError(f"is above {bound}, the most that is taken")


def _min_exclusive(text: str, bound: str) -> None:
    if _compare(text, bound) <= 0:
        raise UnfitValueError(f"must be above {bound}")


def _max_exclusive(text: str, bound: str) -> None:
    if _compare(text, bound) >= 0:
        raise UnfitValueError(f"must be below {bound}")


_CHECKS: Mapping[str, Callable[[str, Any], None]] = {
    "length": _length,
    "minLength": _min_length,
    "maxLength": _max_length,
    "totalDigits": _total_digits,
    "fractionDigits": _fraction_digits,
    "minInclusive": _min_inclusive,
    "maxInclusive": _max_inclusive,
    "minExclusive": _min_exclusive,
    "maxExclusive": _max_exclusive,
}


_COUNTED: Mapping[str, Callable[[str], Any]] = dict.fromkeys(
    ("length", "minLength", "maxLength", "totalDigits", "fractionDigits"), int
)


class FacetIndex:
    """The restrictions of all documents of a WSDL: of types by name, of elements by where they stand."""

    def __init__(self) -> None:
        self._types: dict[str, Facets] = {}
        self._local: dict[tuple[str, str], list[Facets]] = {}  # (type around it, element or @attribute)
        self.abstract: set[str] = set()  # types that no element can have: one derived from it is named
        self.empty_branches: set[tuple[str, str]] = set()  # choices that are content with nothing

    def read(self, root: Any) -> None:
        """Read every schema of a document."""
        schemas = [root] if root.tag == f"{_XSD}schema" else root.iter(f"{_XSD}schema")
        for schema in schemas:
            namespace = schema.get("targetNamespace")
            for simple in schema.iter(f"{_XSD}simpleType"):
                self._read_type(simple, namespace)
            for complex_ in schema.findall(f"{_XSD}complexType[@abstract]"):
                if complex_.get("abstract") in {"true", "1"}:
                    self.abstract.add(_qualified(namespace, complex_.get("name", "")))
            for branch in schema.iterfind(f".//{_XSD}choice/{_XSD}element[@minOccurs='0']"):
                name = branch.get("name") or branch.get("ref", "").rpartition(":")[2]
                self.empty_branches.add((_owner(branch, namespace), name))

    def of_type(self, name: str) -> Iterator[Facets]:
        """Give the restrictions of a named type, those of its bases too."""
        seen: set[str] = set()
        facets = self._types.get(name)
        while facets is not None:
            yield facets
            if facets.inner is not None:
                facets = facets.inner
            elif facets.base is None or facets.base in seen:
                return
            else:
                seen.add(facets.base)
                facets = self._types.get(facets.base)

    def local(self, owner: str, name: str) -> tuple[tuple[Facets, ...], ...]:
        """Give the restrictions written at an element itself; several where places share their names."""
        return tuple(tuple(self._chain(facets)) for facets in self._local.get((owner, name), ()))

    def _chain(self, facets: Facets) -> Iterator[Facets]:
        while facets.inner is not None:
            yield facets
            facets = facets.inner
        yield facets
        if facets.base is not None:
            yield from self.of_type(facets.base)

    def _read_type(self, simple: Any, namespace: str | None) -> None:
        facets = _facets(simple)
        if facets is None:
            return
        name, parent = simple.get("name"), simple.getparent()
        if name is not None:
            self._types[_qualified(namespace, name)] = facets
        elif parent.tag in {f"{_XSD}element", f"{_XSD}attribute"} and parent.get("name"):
            mark = "@" if parent.tag == f"{_XSD}attribute" else ""
            key = (_owner(parent, namespace), mark + parent.get("name"))
            self._local.setdefault(key, []).append(facets)


def _owner(node: Any, namespace: str | None) -> str:
    """Give the type around an element; one without a name goes by the name of the element that it is for."""
    around = next(node.iterancestors(f"{_XSD}complexType"), None)
    name = "" if around is None else around.get("name") or around.getparent().get("name") or ""
    return _qualified(namespace, name)


def _facets(simple: Any) -> Facets | None:
    restriction = simple.find(f"{_XSD}restriction")
    if restriction is None:
        return None
    bounds: dict[str, str] = {}
    enumeration: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for each in restriction:
        name = each.tag.removeprefix(_XSD) if isinstance(each.tag, str) else ""
        value = each.get("value", "") if isinstance(each.tag, str) else ""
        if name == "enumeration":
            enumeration.add(value)
        elif name == "pattern":
            patterns += _pattern(value)
        elif name in _CHECKS:
            bounds[name] = value
    inner = restriction.find(f"{_XSD}simpleType")
    return Facets(
        base=_resolve(restriction, restriction.get("base")),
        inner=_facets(inner) if inner is not None else None,
        enumeration=frozenset(enumeration),
        patterns=tuple(patterns),
        bounds=bounds,
    )


def _pattern(value: str) -> Iterator[re.Pattern[str]]:
    # XSD has classes of characters that Python has not (\i, \c, \p{..}): such patterns are left to the ERP.
    if re.search(r"\\[icICpP]|-\[", value):
        return
    try:
        yield re.compile(value)
    except re.error:
        return


def _resolve(node: Any, name: str | None) -> str | None:
    if name is None:
        return None
    prefix, colon, local = name.strip().partition(":")
    return _qualified(node.nsmap.get(prefix if colon else None), local if colon else prefix)


def _qualified(namespace: str | None, name: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name

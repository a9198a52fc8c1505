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
from connector.adapters.soap.lineage import XSD, Lineage, qualified, resolve

_SIMPLE, _COMPLEX, _CHOICE = (f"{XSD}{name}" for name in ("simpleType", "complexType", "choice"))
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
        self.lineage = Lineage()
        self.empty_branches: set[tuple[str, str]] = set()  # choices that are content with nothing
        self.has_unnamed_members = False  # some union is also of types without a name, which zeep overlooks

    def read(self, root: Any) -> None:
        """Read every schema of a document."""
        self.lineage.read_bindings(root)
        schemas = [root] if root.tag == f"{XSD}schema" else root.iter(f"{XSD}schema")
        for schema in schemas:
            namespace = schema.get("targetNamespace")
            self.lineage.read_schema(schema, namespace)
            for node in schema.iter(_SIMPLE, _COMPLEX, _CHOICE):
                if node.tag == _SIMPLE:
                    self._read_type(node, namespace)
                elif node.tag == _COMPLEX:
                    self.lineage.read_complex(node, namespace)
                else:
                    self._read_choice(node, namespace)

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

    def _read_choice(self, choice: Any, namespace: str | None) -> None:
        for branch in choice.iterchildren(f"{XSD}element"):
            if branch.get("minOccurs") == "0":
                name = branch.get("name") or branch.get("ref", "").rpartition(":")[2]
                self.empty_branches.add((_owner(branch, namespace), name))

    def _read_type(self, simple: Any, namespace: str | None) -> None:
        if simple.find(f"{XSD}union/{XSD}simpleType") is not None:
            self.has_unnamed_members = True
        facets = _facets(simple)
        if facets is None:
            return
        name, parent = simple.get("name"), simple.getparent()
        if name is not None:
            self._types[qualified(namespace, name)] = facets
        elif parent.tag in {f"{XSD}element", f"{XSD}attribute"} and parent.get("name"):
            mark = "@" if parent.tag == f"{XSD}attribute" else ""
            key = (_owner(parent, namespace), mark + parent.get("name"))
            self._local.setdefault(key, []).append(facets)


def _owner(node: Any, namespace: str | None) -> str:
    """Give the type around an element; one without a name goes by the name of the element that it is for."""
    around = next(node.iterancestors(f"{XSD}complexType"), None)
    name = "" if around is None else around.get("name") or around.getparent().get("name") or ""
    return qualified(namespace, name)


def _facets(simple: Any) -> Facets | None:
    restriction = simple.find(f"{XSD}restriction")
    if restriction is None:
        return None
    bounds: dict[str, str] = {}
    enumeration: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for each in restriction:
        name = each.tag.removeprefix(XSD) if isinstance(each.tag, str) else ""
        value = each.get("value", "") if isinstance(each.tag, str) else ""
        if name == "enumeration":
            enumeration.add(value)
        elif name == "pattern":
            patterns += _pattern(value)
        elif name in _CHECKS:
            bounds[name] = value
    inner = restriction.find(f"{XSD}simpleType")
    return Facets(
        base=resolve(restriction, restriction.get("base")),
        inner=_facets(inner) if inner is not None else None,
        enumeration=frozenset(enumeration),
        patterns=tuple(patterns),
        bounds=bounds,
    )


def _pattern(value: str) -> Iterator[re.Pattern[str]]:
    # XSD has classes of characters that Python has not (\i, \c, \p{..}, [a-z-[x]]): the ERP judges those.
    if re.search(r"\\[icICpP]|\[[^\]]*-\[", value):
        return
    try:
        yield re.compile(value)
    except re.error:
        return

"""The tree of a body in a profile to begin with: every element on a line, with its type as a comment."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from lxml import etree
from zeep import xsd
from zeep.xsd.elements import Choice, Element, Group
from zeep.xsd.elements.indicators import Indicator

from connector.adapters.soap.plans import entry_of, is_array
from connector.adapters.soap.required import branch_names
from connector.adapters.soap.simple import Simple, simple_of, simple_type
from connector.adapters.soap.wsdl import Wsdl

MOST_SHOWN = 8
SHOWN_TYPES = 12
_DEEPEST = 7
_BARE = re.compile(r"[A-Za-z_][\w./-]*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def quoted(text: str) -> str:
    """Give a text as YAML writes it: in quotes where it could be read as something else."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


class Prefixes:
    """Short names for namespaces, in the order in which they are met."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, namespace: str | None) -> str:
        """Give the prefix with its colon; nothing for no namespace."""
        if not namespace:
            return ""
        return self._known.setdefault(namespace, f"n{len(self._known) + 1}") + ":"

    def written(self) -> str:
        """Give the prefixes as a profile declares them."""
        lines = "".join(f"  {prefix}: {quoted(namespace)}\n" for namespace, prefix in self._known.items())
        return f"ns:\n{lines}" if lines else ""


class Tree:
    """Writes the elements of a type, one a line, with what each takes."""

    def __init__(self, wsdl: Wsdl, prefixes: Prefixes, chosen: Collection[str]) -> None:
        self._facets = wsdl.facets
        self._types = wsdl.types
        self._prefixes = prefixes
        self._chosen = chosen  # names of types

    def lines(self, type_: Any, indent: int, around: tuple[Any, ...], *, off: bool = False) -> Iterator[str]:
        """Give the lines; `off`: all of them commented out, because something around them is optional."""
        for _, attribute in type_.attributes:
            if getattr(attribute, "name", None):
                needed = getattr(attribute, "required", False)
                yield _line(
                    indent, f'"@{attribute.name}"', self._words(type_, attribute), off=off or not needed
                )
        for _, container in type_.elements_nested:
            yield from self._container(type_, container, indent, (*around, type_), off=off)

    def value(self, kind: Any, indent: int) -> str:
        """Give the line of a message that is one value: its name is not sent."""
        return _line(
            indent, "value", ", ".join(_simple_words(simple_type(kind, (), self._facets))), off=False
        )

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
        order: Any = inner
        is_choice = isinstance(inner, Choice)
        if is_choice:
            named = [branch_names(name or "", child) for name, child in order.elements_nested]
            names = ", ".join(named[:MOST_SHOWN])
            yield f"{' ' * indent}# one of: {names}"
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
        inside = " " * (indent + 2)
        others = self._facets.lineage.stand_ins(child.qname.text)
        if others and child.qname.text in self._facets.lineage.abstract_elements:
            listed = self._listed(others)
            yield f"{' ' * indent}# {name} is abstract: one of {listed}; --type NAME takes another"
            chosen = next((each for each in others if etree.QName(each).localname in self._chosen), others[0])
            name, child = f'"{self._prefixed(chosen)}"', self._types.get_element(chosen)
            kind, others = child.type, []
        else:
            name = quoted(name)
        yield _line(indent, name, self._words(type_, child), off=off)
        if others:
            yield f"{inside}# or, in its place: {self._listed(others)}"
        if not isinstance(kind, xsd.ComplexType):
            return
        if kind in around or len(around) > _DEEPEST:
            yield f"{inside}# and so on"
        elif is_array(kind):
            yield f"{inside}# an array: $each: record.{name}, or a list; each entry:"
            yield from self._entry(entry_of(kind).type, indent + 2, (*around, kind))
        else:
            if child.accepts_multiple:
                yield f"{inside}# $each: record.{name}"
            yield from self._content(kind, indent + 2, around, off=off)

    def _entry(self, kind: Any, indent: int, around: tuple[Any, ...]) -> Iterator[str]:
        if isinstance(kind, xsd.ComplexType):
            yield from self.lines(kind, indent, around, off=True)
        else:
            yield f"{' ' * indent}# {' or '.join(simple_type(kind, (), self._facets).builtins)}"

    def _content(self, kind: Any, indent: int, around: tuple[Any, ...], *, off: bool) -> Iterator[str]:
        """Write what an element of this type holds: of an abstract one, the type that was chosen."""
        name = kind.qname.text if kind.qname is not None else ""
        if name not in self._facets.lineage.abstract:
            yield from self.lines(kind, indent, around, off=off)
            return
        made = self._facets.lineage.made_of(name)
        chosen = next((each for each in made if etree.QName(each).localname in self._chosen), None)
        if chosen is None:
            yield f"{' ' * indent}# $type: one of {self._listed(made)}; --type NAME writes it out"
            yield from self.lines(kind, indent, around, off=off)
        else:
            yield f"{' ' * indent}{'# ' if off else ''}$type: {self._prefixed(chosen)}"
            yield from self.lines(self._types.get_type(chosen), indent, around, off=off)

    def _listed(self, names: list[str]) -> str:
        more = ", ..." if len(names) > SHOWN_TYPES else ""
        return ", ".join(self._prefixed(each) for each in names[:SHOWN_TYPES]) + more

    def _prefixed(self, name: str) -> str:
        qname = etree.QName(name)
        return f"{self._prefixes.of(qname.namespace)}{qname.localname}"

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
                "one of " + " | ".join(listed[:SHOWN_TYPES]) + (" | ..." if len(listed) > SHOWN_TYPES else "")
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

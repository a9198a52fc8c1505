"""What is made of what in the schemas of a WSDL: types, elements that stand for others; what is encoded.

zeep forgets all three once it has parsed a schema, so they are read from the documents themselves.
"""

from collections.abc import Iterator
from typing import Any

XSD = "{http://www.w3.org/2001/XMLSchema}"
_SOAP_BODIES = (
    "{http://schemas.xmlsoap.org/wsdl/soap/}body",
    "{http://schemas.xmlsoap.org/wsdl/soap12/}body",
)
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_TRUE = frozenset({"true", "1"})


class Lineage:
    """The descent of types and elements, by their names as `{namespace}name`."""

    def __init__(self) -> None:
        self.abstract: set[str] = set()  # types that no element can have: one derived from it is named
        self.abstract_elements: set[str] = set()  # one that stands for it is written instead
        self.encoded: set[str] = set()  # names of bindings whose bodies are encoded, not literal
        self._bases: dict[str, str] = {}
        self._bases_inside: dict[str, str] = {}  # of types without a name, by the element around them
        self._heads: dict[str, str] = {}  # element -> the element that it can stand for

    def read_schema(self, schema: Any, namespace: str | None) -> None:
        """Read what stands at the top of a schema, and the types within it that have no name."""
        for child in schema.iterchildren(f"{XSD}element"):
            name = qualified(namespace, child.get("name", ""))
            head = child.get("substitutionGroup")
            if head is not None:
                self._heads[name] = resolve(child, head) or ""
            if child.get("abstract") in _TRUE:
                self.abstract_elements.add(name)
        for child in schema.iterchildren(f"{XSD}complexType"):
            if child.get("abstract") in _TRUE:
                self.abstract.add(qualified(namespace, child.get("name", "")))

    def read_complex(self, complex_: Any, namespace: str | None) -> None:
        """Read what a type is made of."""
        base = next((each.get("base") for each in _derivations(complex_)), None)
        if base is None:
            return
        name = complex_.get("name")
        known = self._bases if name else self._bases_inside
        named = name or complex_.getparent().get("name") or ""
        known.setdefault(qualified(namespace, named), resolve(complex_, base) or "")

    def read_bindings(self, root: Any) -> None:
        """Read which bindings of a WSDL are encoded."""
        for binding in root.iterfind(f"{_WSDL}binding"):
            bodies = (body for tag in _SOAP_BODIES for body in binding.iterfind(f".//{_WSDL}input/{tag}"))
            if any(body.get("use") == "encoded" for body in bodies):
                self.encoded.add(qualified(root.get("targetNamespace"), binding.get("name", "")))

    def of_type(self, type_: Any) -> tuple[str, ...]:
        """Give the names of a type of zeep's and of all that it is made of, itself first."""
        qname = getattr(type_, "qname", None)
        if qname is None:
            return ()
        names: list[str] = [qname.text]
        known = self._bases if type_.is_global else self._bases_inside
        base = known.get(qname.text) or self._bases.get(qname.text)
        while base and base not in names:
            names.append(base)
            base = self._bases.get(base)
        return tuple(names)

    def made_of(self, name: str) -> list[str]:
        """Give the types that are made of a type, directly or not, but for those that are abstract."""
        return sorted(
            each for each in self._bases if each not in self.abstract and self._descends(each, name)
        )

    def heads_of(self, name: str) -> Iterator[str]:
        """Give the elements that an element can stand for, nearest first."""
        seen = {name}
        head = self._heads.get(name)
        while head and head not in seen:
            yield head
            seen.add(head)
            head = self._heads.get(head)

    def stand_ins(self, head: str) -> list[str]:
        """Give the elements that can stand for an element."""
        return sorted(
            name for name in self._heads if name not in self.abstract_elements and head in self.heads_of(name)
        )

    def _descends(self, name: str, ancestor: str) -> bool:
        seen: set[str] = set()
        base = self._bases.get(name)
        while base and base not in seen:
            if base == ancestor:
                return True
            seen.add(base)
            base = self._bases.get(base)
        return False


def resolve(node: Any, name: str | None) -> str | None:
    """Give `{namespace}name` for a name as the schema writes it there."""
    if name is None:
        return None
    prefix, colon, local = name.strip().partition(":")
    return qualified(node.nsmap.get(prefix if colon else None), local if colon else prefix)


def qualified(namespace: str | None, name: str) -> str:
    """Give `{namespace}name`, or the name alone."""
    return f"{{{namespace}}}{name}" if namespace else name


def _derivations(complex_: Any) -> Iterator[Any]:
    for content in ("complexContent", "simpleContent"):
        for way in ("extension", "restriction"):
            found = complex_.find(f"{XSD}{content}/{XSD}{way}")
            if found is not None:
                yield found

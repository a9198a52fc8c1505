"""Types of a schema, as bodies meet them: what they hold by the names that a body uses. Each is made once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from zeep import xsd
from zeep.xsd.elements import Choice, Element
from zeep.xsd.elements.indicators import OrderIndicator

from connector.adapters.soap.required import Needs
from connector.adapters.soap.simple import Simple, local_facets, simple_type
from connector.adapters.soap.wsdl import Wsdl

REPEATED = "_value_1"
"""What zeep calls content without a name: the text of an element with attributes, groups that repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A complex type, as a body meets it."""

    elements: Mapping[str, Any]  # Element, AnyElement, or an indicator that repeats
    attributes: Mapping[str, str]  # name -> what zeep calls it: another name where an element has it too
    any_attribute: str | None  # what zeep calls those of any name, where the type takes them
    simple: Mapping[str, Simple]  # by element name, or @attribute as zeep calls it
    plain: Mapping[str, Simple]  # elements that hold one value, and there is no more to them
    stand_ins: Mapping[str, tuple[str, str]]  # by name with and without namespace -> stood for, full name
    needs: Needs
    defaults: Mapping[str, Any] | None  # of a flat type, what zeep puts in place of what is missing


class Plans:
    """The plans of one WSDL. Safe to use from several threads."""

    def __init__(self, wsdl: Wsdl, *, skip_missing: bool) -> None:
        self._wsdl = wsdl
        self._skip_missing = skip_missing
        self._plans: dict[int, Plan] = {}

    def of(self, type_: Any) -> Plan:
        """Give the plan of a complex type."""
        plan = self._plans.get(id(type_))
        if plan is None:
            plan = self._make(type_, dict(_elements(type_)), dict(type_.attributes))
            self._plans[id(type_)] = plan
        return plan

    def of_group(self, group: Any) -> Plan:
        """Give the plan of a group of elements that repeats as a whole."""
        plan = self._plans.get(id(group))
        if plan is None:
            plan = self._make(group, dict(group.elements), {})
            self._plans[id(group)] = plan
        return plan

    def _make(self, type_: Any, elements: dict[str, Any], attributes: dict[str, Any]) -> Plan:
        owners = self._wsdl.facets.lineage.of_type(type_)
        named = {name: each for name, each in attributes.items() if getattr(each, "name", None)}
        simple = {
            name: self._simple(owners, each, str(each.name))
            for name, each in elements.items()
            if isinstance(each, Element) and not isinstance(each.type, xsd.ComplexType)
        }
        plain = {
            name: each
            for name, each in simple.items()
            if not each.is_list and self._is_plain(elements[name], each)
        }
        simple |= {f"@{name}": self._simple(owners, each, f"@{each.name}") for name, each in named.items()}
        return Plan(
            elements=elements,
            attributes={str(each.name): name for name, each in named.items()},
            any_attribute=next((name for name, each in attributes.items() if each.name is None), None),
            simple=simple,
            plain=plain,
            stand_ins=self._stand_ins(elements),
            needs=Needs(type_, named, self._wsdl.facets, self._skip_missing),
            defaults=_defaults(type_) if isinstance(type_, xsd.ComplexType) else None,
        )

    def _simple(self, owners: tuple[str, ...], each: Any, name: str) -> Simple:
        return simple_type(each.type, local_facets(owners, name, self._wsdl.facets), self._wsdl.facets)

    def _is_plain(self, element: Any, simple: Simple) -> bool:
        is_abstract = element.qname.text in self._wsdl.facets.lineage.abstract_elements
        return not (element.accepts_multiple or simple.is_list or is_abstract)

    def _stand_ins(self, elements: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for key, declared in elements.items():
            if isinstance(declared, Element):
                for full in self._wsdl.facets.lineage.stand_ins(declared.qname.text):
                    found[full] = (key, full)
                    found.setdefault(etree.QName(full).localname, (key, full))
        return found


def is_array(type_: Any) -> bool:
    """Tell whether a type is an array as SOAP 1.1 encodes it."""
    return isinstance(type_, xsd.ComplexType) and type_._array_type is not None  # noqa: SLF001 zeep has no other way


def entry_of(type_: Any) -> Any:
    """Give what an entry of an array is: named as the schema has it, else `item`."""
    # An array without elements of its own has nothing that zeep could list them of.
    listed = type_.elements if type_._element is not None else ()  # noqa: SLF001 as above
    named = next((each for _, each in listed if isinstance(each, Element)), None)
    kind = type_._array_type.array_type or (named.type if named else xsd.AnyType())  # noqa: SLF001 as above
    return xsd.Element(named.qname if named else "item", kind)


def _elements(type_: Any) -> Iterator[tuple[str, Any]]:
    for name, container in type_.elements_nested:
        if isinstance(container, Element) or container.accepts_multiple:
            yield name, container
        else:
            yield from container.elements


def _defaults(type_: Any) -> dict[str, Any] | None:
    """Give what zeep begins an object of this type with; None where zeep has more to do than to write it."""
    containers = [container for _, container in type_.elements_nested]
    if is_array(type_) or not all(_is_flat(each) for each in containers):
        return None
    if not all(attribute.name for _, attribute in type_.attributes):
        return None
    found = {name: each.default_value for container in containers for name, each in _parts(container)}
    return found | {name: each.default_value for name, each in type_.attributes}


def _is_flat(container: Any) -> bool:
    """Tell whether it holds named elements, each in one place only. Of a choice we know who was chosen."""
    if not isinstance(container, OrderIndicator) or container.accepts_multiple:
        return False
    inner = container.elements_nested
    if isinstance(container, Choice):
        return all(isinstance(each, Element) and each.name == name for name, each in inner)
    return all(isinstance(each, Element) or _is_flat(each) for _, each in inner)


def _parts(container: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(container, Choice):
        return
    for name, each in container.elements_nested:
        if isinstance(each, Element):
            yield name, each
        else:
            yield from _parts(each)

"""Fits what a body made to the types of a schema: names, order, types, facets, choices. Sends nothing.

Every value is checked and written here; zeep gets texts that are right already and only puts them together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zeep import xsd
from zeep.xsd.elements import Any as AnyElement
from zeep.xsd.elements import Element
from zeep.xsd.elements.indicators import Indicator
from zeep.xsd.types.any import AnyType
from zeep.xsd.types.simple import AnySimpleType
from zeep.xsd.valueobjects import AnyObject

from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.fit import Fit, Misfit, Shaped
from connector.adapters.soap.made import Branch, Leaf, Made, Many, Nil
from connector.adapters.soap.required import Needs, require_all
from connector.adapters.soap.simple import Simple, local_facets, owner_names, simple_type, write
from connector.adapters.soap.text_tree import element, qualified
from connector.adapters.soap.wsdl import Wsdl
from connector.yaml_words import suggest

_REPEATED = "_value_1"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A complex type, as a body meets it."""

    type: Any
    elements: Mapping[str, Any]  # Element, AnyElement, or an indicator that repeats
    attributes: Mapping[str, Any]
    simple: Mapping[str, Simple]  # by element name, or @attribute
    plain: Mapping[str, Simple]  # elements that hold one value, and there is no more to them
    needs: Needs


class Shaper:
    """Fits bodies to one WSDL. Safe to use from several threads."""

    def __init__(self, wsdl: Wsdl, ns: Mapping[str, str], *, skip_missing: bool = False) -> None:
        self._wsdl = wsdl
        self._ns = ns
        self._skip_missing = skip_missing
        self._plans: dict[int, _Plan] = {}

    def fields(self, type_: Any, made: Branch, path: str, fit: Fit) -> dict[str, Shaped]:
        """Give the content of an element of this type, by the names that zeep takes."""
        plan = self._plan(type_)
        shaped: dict[str, Shaped] = {}
        for name, inner in made.fields.items():
            plain = plan.plain.get(name)
            if plain is not None and type(inner) is Leaf and inner.value is not None:
                try:
                    shaped[name] = write(plain, inner.value)
                except UnfitValueError as error:
                    _note(fit, f"{path}/{name}" if path else name, inner, str(error))
                    shaped[name] = xsd.SkipValue
                continue
            at = f"{path}/{name}" if path else name
            key = name.removeprefix("@")
            if key in plan.elements and not name.startswith("@"):
                self._element(plan, key, inner, at, fit, shaped)
            elif key in plan.attributes:
                self._attribute(plan, key, inner, at, fit, shaped)
            elif not self._into_repeated(plan, key, inner, at, fit, shaped):
                known = [*plan.elements, *(f"@{each}" for each in plan.attributes)]
                _wrong(fit, at, f"the WSDL has no such element here; {suggest(name, known)}")
        require_all(plan.needs, shaped, path, fit)
        return shaped

    def global_element(self, name: str, made: Made, fit: Fit) -> Any:
        """Give an element that the schema declares, or any other, as XML."""
        tag = qualified(name, self._ns)
        declared = self._declared(tag)
        if declared is None:
            return element(name, made, self._ns)
        value = self._one(declared, simple_type(declared.type, (), self._wsdl.facets), made, name, fit)
        holder = element("holder", Branch({}), {})
        if not fit.misfits:
            declared.render(holder, value if not isinstance(value, dict) else declared.type(**value))
        return holder[0] if len(holder) else holder

    def text(self, type_: Any, made: Leaf, at: str, fit: Fit) -> str | None:
        """Give a value as a simple type writes it."""
        return self._text(simple_type(type_, (), self._wsdl.facets), made, at, fit)

    def _declared(self, tag: str) -> Any:
        try:
            return self._wsdl.types.get_element(tag)
        except LookupError:
            return None

    def _element(
        self, plan: _Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> None:
        declared = plan.elements[name]
        if isinstance(declared, Indicator):
            self._repeated(declared, name, made, at, fit, shaped)
            return
        if isinstance(declared, AnyElement):
            shaped[name] = self._anything(declared, made, fit)
            return
        items = made.items if isinstance(made, Many) else [made]
        if len(items) > 1 and not declared.accepts_multiple:
            _note(fit, at, made, f"{len(items)} elements where the WSDL takes one")
            return
        if isinstance(declared.max_occurs, int) and len(items) > declared.max_occurs:
            _note(fit, at, made, f"{len(items)} elements where the WSDL takes at most {declared.max_occurs}")
            return
        array = getattr(declared.type, "_array_type", None)
        if array and isinstance(made, Many):
            shaped[name] = self._array(declared.type, made, at, fit)
            return
        simple = plan.simple.get(name)
        if not declared.accepts_multiple:
            known = len(fit.misfits)
            value = self._one(declared, simple, items[0], at, fit) if items else None
            if value is not None:
                shaped[name] = value
            elif len(fit.misfits) > known:
                shaped[name] = xsd.SkipValue  # it is wrong, not missing
            return
        values = [
            self._one(declared, simple, item, f"{at}[{place}]", fit) for place, item in enumerate(items)
        ]
        if len(values) < declared.min_occurs:
            _note(
                fit, at, made, f"{len(values)} elements where the WSDL wants at least {declared.min_occurs}"
            )
        shaped[name] = [value for value in values if value is not None]

    def _one(
        self,
        declared: Any,
        simple: Simple | None,
        made: Made,
        at: str,
        fit: Fit,
    ) -> Shaped:
        if isinstance(made, Nil) or (isinstance(made, Leaf) and made.value is None):
            if declared.nillable:
                return xsd.Nil
            if isinstance(made, Nil):
                _note(fit, at, made, "the WSDL does not let this element be nil")
            return None
        if isinstance(made, Leaf):
            return self._leaf(declared.type, simple, made, at, fit)
        if isinstance(made, Branch):
            return self._branch(declared.type, made, at, fit)
        _note(fit, at, made, "a list in a list")
        return None

    def _leaf(self, type_: Any, simple: Simple | None, made: Leaf, at: str, fit: Fit) -> Shaped:
        if isinstance(type_, xsd.ComplexType):
            plan = self._plan(type_)
            if _REPEATED in plan.simple and isinstance(plan.elements.get(_REPEATED), Element):
                text = self._text(plan.simple[_REPEATED], made, at, fit)
                return None if text is None else {_REPEATED: text}
            _note(fit, at, made, f"a value where the WSDL has elements: {', '.join(list(plan.elements)[:8])}")
            return None
        return self._text(simple or simple_type(type_, (), self._wsdl.facets), made, at, fit)

    def _branch(self, type_: Any, made: Branch, at: str, fit: Fit) -> Shaped:
        if made.type is not None:
            return self._typed(type_, made, at, fit)
        if not isinstance(type_, xsd.ComplexType):
            message = "elements where the WSDL has a value"
            if isinstance(type_, AnyType) and not isinstance(type_, AnySimpleType):
                message = "the WSDL takes anything here: name a type with $type"
            _note(fit, at, made, message)
            return None
        name = type_.qname.text if type_.qname is not None else ""
        if name in self._wsdl.facets.abstract:
            _wrong(fit, at, f"{type_.name} is abstract: name one of the types that are made of it with $type")
            return None
        if getattr(type_, "_array_type", None):
            return self._array(type_, Many(list(made.fields.values())), at, fit)
        return self.fields(type_, made, at, fit)

    def _typed(self, type_: Any, made: Branch, at: str, fit: Fit) -> Shaped:
        try:
            named = self._wsdl.types.get_type(qualified(made.type or "", self._ns))
        except (LookupError, UnfitValueError):
            _wrong(fit, at, f"the WSDL has no type {made.type}")
            return None
        if not isinstance(named, xsd.ComplexType):
            [inner] = made.fields.values() if len(made.fields) == 1 else [Nil()]
            if not isinstance(inner, Leaf):
                _note(fit, at, made, f"{made.type} holds one value: write $type and _value_1")
                return None
            return AnyObject(named, self._text(simple_type(named, (), self._wsdl.facets), inner, at, fit))
        if isinstance(type_, xsd.ComplexType) and not _derives(named, type_):
            _note(fit, at, made, f"{made.type} is not made of {type_.name}, which the WSDL has here")
            return None
        fields = self.fields(named, made, at, fit)
        return None if fit.misfits else named(**fields)

    def _array(self, type_: Any, made: Many, at: str, fit: Fit) -> Shaped:
        item = type_._array_type.array_type  # noqa: SLF001 zeep has no other way to it
        if item is None:
            item = next(iter(type_.elements), (None, None))[1]
            item = item.type if isinstance(item, Element) else xsd.AnyType()
        items = [
            each for inner in made.items for each in (inner.items if isinstance(inner, Many) else [inner])
        ]
        values: list[Shaped] = []
        for place, each in enumerate(items):
            where = f"{at}[{place}]"
            if isinstance(each, Branch) and isinstance(item, xsd.ComplexType):
                fields = self.fields(item, each, where, fit)
                values.append(fields if fit.misfits else item(**fields))
            elif isinstance(each, Leaf):
                values.append(
                    AnyObject(item, self._text(simple_type(item, (), self._wsdl.facets), each, where, fit))
                )
            else:
                _note(fit, where, each, "this kind of entry is not taken in an array")
        return type_(values)

    def _attribute(
        self, plan: _Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> None:
        if not isinstance(made, Leaf):
            _note(fit, at, made, "an attribute holds a value, not elements")
        elif made.value is not None:
            shaped[name] = self._text(plan.simple[f"@{name}"], made, at, fit)

    def _anything(self, declared: Any, made: Made, fit: Fit) -> Shaped:
        fields = made.fields if isinstance(made, Branch) else {}
        found = [
            self.global_element(name, each, fit)
            for name, inner in fields.items()
            for each in (inner.items if isinstance(inner, Many) else [inner])
        ]
        return found if declared.accepts_multiple else next(iter(found), None)

    def _repeated(
        self,
        declared: Any,
        name: str,
        made: Made,
        at: str,
        fit: Fit,
        shaped: dict[str, Shaped],
    ) -> None:
        """Fit a group of elements that repeats as a whole: a list of such groups."""
        values: list[dict[str, Shaped]] = []
        plan = self._group_plan(declared)
        for place, item in enumerate(made.items if isinstance(made, Many) else [made]):
            if not isinstance(item, Branch):
                _note(fit, at, item, "expected a list of groups of elements")
                continue
            group: dict[str, Shaped] = {}
            for inner_name, inner in item.fields.items():
                where = f"{at}[{place}]/{inner_name}"
                if inner_name in plan.elements:
                    self._element(plan, inner_name, inner, where, fit, group)
                else:
                    _wrong(
                        fit, where, f"the WSDL has no such element here; {suggest(inner_name, plan.elements)}"
                    )
            values.append(group)
        shaped.setdefault(name, []).extend(values)

    def _into_repeated(
        self, plan: _Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> bool:
        """Take an element of a group that repeats, written without the group: each one makes a group."""
        for group_name, group in plan.elements.items():
            if isinstance(group, Indicator) and name in self._group_plan(group).elements:
                items = made.items if isinstance(made, Many) else [made]
                self._repeated(
                    group, group_name, Many([Branch({name: item}) for item in items]), at, fit, shaped
                )
                return True
        return False

    def _text(self, simple: Simple, made: Leaf, at: str, fit: Fit) -> str | None:
        try:
            return write(simple, made.value)
        except UnfitValueError as error:
            _note(fit, at, made, str(error))
            return None

    def _plan(self, type_: Any) -> _Plan:
        plan = self._plans.get(id(type_))
        if plan is None:
            plan = self._make_plan(type_, dict(_elements(type_)), dict(type_.attributes))
            self._plans[id(type_)] = plan
        return plan

    def _group_plan(self, group: Any) -> _Plan:
        plan = self._plans.get(id(group))
        if plan is None:
            plan = self._make_plan(group, dict(group.elements), {})
            self._plans[id(group)] = plan
        return plan

    def _make_plan(self, type_: Any, elements: dict[str, Any], attributes: dict[str, Any]) -> _Plan:
        owners = owner_names(type_)
        simple = {
            name: simple_type(
                each.type, local_facets(owners, str(each.name), self._wsdl.facets), self._wsdl.facets
            )
            for name, each in elements.items()
            if isinstance(each, Element) and not isinstance(each.type, xsd.ComplexType)
        }
        simple |= {
            f"@{name}": simple_type(
                each.type, local_facets(owners, f"@{each.name}", self._wsdl.facets), self._wsdl.facets
            )
            for name, each in attributes.items()
            if getattr(each, "name", None)
        }
        named = {name: each for name, each in attributes.items() if getattr(each, "name", None)}
        needs = Needs(type_, named, self._wsdl.facets, self._skip_missing)
        plain = {
            name: each
            for name, each in simple.items()
            if name in elements and not elements[name].accepts_multiple
        }
        return _Plan(type=type_, elements=elements, attributes=named, simple=simple, plain=plain, needs=needs)


def _elements(type_: Any) -> Iterator[tuple[str, Any]]:
    for name, container in type_.elements_nested:
        if isinstance(container, Element) or container.accepts_multiple:
            yield name, container
        else:
            yield from container.elements


def _derives(named: Any, base: Any) -> bool:
    return base.qname is None or base.qname.text in owner_names(named)


def _note(fit: Fit, at: str, made: Made, message: str) -> None:
    source = made.source if isinstance(made, Leaf) else ""
    fit.misfits.append(Misfit(path=at, source=source, message=message))


def _wrong(fit: Fit, at: str, message: str) -> None:
    fit.misfits.append(Misfit(path=at, source="", message=message, is_profile=True))

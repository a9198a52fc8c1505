"""Fits what a body made to the types of a schema: names, order, types, facets, choices. Sends nothing.

Every value is checked and written here; zeep gets texts that are right already and only puts them together.
"""

from collections.abc import Mapping
from typing import Any

import zeep.exceptions
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
from connector.adapters.soap.plans import REPEATED, Plan, Plans, entry_of, is_array
from connector.adapters.soap.required import require_all
from connector.adapters.soap.simple import Simple, simple_type, write
from connector.adapters.soap.text_tree import element, fill, qualified
from connector.adapters.soap.written import Ready, Written, array, stand_in, written
from connector.adapters.soap.wsdl import Wsdl
from connector.yaml_words import suggest

_ENVELOPES = frozenset(
    {"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"}
)
_ANY_TEXT = Simple(("string",), is_list=False, facets=())


class Shaper:
    """Fits bodies to one WSDL. Safe to use from several threads."""

    def __init__(
        self, wsdl: Wsdl, ns: Mapping[str, str], *, skip_missing: bool = False, cut: bool = False
    ) -> None:
        self._wsdl = wsdl
        self._ns = ns
        self._cut = cut  # text that is too long
        self._plans = Plans(wsdl, skip_missing=skip_missing)

    def fields(self, type_: Any, made: Branch, path: str, fit: Fit) -> dict[str, Shaped]:
        """Give the content of an element of this type, by the names that zeep takes."""
        plan = self._plans.of(type_)
        shaped: dict[str, Shaped] = {}
        for name, inner in made.fields.items():
            plain = plan.plain.get(name)
            if plain is not None and type(inner) is Leaf and inner.value is not None:
                try:
                    shaped[name] = write(plain, inner.value, cut=self._cut)
                except UnfitValueError as error:
                    _note(fit, f"{path}/{name}" if path else name, inner, str(error))
                    shaped[name] = xsd.SkipValue
                continue
            at = f"{path}/{name}" if path else name
            if name in plan.elements:
                self._element(plan, name, inner, at, fit, shaped)
            elif name.removeprefix("@") in plan.attributes:
                self._attribute(plan, name.removeprefix("@"), inner, at, fit, shaped)
            elif not (
                self._into_repeated(plan, name, inner, at, fit, shaped)
                or self._in_place(plan, name, inner, at, fit, shaped)
                or self._into_any(plan, name, inner, fit, shaped)
            ):
                known = [*plan.elements, *plan.stand_ins, *(f"@{each}" for each in plan.attributes)]
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
        return element(name, Branch({}), self._ns) if fit.misfits else written(declared, value)

    def header_block(self, name: str, made: Made, fit: Fit) -> Any:
        """Give a block of the header. SOAP's own attributes (`@s:mustUnderstand`) belong on any."""
        fields = made.fields if isinstance(made, Branch) else {}
        soaps = {key: inner for key, inner in fields.items() if self._is_soaps(key)}
        if soaps and isinstance(made, Branch):
            made = Branch({key: inner for key, inner in fields.items() if key not in soaps}, made.type)
        node = self.global_element(name, made, fit)
        fill(node, Branch(soaps), self._ns)
        return node

    def _is_soaps(self, key: str) -> bool:
        namespace = self._ns.get(key[1:].partition(":")[0]) if key.startswith("@") else None
        return namespace in _ENVELOPES

    def text(self, type_: Any, made: Leaf, at: str, fit: Fit) -> Shaped:
        """Give a value as a simple type writes it."""
        return self._text(simple_type(type_, (), self._wsdl.facets), made, at, fit)

    def _declared(self, tag: str) -> Any:
        try:
            return self._wsdl.types.get_element(tag)
        except zeep.exceptions.Error:  # of a namespace, or of a name in it, that the WSDL does not have
            return None

    def _element(
        self, plan: Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> None:
        declared = plan.elements[name]
        if isinstance(declared, Indicator):
            self._repeated(declared, name, made, at, fit, shaped)
            return
        if isinstance(declared, AnyElement):
            shaped[name] = self._anything(declared, made, fit)
            return
        if declared.qname.text in self._wsdl.facets.lineage.abstract_elements:
            known = ", ".join(list(plan.stand_ins)[1::2][:8])
            _wrong(fit, at, f"{name} is abstract: write an element that stands for it, such as {known}")
        elif is_array(declared.type) and isinstance(made, Many) and not declared.accepts_multiple:
            shaped[name] = self._array(declared.type, made, at, fit)
        else:
            self._listed(plan, name, made, at, fit, shaped)

    def _listed(
        self, plan: Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> None:
        declared, simple = plan.elements[name], plan.simple.get(name)
        items = made.items if isinstance(made, Many) else [made]
        most = declared.max_occurs if isinstance(declared.max_occurs, int) else len(items)
        if len(items) > most:
            words = "one" if most == 1 else f"at most {most}"
            _note(fit, at, made, f"{len(items)} elements where the WSDL takes {words}")
            return
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
            plan = self._plans.of(type_)
            if REPEATED in plan.simple and isinstance(plan.elements.get(REPEATED), Element):
                text = self._text(plan.simple[REPEATED], made, at, fit)
                return None if text is None else {REPEATED: text}
            _note(fit, at, made, f"a value where the WSDL has elements: {', '.join(list(plan.elements)[:8])}")
            return None
        return self._text(simple or simple_type(type_, (), self._wsdl.facets), made, at, fit)

    def _branch(self, type_: Any, made: Branch, at: str, fit: Fit) -> Shaped:
        if made.type is not None:
            return self._typed(type_, made, at, fit)
        if not isinstance(type_, xsd.ComplexType):
            if isinstance(type_, AnyType) and not isinstance(type_, AnySimpleType):
                return Written(lambda node: fill(node, made, self._ns))
            _note(fit, at, made, "elements where the WSDL has a value")
            return None
        name = type_.qname.text if type_.qname is not None else ""
        if name in self._wsdl.facets.lineage.abstract:
            _wrong(fit, at, f"{type_.name} is abstract: name one of the types that are made of it with $type")
            return None
        if is_array(type_):
            return self._array(type_, Many(list(made.fields.values())), at, fit)
        return _ready(self._plans.of(type_), self.fields(type_, made, at, fit))

    def _typed(self, type_: Any, made: Branch, at: str, fit: Fit) -> Shaped:
        try:
            named = self._wsdl.types.get_type(qualified(made.type or "", self._ns))
        except (zeep.exceptions.Error, UnfitValueError):
            _wrong(fit, at, f"the WSDL has no type {made.type}")
            return None
        if not isinstance(named, xsd.ComplexType):
            [inner] = made.fields.values() if len(made.fields) == 1 else [Nil()]
            if not isinstance(inner, Leaf):
                _note(fit, at, made, f"{made.type} holds one value: write $type and _value_1")
                return None
            return AnyObject(named, self._text(simple_type(named, (), self._wsdl.facets), inner, at, fit))
        if isinstance(type_, xsd.ComplexType) and not self._derives(named, type_):
            _note(fit, at, made, f"{made.type} is not made of {type_.name}, which the WSDL has here")
            return None
        fields = self.fields(named, made, at, fit)
        return None if fit.misfits else named(**fields)

    def _derives(self, named: Any, base: Any) -> bool:
        return base.qname is None or base.qname.text in self._wsdl.facets.lineage.of_type(named)

    def _array(self, type_: Any, made: Many, at: str, fit: Fit) -> Shaped:
        item = entry_of(type_)
        simple = simple_type(item.type, (), self._wsdl.facets)
        items = [
            each for inner in made.items for each in (inner.items if isinstance(inner, Many) else [inner])
        ]
        values = [self._one(item, simple, each, f"{at}[{place}]", fit) for place, each in enumerate(items)]
        return array(item, values)

    def _attribute(
        self, plan: Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> None:
        if not isinstance(made, Leaf):
            _note(fit, at, made, "an attribute holds a value, not elements")
        elif made.value is not None:
            key = plan.attributes[name]
            shaped[key] = self._text(plan.simple[f"@{key}"], made, at, fit)

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
        plan = self._plans.of_group(declared)
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
        self, plan: Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> bool:
        """Take an element of a group that repeats, written without the group: each one makes a group."""
        for group_name, group in plan.elements.items():
            if isinstance(group, Indicator) and name in self._plans.of_group(group).elements:
                items = made.items if isinstance(made, Many) else [made]
                self._repeated(
                    group, group_name, Many([Branch({name: item}) for item in items]), at, fit, shaped
                )
                return True
        return False

    def _in_place(
        self, plan: Plan, name: str, made: Made, at: str, fit: Fit, shaped: dict[str, Shaped]
    ) -> bool:
        """Take an element that can stand for one of the type's."""
        try:
            found = plan.stand_ins.get(qualified(name, self._ns))
        except UnfitValueError:
            found = None
        if found is None:
            return False
        key, full = found
        member, declared = self._wsdl.types.get_element(full), plan.elements[key]
        simple = simple_type(member.type, (), self._wsdl.facets)
        items = made.items if isinstance(made, Many) else [made]
        values = [stand_in(member, self._one(member, simple, each, at, fit)) for each in items]
        if declared.accepts_multiple:
            shaped.setdefault(key, []).extend(values)
        elif len(values) == 1 and key not in shaped:
            shaped[key] = values[0]
        else:
            _note(fit, at, made, f"the WSDL takes one element in the place of {key}")
        return True

    def _into_any(self, plan: Plan, name: str, made: Made, fit: Fit, shaped: dict[str, Shaped]) -> bool:
        """Take an element or an attribute with a prefix where the type takes any."""
        if name.startswith("@") and plan.any_attribute is not None and isinstance(made, Leaf):
            value = write(_ANY_TEXT, made.value)
            shaped.setdefault(plan.any_attribute, {})[qualified(name[1:], self._ns)] = value
            return True
        key = next((key for key, each in plan.elements.items() if isinstance(each, AnyElement)), None)
        if key is None or ":" not in name or name.startswith("@"):
            return False
        found = self._anything(plan.elements[key], Branch({name: made}), fit)
        if plan.elements[key].accepts_multiple:
            shaped.setdefault(key, []).extend(found)
        else:
            shaped[key] = found
        return True

    def _text(self, simple: Simple, made: Leaf, at: str, fit: Fit) -> Shaped:
        try:
            text = write(simple, made.value, cut=self._cut)
            return text.split() if simple.is_list else text  # zeep joins lists itself
        except UnfitValueError as error:
            _note(fit, at, made, str(error))
            return None


def _ready(plan: Plan, shaped: dict[str, Shaped]) -> Shaped:
    """Give content as zeep writes it at once, where there is nothing in it that zeep has to sort out."""
    if plan.defaults is None or any(_is_raw(each) for each in shaped.values()):
        return shaped
    return Ready({**plan.defaults, **shaped})


def _is_raw(value: Shaped) -> bool:
    return type(value) is dict or (type(value) is list and any(type(each) is dict for each in value))


def _note(fit: Fit, at: str, made: Made, message: str) -> None:
    source = made.source if isinstance(made, Leaf) else ""
    fit.misfits.append(Misfit(path=at, source=source, message=message))


def _wrong(fit: Fit, at: str, message: str) -> None:
    fit.misfits.append(Misfit(path=at, source="", message=message, is_profile=True))

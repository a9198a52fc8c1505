"""What a type requires: elements, attributes, one branch of a choice and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zeep import xsd
from zeep.xsd.elements import Any as AnyElement
from zeep.xsd.elements import Choice, Element, Group
from zeep.xsd.elements.indicators import Indicator

from connector.adapters.soap.facets import FacetIndex
from connector.adapters.soap.fit import Fit, Misfit, Shaped


@dataclass(frozen=True, slots=True)
class Needs:
    """A complex type, and what is done about what is missing."""

    type: Any
    attributes: Mapping[str, Any]
    facets: FacetIndex
    skip_missing: bool
    children: dict[int, list[tuple[str, Any]]] = field(
        default_factory=dict
    )  # of containers, once they are asked


def require_all(needs: Needs, shaped: dict[str, Shaped], path: str, fit: Fit) -> None:
    """Note what is missing, and fill in what the schema itself says."""
    for _, container in needs.type.elements_nested:
        if isinstance(container, Indicator) and not container.accepts_multiple:
            _require_in(needs, container, shaped, path, fit)
    for name, attribute in needs.attributes.items():
        if getattr(attribute, "required", False) and name not in shaped and attribute.default is None:
            at = f"{path}/@{attribute.name}"
            fit.misfits.append(Misfit(path=at, source="", message="required and missing"))


def _require_in(
    needs: Needs,
    container: Any,
    shaped: dict[str, Shaped],
    path: str,
    fit: Fit,
) -> None:
    if isinstance(container, Group):
        container = container.child
    if isinstance(container, Choice):
        _require_branch(needs, _children(container), shaped, path, fit)
        return
    for name, child in _demanding(needs, container):
        if isinstance(child, Indicator):
            if child.min_occurs == 0 and not _is_given(name, child, shaped):
                continue
            _require_in(needs, child, shaped, path, fit)
        elif name not in shaped:
            _missing(needs, name, child, shaped, path, fit)


def _demanding(needs: Needs, container: Any) -> list[tuple[str, Any]]:
    """Give what of a sequence may be required: asked for every line of every document, so remembered."""
    found = needs.children.get(id(container))
    if found is None:
        found = [
            (name, child)
            for name, child in _children(container)
            if (isinstance(child, Indicator) and not child.accepts_multiple)
            or (isinstance(child, Element) and not child.is_optional)
        ]
        needs.children[id(container)] = found
    return found


def _require_branch(
    needs: Needs,
    children: list[tuple[str, Any]],
    shaped: dict[str, Shaped],
    path: str,
    fit: Fit,
) -> None:
    given = [(name, child) for name, child in children if _is_given(name, child, shaped)]
    names = ", ".join(branch_names(name, child) for name, child in children)
    if len(given) > 1:
        both = " and ".join(branch_names(name, child) for name, child in given)
        fit.misfits.append(
            Misfit(path=path, source="", message=f"{both} exclude each other: the WSDL takes one of {names}")
        )
    elif not given:
        owners = needs.facets.lineage.of_type(needs.type)
        may_be_empty = any(
            (owner, getattr(child, "name", "")) in needs.facets.empty_branches
            or isinstance(child, AnyElement)
            for owner in owners
            for _, child in children
        ) or any(isinstance(child, Indicator) and child.min_occurs == 0 for _, child in children)
        if not may_be_empty and children:
            fit.misfits.append(Misfit(path=path, source="", message=f"one of these is needed: {names}"))
    elif isinstance(given[0][1], Indicator) and not given[0][1].accepts_multiple:
        _require_in(needs, given[0][1], shaped, path, fit)


def _missing(needs: Needs, name: str, child: Any, shaped: dict[str, Shaped], path: str, fit: Fit) -> None:
    if child.default is not None:
        shaped[name] = child.default
    elif needs.skip_missing:
        shaped[name] = xsd.SkipValue
    elif child.nillable:
        shaped[name] = [xsd.Nil] * child.min_occurs if child.accepts_multiple else xsd.Nil
    else:
        at = f"{path}/{name}" if path else name
        fit.misfits.append(
            Misfit(path=at, source="", message="required by the WSDL, and the profile sends nothing")
        )


def _children(container: Any) -> list[tuple[str, Any]]:
    return [(name or "", child) for name, child in container.elements_nested]


def _is_given(name: str, child: Any, shaped: Mapping[str, Shaped]) -> bool:
    if isinstance(child, Indicator) and not child.accepts_multiple:
        inner = child.child if isinstance(child, Group) else child
        return any(_is_given(each, part, shaped) for each, part in _children(inner))
    return name in shaped and shaped[name] is not xsd.SkipValue


def branch_names(name: str, child: Any) -> str:
    """Give the name of one branch of a choice; of several elements that go together, all of them."""
    if isinstance(child, Indicator) and not child.accepts_multiple:
        return "(" + ", ".join(each for each, _ in child.elements) + ")"
    return name

"""Values that stand elsewhere in a reply (SOAP 1.1, section 5.2.3; SOAP 1.2, part 2, 3.1.5), put in place.

Servers that encode write a value once and refer to it: `<invoice href="#id1"/>`, and after the answer
`<multiRef id="id1">...</multiRef>`. A path that a profile names has to lead through it as if it stood there.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

_ENCODING_12 = "{http://www.w3.org/2003/05/soap-encoding}"
_ROOT = "{http://schemas.xmlsoap.org/soap/encoding/}root"
_ABOUT_ITSELF = frozenset({"id", f"{_ENCODING_12}id", _ROOT})
_MOST_NODES = 100_000  # that are put in place: references to references could grow without end
_DEEPEST = 100


def put_in_place(body: Any) -> None:
    """Put what the answer in a SOAP body refers to in its place, and take it from beside the answer.

    A reference within what it refers to stays as it is. In literal messages `href` means what it likes: only
    what stands directly in the body, or is named as SOAP 1.2 encodes, is referred to.
    Raises: ValueError when there would be no end to it.
    """
    targets = _targets(body)
    if not targets:
        return
    used: set[str] = set()
    left = _MOST_NODES
    waiting = [(node, name, frozenset[str]()) for node, name in _references(body[0])]
    while waiting:
        node, name, around = waiting.pop()
        if name not in targets or name in around or node is targets[name]:
            continue
        left -= 1 + sum(1 for _ in targets[name].iterdescendants())
        if left < 0 or len(around) >= _DEEPEST:
            message = "its references lead to more and more elements"
            raise ValueError(message)
        _fill(node, targets[name])
        used.add(name)
        waiting += [(inner, found, around | {name}) for inner, found in _references(node)]
    for name in used:
        if targets[name].getparent() is body:
            body.remove(targets[name])


def _targets(body: Any) -> dict[str, Any]:
    """Give what can be referred to, by its id. The first is the answer itself."""
    found = {str(node.get("id")): node for node in list(body)[1:] if node.get("id")}
    for node in body.iterdescendants():
        name = node.get(f"{_ENCODING_12}id")
        if name:
            found[str(name)] = node
    return found


def _references(root: Any) -> Iterator[tuple[Any, str]]:
    """Give the elements that refer to another, with its id."""
    for node in root.iter():
        link = str(node.get("href") or "")
        name = node.get(f"{_ENCODING_12}ref") or (link[1:] if link.startswith("#") else "")
        if name and len(node) == 0:
            yield node, str(name)


def _fill(node: Any, target: Any) -> None:
    for name in ("href", f"{_ENCODING_12}ref"):
        node.attrib.pop(name, None)
    for name, value in _own(target):
        node.set(name, value)
    node.text = target.text
    node.extend(deepcopy(child) for child in target)


def _own(target: Any) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in target.attrib.items() if name not in _ABOUT_ITSELF)

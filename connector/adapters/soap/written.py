"""Elements that zeep cannot write, in the shape of values that it takes: it makes the element, we fill it."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree
from zeep.xsd.valueobjects import CompoundValue

from connector.adapters.soap.fit import Shaped

_ARRAY_TYPE = "{http://schemas.xmlsoap.org/soap/encoding/}arrayType"
_ANY_TYPE = etree.QName("http://www.w3.org/2001/XMLSchema", "anyType")


class Written(CompoundValue):
    """What writes itself into the element that zeep has made for it."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self.__values__ = OrderedDict()
        self._xsd_type = _Writer(write)  # type: ignore[assignment]


class Ready(dict[str, Shaped], CompoundValue):
    """Content that is right already: zeep takes it for an object of its own, and writes it as it is.

    What zeep makes itself is checked once more, and answers each question in Python; a dict is quick.
    """


class _Writer:
    """Stands where zeep has the type of a value, which it asks to render."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self._write = write

    def render(self, node: Any, *_: Any) -> None:
        """Fill the element."""
        self._write(node)


def stand_in(member: Any, value: Shaped) -> Written:
    """Give an element in the place of the one that it stands for (XSD's substitution groups)."""
    return Written(lambda node: _become(node, written(member, value)))


def array(item: Any, values: Sequence[Shaped]) -> Written:
    """Give an array as SOAP 1.1 encodes it (section 5.4.2): its entries, and how many of what they are."""

    def write(node: Any) -> None:
        for value in values:
            node.append(written(item, value))
        node.set(
            _ARRAY_TYPE, item.type.qname or _ANY_TYPE
        )  # lxml knows the prefix of a name, but not of a text
        node.set(_ARRAY_TYPE, f"{node.get(_ARRAY_TYPE)}[{len(values)}]")

    return Written(write)


def written(declared: Any, value: Shaped) -> Any:
    """Give an element of this declaration with this value."""
    holder = etree.Element("holder")
    declared.render(holder, declared.type(**value) if type(value) is dict else value)
    return holder[0]


def _become(node: Any, made: Any) -> None:
    node.tag = made.tag
    node.text = made.text
    for name, text in made.attrib.items():
        node.set(name, text)
    node.extend(list(made))

"""The library that mappings can call in `with` and `expr`: each function with its words and its limits.

Functions themselves live in `connector.mapping.library`. Here is what is known of each, how its arguments are
checked, and the caps that keep a value from growing without end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from inspect import Parameter, cleandoc, signature
from types import GeneratorType
from typing import Any, TypeAlias

from connector.mapping.library import dates, lists, numbers, text
from connector.mapping.library.values import Items, Number, Value
from connector.mapping.value_types import NUMBERS
from connector.mapping.words import UnfitError, describe

_SAMPLE = "Example: "
_LISTS = (list, tuple, GeneratorType)

Checks: TypeAlias = Sequence[tuple[Callable[[Any], bool], str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the library."""

    name: str
    group: str  # "text", "numbers", "dates", "lists"
    summary: str  # what it gives
    example: str  # `left("INV-7", 3) = "INV"`: two expressions that are equal
    parameters: tuple[Parameter, ...] = field(repr=False)
    call: Callable[..., Any] = field(repr=False)  # positional; checks its arguments

    @property
    def signature(self) -> str:
        """Give how it is written: `left(text, count)`."""
        return f"{self.name}({', '.join(map(_write_parameter, self.parameters))})"

    def bind(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """Put arguments into the order of the parameters, defaults included; the values may be anything.

        Raises: ValueError saying how the function is called.
        """
        try:
            bound = signature(self.call).bind(*arguments, **named)
        except TypeError as error:
            message = f"`{self.name}` is called as {self.signature}"
            raise ValueError(message) from error
        bound.apply_defaults()
        return (*bound.args, *bound.kwargs.values())

    def require(self, arguments: Sequence[Any]) -> None:
        """Check arguments that are known before any value is: all after the first.

        Raises: ValueError naming the one that does not fit.
        """
        for parameter, argument in zip(self.parameters[1:], arguments, strict=False):
            fits, words = _CHECKS[parameter.annotation]
            if not fits(argument):
                message = f"`{parameter.name}` of `{self.name}` takes {words}, got {describe(argument)}"
                raise ValueError(message)


def _write_parameter(parameter: Parameter) -> str:
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return f"{parameter.name}, ..."
    if parameter.default is Parameter.empty:
        return parameter.name
    default = f'"{parameter.default}"' if isinstance(parameter.default, str) else parameter.default
    return f"{parameter.name}={default}"


def _is_number(value: object) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, _LISTS)


_CHECKS: Mapping[Any, tuple[Callable[[Any], bool], str]] = {
    str: (lambda value: isinstance(value, str), "text"),
    int: (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
    date: (lambda value: isinstance(value, date), "a date (date() and parse_date() give one)"),
    Number: (_is_number, "a number"),
    Items: (_is_list, "a list"),
    Value: (lambda _: True, "a value"),
}


def _function(group: str, name: str, function: Callable[..., Any]) -> Function:
    words = cleandoc(function.__doc__ or "")
    summary, _, example = words.partition(_SAMPLE)
    parameters = tuple(signature(function, eval_str=True).parameters.values())
    return Function(
        name=name,
        group=group,
        summary=" ".join(summary.split()),
        example=" ".join(example.split()),
        parameters=parameters,
        call=_checked(name, function, parameters),
    )


def _checked(name: str, function: Callable[..., Any], parameters: Sequence[Parameter]) -> Callable[..., Any]:
    checks = [_CHECKS[parameter.annotation] for parameter in parameters]
    is_open = bool(parameters) and parameters[-1].kind is Parameter.VAR_POSITIONAL

    def call(*arguments: Any) -> Any:  # noqa: ANN401 values of expressions
        wanted = [*checks, *checks[-1:] * (len(arguments) - len(checks))] if is_open else checks
        for (fits, words), argument in zip(wanted, arguments, strict=is_open is False):
            if not fits(argument):
                raise UnfitError(describe(argument), f"`{name}` takes {words}")
        return function(*arguments)

    call.__signature__ = signature(function)  # type: ignore[attr-defined]  # what `bind` reads
    return call


def _library() -> Iterator[Function]:
    for group, module in (("text", text), ("numbers", numbers), ("dates", dates), ("lists", lists)):
        for name, function in module.FUNCTIONS.items():
            yield _function(group, name, function)


FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _library()}
"""Every function, by the name that mappings call it by."""

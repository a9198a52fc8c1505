"""Functions of lists: what `[i.Amount.amount for i in Items]` gives, or a list of the document."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from connector.mapping.library.values import Items, Value
from connector.mapping.words import UnfitError, describe

_KINDS: Mapping[type, str] = {
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "text",
    date: "date",
    datetime: "datetime",
}


def _count(items: Items) -> int:
    """Count the entries of a list.

    Example: count(["a", "b"]) = 2
    """
    return sum(1 for _ in items)


def _first(items: Items) -> Value:
    """Give the first entry; of an empty list it is missing.

    Example: first(["a", "b"]) = "a"
    """
    for item in items:
        return item
    raise _empty("first")


def _last(items: Items) -> Value:
    """Give the last entry; of an empty list it is missing.

    Example: last(["a", "b"]) = "b"
    """
    entries = list(items)
    if not entries:
        raise _empty("last")
    return entries[-1]


def _unique(items: Items) -> list[Value]:
    """Give each entry once, where it stands first. Numbers are equal by value: 1 and 1.00 are one.

    Example: unique(["EUR", "EUR", "USD"]) = ["EUR", "USD"]
    """
    return list(dict.fromkeys(_single(item, "unique") for item in items))


def _sort(items: Items) -> list[Value]:
    """Give the entries from the smallest to the largest: all numbers, all texts or all dates.

    Example: sort([3, 1.5]) = [1.5, 3]
    """
    entries = list(items)
    kinds = set(map(kind, entries))
    if None in kinds:
        entries = [_single(item, "sort") for item in entries]
    if len(kinds) == 1:
        return sorted(entries)
    return sorted(entries, key=cmp_to_key(compare))  # refuses the first two that have no order


def _max(items: Items) -> Value:
    """Give the largest entry; of an empty list it is missing.

    Example: max([3, 1.5]) = 3
    """
    return _last(_sort(items))


def _min(items: Items) -> Value:
    """Give the smallest entry; of an empty list it is missing.

    Example: min([3, 1.5]) = 1.5
    """
    return _first(_sort(items))


def _any(items: Items) -> bool:
    """Tell whether at least one entry is true; of an empty list, no.

    Example: any([False, True]) = True
    """
    return any(_truths(items, "any"))


def _all(items: Items) -> bool:
    """Tell whether every entry is true; of an empty list, yes.

    Example: all([False, True]) = False
    """
    return all(_truths(items, "all"))


def compare(left: Value, right: Value) -> int:
    """Give -1, 0 or 1 for smaller, equal and larger.

    Raises: UnfitError for two values of different kinds: text and a number have no order.
    """
    if kind(left) is None or kind(left) != kind(right):
        raise UnfitError(describe(left), f"it is compared with {describe(right)}; expected the same kind")
    return 1 if left > right else -1 if left < right else 0


def kind(value: Value) -> str | None:
    """Give the kind of value within which there is an order; None: there is none."""
    return _KINDS.get(type(value))


def _single(item: Value, name: str) -> Value:
    if kind(item) is None:
        raise UnfitError(f"a list with {describe(item)}", f"`{name}` takes single values")
    return item


def _truths(items: Items, name: str) -> list[bool]:
    # A list, so that every entry is looked at: an error must not hide behind the first true one.
    truths = list(items)
    for item in truths:
        if not isinstance(item, bool):
            raise UnfitError(f"a list with {describe(item)}", f"`{name}` takes true and false")
    return truths


def _empty(name: str) -> UnfitError:
    return UnfitError("an empty list", f"`{name}` takes one with an entry", is_missing=True)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "count": _count,
    "first": _first,
    "last": _last,
    "unique": _unique,
    "sort": _sort,
    "max": _max,
    "min": _min,
    "any": _any,
    "all": _all,
}

"""Functions of text. Characters are Unicode code points, counted from 1 as people count."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from connector.mapping.library.values import MAX_TEXT, Items, Value, bounded_text
from connector.mapping.value_types import convert
from connector.mapping.words import UnfitError, describe


def _text(value: Value) -> str:
    """Give a number, a date or text as text; a number with the digits that it has.

    Example: text(12.50) = "12.50"
    """
    return str(convert("string", value))


def _trim(text: str) -> str:
    """Give the text without spaces and line breaks around it.

    Example: trim("  INV-7 ") = "INV-7"
    """
    return text.strip()


def _squeeze(text: str) -> str:
    """Give the text with each run of spaces and line breaks as one space, and none around it.

    Example: squeeze(" Main   Street 5 ") = "Main Street 5"
    """
    return " ".join(text.split())


def _upper(text: str) -> str:
    """Give the text in capital letters.

    Example: upper("eur") = "EUR"
    """
    return bounded_text(text.upper())


def _lower(text: str) -> str:
    """Give the text in small letters.

    Example: lower("INFO@ACME.COM") = "info@acme.com"
    """
    return bounded_text(text.lower())


def _left(text: str, count: int) -> str:
    """Give the first characters.

    Example: left("INV-7", 3) = "INV"
    """
    return text[: _count(count)]


def _right(text: str, count: int) -> str:
    """Give the last characters.

    Example: right("INV-0417", 4) = "0417"
    """
    return text[max(0, len(text) - _count(count)) :]


def _mid(text: str, start: int, count: int) -> str:
    """Give so many characters from the one with the number `start`; the first is 1.

    Example: mid("DE811907980", 3, 3) = "811"
    """
    first = _count(start, least=1) - 1
    return text[first : first + _count(count)]


def _replace(text: str, old: str, new: str) -> str:
    """Give the text with each `old` in it as `new`.

    Example: replace("12/34/56", "/", "-") = "12-34-56"
    """
    if not old:
        raise UnfitError("empty text", "`replace` takes the text to look for")
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise UnfitError("the replaced text", f"expected at most {MAX_TEXT:,} characters")
    return text.replace(old, new)


def _remove(text: str, signs: str) -> str:
    """Give the text without any of these characters.

    Example: remove("DE 811.907-980", " .-") = "DE811907980"
    """
    unwanted = set(signs)
    return "".join(sign for sign in text if sign not in unwanted)


def _digits(text: str) -> str:
    """Give the digits 0 to 9 of the text, and nothing else.

    Example: digits("DE 811 907 980") = "811907980"
    """
    return "".join(sign for sign in text if "0" <= sign <= "9")


def _ascii(text: str) -> str:
    """Give letters without their accents, and leave out what ASCII does not have.

    Example: ascii("Crème Brûlée") = "Creme Brulee"
    """
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _without_prefix(text: str, prefix: str) -> str:
    """Give the text without `prefix` in front, where it has it.

    Example: without_prefix("PO-5531", "PO-") = "5531"
    """
    return text.removeprefix(prefix)


def _without_suffix(text: str, suffix: str) -> str:
    """Give the text without `suffix` at its end, where it has it.

    Example: without_suffix("Nordwind GmbH", " GmbH") = "Nordwind"
    """
    return text.removesuffix(suffix)


def _pad_left(text: str, length: int, sign: str = "0") -> str:
    """Give the text filled up in front to this length.

    Example: pad_left("417", 8) = "00000417"
    """
    if len(sign) != 1:
        raise UnfitError(describe(sign), "`pad_left` fills up with one character")
    return text.rjust(_count(length), sign)


def _before(text: str, sign: str) -> str:
    """Give what stands before the first `sign`; the whole text when it has none.

    Example: before("info@acme.com", "@") = "info"
    """
    return text.partition(sign)[0] if sign else text


def _after(text: str, sign: str) -> str:
    """Give what stands after the first `sign`; empty text when it has none.

    Example: after("info@acme.com", "@") = "acme.com"
    """
    return text.partition(sign)[2] if sign else ""


def _split(text: str, sign: str) -> list[str]:
    """Give the parts between the `sign`s, as a list.

    Example: join(split("a;b;c", ";"), " ") = "a b c"
    """
    if not sign:
        raise UnfitError("empty text", "`split` takes the text between the parts")
    return text.split(sign)


def _line(text: str, number: int) -> str:
    """Give one line of a text of several; the first is 1. Empty text when there are fewer.

    Example: line(join(["Main Street 5", "Berlin"], newline()), 2) = "Berlin"
    """
    lines = text.splitlines()
    at = _count(number, least=1)
    return lines[at - 1] if at <= len(lines) else ""


def _newline() -> str:
    """Give the line break, which `replace` and `join` may need.

    Example: length(newline()) = 1
    """
    return "\n"


def _join(items: Items, between: str) -> str:
    """Give the texts of a list as one text.

    Example: join(["Paper", "Ink"], ", ") = "Paper, Ink"
    """
    parts: list[str] = []
    length = 0
    for item in items:
        if not isinstance(item, str):
            raise UnfitError(f"a list with {describe(item)}", "`join` takes texts; text() makes one")
        parts.append(item)
        length += len(item) + len(between)
        if length > MAX_TEXT:
            raise UnfitError("the joined text", f"expected at most {MAX_TEXT:,} characters")
    return between.join(parts)


def _contains(text: str, part: str) -> bool:
    """Tell whether `part` stands in the text, upper and lower case alike.

    Example: contains("Express Delivery", "express") = True
    """
    return part.casefold() in text.casefold()


def _starts_with(text: str, part: str) -> bool:
    """Tell whether the text begins with `part`, upper and lower case alike.

    Example: starts_with("DE811907980", "de") = True
    """
    return text.casefold().startswith(part.casefold())


def _ends_with(text: str, part: str) -> bool:
    """Tell whether the text ends with `part`, upper and lower case alike.

    Example: ends_with("scan.PDF", ".pdf") = True
    """
    return text.casefold().endswith(part.casefold())


def _length(text: str) -> int:
    """Count the characters.

    Example: length("INV-7") = 5
    """
    return len(text)


def _is_blank(text: str) -> bool:
    """Tell whether the text is empty or only spaces.

    Example: is_blank("  ") = True
    """
    return not text.strip()


def _count(number: int, *, least: int = 0) -> int:
    if not least <= number <= MAX_TEXT:
        raise UnfitError(f"the number {number}", f"expected {least} to {MAX_TEXT:,}")
    return number


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "text": _text,
    "trim": _trim,
    "squeeze": _squeeze,
    "upper": _upper,
    "lower": _lower,
    "left": _left,
    "right": _right,
    "mid": _mid,
    "replace": _replace,
    "remove": _remove,
    "digits": _digits,
    "ascii": _ascii,
    "without_prefix": _without_prefix,
    "without_suffix": _without_suffix,
    "pad_left": _pad_left,
    "before": _before,
    "after": _after,
    "split": _split,
    "line": _line,
    "newline": _newline,
    "join": _join,
    "contains": _contains,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "length": _length,
    "is_blank": _is_blank,
}

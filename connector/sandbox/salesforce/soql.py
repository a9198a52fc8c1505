"""SOQL text to a query: SELECT, FROM, WHERE with = != < <= > >= IN LIKE AND OR, ORDER BY, LIMIT.

Nothing is looked up or run here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from connector.sandbox.salesforce import errors

LiteralKind: TypeAlias = Literal["string", "number", "date", "datetime", "boolean", "null"]

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_]\w*(?:\.\w+)*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A literal. `raw` is a string's text with its escapes: LIKE reads them in its own way."""

    kind: LiteralKind
    value: Any
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A field against literals; more than one only for IN and NOT IN."""

    path: str
    operator: str  # "=", "!=", "<", "<=", ">", ">=", "IN", "NOT IN", "LIKE"
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """All conditions hold."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Some:
    """At least one condition holds."""

    parts: tuple["Condition", ...]


Condition: TypeAlias = Comparison | Every | Some


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sort key. Rows without a value come first unless the query says otherwise."""

    path: str
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query as written, names not yet looked up. No paths: it counts."""

    object_name: str
    paths: tuple[str, ...]
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Query:
    """Read a query.

    Raises: ApiError 400 MALFORMED_QUERY.
    """
    return _Parser(_tokens(text)).query()


def unescaped(raw: str) -> str:
    """Give the text that a string literal stands for."""
    return _ESCAPE.sub(lambda match: ESCAPES.get(match[1].lower(), match[1]), raw)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise errors.malformed_query(f"unexpected token: '{text[place:].strip()[:20]}'")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def query(self) -> Query:
        self._expect("SELECT")
        paths = self._selected()
        self._expect("FROM")
        object_name = self._name()
        where = self._condition() if self._accept("WHERE") else None
        order = self._order() if self._accept("ORDER") else ()
        limit = self._whole_number() if self._accept("LIMIT") else None
        if self._peek() is not None:
            raise self._unexpected()
        return Query(object_name=object_name, paths=paths, where=where, order=order, limit=limit)

    def _selected(self) -> tuple[str, ...]:
        first = self._name()
        if first.upper() == "COUNT" and self._accept("("):
            self._expect(")")
            return ()
        paths = [first]
        while self._accept(","):
            paths.append(self._name())
        return tuple(paths)

    def _condition(self) -> Condition:
        """Read one level. AND beside OR needs brackets, as in SOQL."""
        parts = [self._part()]
        if self._accept("AND"):
            parts += self._more("AND")
            return Every(parts=tuple(parts))
        if self._accept("OR"):
            parts += self._more("OR")
            return Some(parts=tuple(parts))
        return parts[0]

    def _more(self, word: str) -> list[Condition]:
        parts = [self._part()]
        while self._accept(word):
            parts.append(self._part())
        return parts

    def _part(self) -> Condition:
        if self._accept("("):
            condition = self._condition()
            self._expect(")")
            return condition
        path = self._name()
        if self._accept("NOT"):
            self._expect("IN")
            return Comparison(path=path, operator="NOT IN", values=self._list())
        if self._accept("IN"):
            return Comparison(path=path, operator="IN", values=self._list())
        if self._accept("LIKE"):
            return Comparison(path=path, operator="LIKE", values=(self._value(),))
        return Comparison(path=path, operator=self._sign(), values=(self._value(),))

    def _list(self) -> tuple[Value, ...]:
        self._expect("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _sign(self) -> str:
        sign = self._take("sign").text
        if sign in "(),":
            raise errors.malformed_query(f"unexpected token: '{sign}'")
        return "!=" if sign == "<>" else sign

    def _value(self) -> Value:
        token = self._peek()
        if token is None:
            raise self._unexpected()
        read = _LITERALS.get(token.kind)
        value = read(token.text) if read else None
        if value is None:
            raise self._unexpected()
        self._place += 1
        return value

    def _order(self) -> tuple[Order, ...]:
        self._expect("BY")
        keys = [self._order_key()]
        while self._accept(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> Order:
        path = self._name()
        descending = self._accept("DESC")
        if not descending:
            self._accept("ASC")
        nulls_last = False
        if self._accept("NULLS"):
            nulls_last = self._accept("LAST")
            if not nulls_last:
                self._expect("FIRST")
        return Order(path=path, descending=descending, nulls_last=nulls_last)

    def _whole_number(self) -> int:
        token = self._take("number")
        if not token.text.isdigit():
            raise errors.malformed_query(f"unexpected token: '{token.text}'")
        return int(token.text)

    def _name(self) -> str:
        return self._take("name").text

    def _take(self, kind: str) -> _Token:
        token = self._peek()
        if token is None or token.kind != kind:
            raise self._unexpected()
        self._place += 1
        return token

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _accept(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.kind == "string" or token.text.upper() != word:
            return False
        self._place += 1
        return True

    def _peek(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _unexpected(self) -> errors.ApiError:
        token = self._peek()
        return errors.malformed_query(f"unexpected token: '{token.text if token else '<EOF>'}'")


def _word(text: str) -> Value | None:
    match text.upper():
        case "NULL":
            return Value(kind="null", value=None)
        case "TRUE" | "FALSE":
            return Value(kind="boolean", value=text.upper() == "TRUE")
    return None


def _string(text: str) -> Value:
    return Value(kind="string", value=unescaped(text[1:-1]), raw=text[1:-1])


_LITERALS: dict[str, Callable[[str], Value | None]] = {
    "string": _string,
    "number": lambda text: Value(kind="number", value=Decimal(text)),
    "date": lambda text: Value(kind="date", value=text),
    "datetime": lambda text: Value(kind="datetime", value=text),
    "name": _word,
}

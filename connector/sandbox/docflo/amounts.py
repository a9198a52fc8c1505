"""Lines and totals that add up to the last digit, in currencies with different decimals."""

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from connector.sandbox.docflo.words import CREDIT, DESCRIPTIONS

DECIMALS = {"EUR": 2, "USD": 2, "ILS": 2, "JPY": 0, "GBP": 2, "KWD": 3, "CHF": 2}
TAX_RATES = {
    "EUR": "0.21",
    "USD": "0.0825",
    "ILS": "0.18",
    "JPY": "0.10",
    "GBP": "0.20",
    "KWD": "0",
    "CHF": "0.081",
}
LINE_COUNTS = (3, 1, 2, 40, 5, 8, 1, 12, 3, 25, 4)
HUGE = Decimal("99999999999.99")
TINY = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: `amount` is quantity times price, rounded to the currency."""

    description: str
    quantity: Decimal | int
    unit_price: Decimal
    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """All lines of a document, and their sums."""

    currency: str
    lines: tuple[Line, ...]

    @property
    def subtotal(self) -> Decimal:
        """The sum of the lines, without tax."""
        return sum((line.amount for line in self.lines), _unit(self.currency) * 0)

    @property
    def tax(self) -> Decimal:
        """The sum of the lines' tax."""
        return sum((line.tax for line in self.lines), _unit(self.currency) * 0)

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.subtotal + self.tax


def every(place: int, cycle: int, offset: int) -> bool:
    """Say whether something special comes at this place: once in each cycle."""
    return place % cycle == offset


def amounts(place: int, rng: random.Random) -> Amounts:
    """Give the amounts of the document at a place; the place decides what is special about them."""
    if every(place, 23, 5):
        return _single(HUGE, quantity=1)
    if every(place, 23, 11):
        return _single(TINY, quantity=100)
    currency = tuple(DECIMALS)[place % len(DECIMALS)]
    count = LINE_COUNTS[place % len(LINE_COUNTS)]
    lines = [_line(currency, rng) for _ in range(count)]
    if count > 1 and every(place, 3, 1):
        lines[-1] = _credit(currency, lines[0])
    return Amounts(currency=currency, lines=tuple(lines))


def _single(unit_price: Decimal, *, quantity: int) -> Amounts:
    amount = _rounded(unit_price * quantity, "USD")
    line = Line(
        description=DESCRIPTIONS[0],
        quantity=quantity,
        unit_price=unit_price,
        amount=amount,
        tax=amount - amount,
    )
    return Amounts(currency="USD", lines=(line,))


def _line(currency: str, rng: random.Random) -> Line:
    quantity = rng.choice((rng.randint(1, 40), rng.randint(1, 12), Decimal(rng.randint(1, 9999)).scaleb(-2)))
    places = rng.choice((DECIMALS[currency], DECIMALS[currency], 4, 6))
    unit_price = Decimal(rng.randint(10**places, 3000 * 10**places)).scaleb(-places)
    return _priced(rng.choice(DESCRIPTIONS), quantity, unit_price, currency)


def _credit(currency: str, line: Line) -> Line:
    return _priced(CREDIT, -1, min(line.unit_price, abs(line.amount)), currency)


def _priced(description: str, quantity: Decimal | int, unit_price: Decimal, currency: str) -> Line:
    amount = _rounded(quantity * unit_price, currency)
    return Line(
        description=description,
        quantity=quantity,
        unit_price=unit_price,
        amount=amount,
        tax=_rounded(amount * Decimal(TAX_RATES[currency]), currency),
    )


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(_unit(currency), ROUND_HALF_UP)


def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-DECIMALS[currency])

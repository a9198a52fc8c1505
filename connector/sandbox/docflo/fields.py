"""Field values as Docflo shows them: `{type, value, content, confidence}`."""

from decimal import Decimal
from typing import Any

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "ILS": "₪", "JPY": "¥", "KWD": "KD ", "CHF": "CHF "}
UNSURE = Decimal("0.412")


def field(kind: str, value: Any, confidence: Decimal, content: str | None = None) -> dict[str, Any]:  # noqa: ANN401 any JSON
    """Give one extracted field. A value that was not found has no content and no confidence."""
    if value is None:
        return {"type": kind, "value": None, "confidence": Decimal(0)}
    printed = str(value) if content is None else content
    return {"type": kind, "value": value, "content": printed, "confidence": confidence}


def money(amount: Decimal, currency: str, confidence: Decimal) -> dict[str, Any]:
    """Give a currency field. Units: `amount` in `currency`, written with the digits it has."""
    value = {"amount": amount, "currencyCode": currency}
    return field("currency", value, confidence, f"{SYMBOLS.get(currency, currency)}{amount:,f}")


def rows(items: list[dict[str, Any]], confidence: Decimal) -> dict[str, Any]:
    """Give an array field."""
    return {"type": "array", "value": items, "confidence": confidence}

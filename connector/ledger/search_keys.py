"""The forms in which texts are compared: what people search by, and what makes two failures the same.

Nothing here is hidden: the ledger keeps numbers, parties and reasons as they are beside these forms.
"""

import re
import unicodedata
from decimal import Decimal

from connector.ledger.columns import storable

LAST = "\U0010ffff"  # of all characters: with it, a prefix is a range
LONGEST = 200  # characters: an index entry has its limit, and nobody types more
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'|“[^”]*”')  # backticks hold names of fields
_NUMBER = re.compile(r"\d[\d.,]*")
_PLACE = re.compile(r"(\S+\.ya?ml:\d+(?::\d+)?)")


def search_key(text: str | None) -> str | None:
    """Give a text without case, widths of letters and doubled blanks; None for one that says nothing."""
    if text is None:
        return None
    folded = " ".join(unicodedata.normalize("NFKC", storable(text)).casefold().split())
    return folded[:LONGEST] or None


def end_key(text: str | None) -> str | None:
    """Give the same from its end: what ends alike begins alike then."""
    key = search_key(text)
    return None if key is None else key[::-1]


def amount_key(amount: Decimal | None) -> str | None:
    """Give an amount as a person would type it: 12.50 is 12.5, and 7.00 is 7."""
    if amount is None:
        return None
    if not amount.is_finite() or abs(amount.adjusted()) >= LONGEST:
        return str(amount)[:LONGEST]
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text)[:LONGEST] or "0"


def cause_of(reason: str) -> str:
    """Give a reason without what differs from document to document: values in quotes, and numbers.

    The place of a rule stays: it is the same for all documents that do not fit it.
    """
    parts = _PLACE.split(reason)
    parts[::2] = [_NUMBER.sub("#", _QUOTED.sub('"…"', part)) for part in parts[::2]]
    return "".join(parts)[:LONGEST]

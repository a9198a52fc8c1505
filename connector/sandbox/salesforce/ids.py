"""Record ids: a key prefix, a counter and the three letters that repeat the case of the other fifteen."""

import re

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
INSTANCE = "Sb"
CASE_SENSITIVE_LENGTH = 15
CHUNK = 5

_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?")


def make_id(key_prefix: str, number: int) -> str:
    """Give the 18-character id of the `number`th record of an object."""
    counter = ""
    for _ in range(CASE_SENSITIVE_LENGTH - len(key_prefix) - len(INSTANCE)):
        number, digit = divmod(number, len(DIGITS))
        counter = DIGITS[digit] + counter
    short = key_prefix + INSTANCE + counter
    return short + _suffix(short)


def full_id(text: str) -> str | None:
    """Give the 18-character form of an id; None when the text is not one.

    The suffix of an 18-character id says which letters are capitals, so the id survives a change of case.
    """
    if not _SHAPE.fullmatch(text):
        return None
    short, suffix = text[:CASE_SENSITIVE_LENGTH], text[CASE_SENSITIVE_LENGTH:].upper()
    if not suffix:
        return short + _suffix(short)
    restored = "".join(
        letter.upper() if SUFFIX.index(suffix[place // CHUNK]) >> place % CHUNK & 1 else letter.lower()
        for place, letter in enumerate(short)
    )
    return restored + suffix if _suffix(restored) == suffix else None


def _suffix(short: str) -> str:
    chunks = (short[start : start + CHUNK] for start in range(0, CASE_SENSITIVE_LENGTH, CHUNK))
    return "".join(
        SUFFIX[sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())] for chunk in chunks
    )

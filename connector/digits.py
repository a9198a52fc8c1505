"""The digits of a number that count, whatever zeros it is written with. No I/O."""

from decimal import Decimal


def significant(number: Decimal) -> tuple[str, int]:
    """Give the digits from the first to the last that is not zero, without a sign, and the last one's power.

    12.340 gives ("1234", -2), any zero ("", 0). Nothing is rounded and nothing written out: 1E+999999 is
    one digit. The number is finite.
    """
    written, _, power = str(number).partition("E")
    whole, _, decimals = written.removeprefix("-").partition(".")
    digits = (whole + decimals).lstrip("0")
    counting = digits.rstrip("0")
    if not counting:
        return "", 0
    return counting, int(power or 0) - len(decimals) + len(digits) - len(counting)

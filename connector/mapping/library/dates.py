"""Functions of dates. A date is a day: none of these knows a time zone or asks a clock."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from connector.mapping.library.numbers import to_latin
from connector.mapping.library.values import Value
from connector.mapping.value_types import convert
from connector.mapping.words import UnfitError, describe

MONTHS: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada "
    "grudnia",
    "he": "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
}
"""Names of the months, January first, by the ISO 639-1 code of the language."""

_SHORT: Mapping[str, str] = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "nl": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "sv": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "da": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "nb": "jan feb mar apr mai jun jul aug sep okt nov des",
    "pl": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "he": "ינו פבר מרץ אפר מאי יונ יול אוג ספט אוק נוב דצמ",
}

_SIGN = re.compile("YYYY|YY|MMMM|MMM|MM|M|DD|D")
_DIGITS = {"YYYY": "([0-9]{4})", "YY": "([0-9]{2})", "MM": "([0-9]{2})", "M": "([0-9]{1,2})"}
_DIGITS |= {"DD": "([0-9]{2})", "D": "([0-9]{1,2})"}
_LONGEST = 60  # characters of a format, and of a date that is read by one


def _date(value: Value) -> date:
    """Give a date from text in the form YYYY-MM-DD, or the day of an ISO timestamp as written.

    Example: year(date("2026-01-31")) = 2026
    """
    read = convert("date", value)
    return read if isinstance(read, date) else date.min


def _parse_date(
    text: str,
    format: str,  # noqa: A002 the name in the file
    language: str = "en",
    script: str = "latin",
) -> date:
    """Give text as people write it as a date, by a format: "DD/MM/YYYY", "D. MMMM YYYY".

    YYYY and YY (20YY) are the year, MM and M the month in digits, MMMM and MMM its name whole and short, DD
    and D the day. Names are of the `language`: en, de, fr, es, it, pt, nl, sv, da, nb, pl or he.
    Example: parse_date("12/03/2026", "DD/MM/YYYY") = date("2026-03-12")
    """
    pattern, signs = _pattern(format, language)
    plain = " ".join(to_latin(text, script).split())
    match = pattern.fullmatch(plain) if len(plain) <= _LONGEST else None
    if match is None:
        raise UnfitError(describe(text), f"expected a date written as {format}")
    parts = {sign[0]: _read(sign, part, language) for sign, part in zip(signs, match.groups(), strict=True)}
    try:
        return date(parts["Y"], parts["M"], parts["D"])
    except ValueError as error:
        raise UnfitError("no day of the calendar", f"expected a date written as {format}") from error


def _pattern(form: str, language: str) -> tuple[re.Pattern[str], list[str]]:
    signs = _SIGN.findall(form)
    if len(form) > _LONGEST or sorted(sign[0] for sign in signs) != ["D", "M", "Y"]:
        raise UnfitError(f"the format {form!r}", "expected one day, month and year, such as DD/MM/YYYY")
    if language not in MONTHS:
        raise UnfitError(f"the language {language!r}", f"expected one of {', '.join(MONTHS)}")
    written, at = "", 0
    for sign in _SIGN.finditer(form):
        written += re.escape(form[at : sign.start()]) + _part(sign[0], language)
        at = sign.end()
    return re.compile(written + re.escape(form[at:]), re.IGNORECASE), signs


def _part(sign: str, language: str) -> str:
    if sign in _DIGITS:
        return _DIGITS[sign]
    names = (MONTHS if sign == "MMMM" else _SHORT)[language].split()
    choice = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return f"({choice})" if sign == "MMMM" else f"({choice})\\.?"


def _read(sign: str, part: str, language: str) -> int:
    if sign in ("MMMM", "MMM"):
        names = (MONTHS if sign == "MMMM" else _SHORT)[language].split()
        return [name.casefold() for name in names].index(part.casefold()) + 1
    return int(part) + (2000 if sign == "YY" else 0)


def _format_date(day: date, format: str, language: str = "en") -> str:  # noqa: A002 the name in the file
    """Give a date as text, by a format as `parse_date` takes it.

    Example: format_date(date("2026-03-12"), "D. MMMM YYYY", "de") = "12. März 2026"
    """
    _pattern(format, language)
    parts = {
        "YYYY": f"{day.year:04}",
        "YY": f"{day.year % 100:02}",
        "MM": f"{day.month:02}",
        "M": str(day.month),
    }
    parts |= {"DD": f"{day.day:02}", "D": str(day.day)}
    parts |= {"MMMM": MONTHS[language].split()[day.month - 1], "MMM": _SHORT[language].split()[day.month - 1]}
    return _SIGN.sub(lambda sign: parts[sign[0]], format)


def _year(day: date) -> int:
    """Give the year of a date.

    Example: year(date("2026-03-12")) = 2026
    """
    return day.year


def _month(day: date) -> int:
    """Give the month of a date, 1 to 12.

    Example: month(date("2026-03-12")) = 3
    """
    return day.month


def _day(day: date) -> int:
    """Give the day of a date in its month.

    Example: day(date("2026-03-12")) = 12
    """
    return day.day


def _weekday(day: date) -> int:
    """Give the day of the week: 1 is Monday, 7 is Sunday.

    Example: weekday(date("2026-03-12")) = 4
    """
    return day.isoweekday()


def _add_days(day: date, days: int) -> date:
    """Give the date so many days later; earlier for a negative number.

    Example: add_days(date("2026-02-27"), 2) = date("2026-03-01")
    """
    try:
        return day + timedelta(days=days)
    except OverflowError as error:
        raise UnfitError("a date beyond the year 9999 or before 1", "expected fewer days") from error


def _add_months(day: date, months: int) -> date:
    """Give the same day so many months later, or the last day of that month where it is shorter.

    Example: add_months(date("2026-01-31"), 1) = date("2026-02-28")
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise UnfitError("a date beyond the year 9999 or before 1", "expected fewer months")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _end_of_month(day: date) -> date:
    """Give the last day of the month.

    Example: end_of_month(date("2026-02-10")) = date("2026-02-28")
    """
    return day.replace(day=monthrange(day.year, day.month)[1])


def _days_between(first: date, last: date) -> int:
    """Count the days from one date to another; negative when the second is earlier.

    Example: days_between(date("2026-01-15"), date("2026-02-14")) = 30
    """
    return (last - first).days


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "date": _date,
    "parse_date": _parse_date,
    "format_date": _format_date,
    "year": _year,
    "month": _month,
    "day": _day,
    "weekday": _weekday,
    "add_days": _add_days,
    "add_months": _add_months,
    "end_of_month": _end_of_month,
    "days_between": _days_between,
}

"""The filter of the list of documents: in the address, as words, and as what the ledger is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from connector.console.person import Person
from connector.errors import ConfigError
from connector.ledger.delivery import State
from connector.ledger.searching import Place
from connector.ledger.sought import Sought, read_amount

PARTS = ("q", "state", "pipeline", "class", "from", "to")
"""The parameters of the address; others are not looked at."""

WORDS = ("number", "party", "amount", "id", "target")
"""What may stand before a colon in the search field."""

_DAY = timedelta(days=1)
HIGHEST = 2**63 - 1  # id that a database can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the address asks for."""

    parts: Mapping[str, str]  # only what is asked for
    sought: Sought
    after: Place | None

    @property
    def query(self) -> str:
        """Give it as the address has it, without the place in the list."""
        return urlencode(self.parts)

    def with_place(self, place: Place) -> str:
        """Give the address of the page that begins behind `place`."""
        return urlencode({**self.parts, "after": f"{place.found_at.isoformat()}~{place.id}"})


def read_filter(params: QueryParams, person: Person) -> Filter:
    """Read the address.

    Raises: ConfigError for what nobody can look for.
    """
    parts = {name: params[name].strip() for name in PARTS if params.get(name, "").strip()}
    state = parts.get("state")
    if state is not None and state not in set(State):
        raise ConfigError(f"there is no state {state}", remedy=f"there are {', '.join(State)}")
    text, named = _split(parts.get("q", ""))
    if not person.sees_contents:
        _refuse_contents(named)
    sought = Sought(
        anything=text if person.sees_contents else None,
        document_id=named.get("id") or (None if person.sees_contents else text),
        number=named.get("number"),
        party=named.get("party"),
        amount=_amount(named.get("amount")),
        receipt_id=named.get("target"),
        state=State(state) if state else None,
        pipeline=parts.get("pipeline"),
        failure_class=parts.get("class"),
        found_from=_day(parts.get("from")),
        found_before=_after(_day(parts.get("to"))),
    )
    return Filter(parts=parts, sought=sought, after=_place(params.get("after")))


def _split(text: str) -> tuple[str | None, Mapping[str, str]]:
    """Take the words with a name out of what was typed: `party:Acme GmbH number:INV` are two."""
    named: dict[str, list[str]] = {}
    rest: list[str] = []
    into = rest
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and name.lower() in WORDS:
            into = named.setdefault(name.lower(), [])
            word = value  # noqa: PLW2901 what is left of it
        if word:
            into.append(word)
    return " ".join(rest) or None, {name: " ".join(words) for name, words in named.items() if words}


def _refuse_contents(named: Mapping[str, str]) -> None:
    # Who must not see an amount must not find out by asking for it either.
    hidden = [name for name in ("number", "party", "amount") if name in named]
    if hidden:
        raise ConfigError(f"your role does not see what documents say: {', '.join(hidden)}")


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    amount = read_amount(text)
    if amount is None:
        raise ConfigError(f"{text} is no amount", remedy="digits, with a point before the decimals: 1250.50")
    return amount


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC)
    except ValueError as error:
        raise ConfigError(f"{text} is no day", remedy="2026-03-02") from error


def _after(day: datetime | None) -> datetime | None:
    return None if day is None else day + _DAY


def _place(text: str | None) -> Place | None:
    if not text:
        return None
    moment, _, number = text.partition("~")
    try:
        return Place(found_at=datetime.fromisoformat(moment).astimezone(UTC), id=min(int(number), HIGHEST))
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            "the address names no place in the list", remedy="begin at its first page"
        ) from error

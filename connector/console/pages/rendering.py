"""Templates: everything is escaped, money keeps its digits, and each page says as of when it is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from connector.clock import Clock
from connector.console.pages.contents import RecordRow
from connector.console.pages.page import Page
from connector.console.person import Person, Role
from connector.ledger.problems import Cause

FOLDER = Path(__file__).parents[1]
STATIC = FOLDER / "static"
HIDDEN = "•••"
_GROUP = 3
_WORKER = re.compile(r"(.+):(\d+):\d+:[0-9a-f]{8}")  # host, process, thread, and a mark of its own
_PLAINLY = {
    "AccessRefusedError": "stopped by credentials or rights",
    "ConfigError": "stopped by the configuration",
    "MappingError": "not fitting the mapping",
    "OutcomeUnknownError": "sent, without an answer",
    "RejectedError": "refused by the target",
    "ThrottledError": "told to wait",
    "UnavailableError": "not taken by the other side",
    "UnexpectedResponseError": "answered in a way that is not known",
}
_THIN = "\N{NARROW NO-BREAK SPACE}"


class Renderer:
    """Makes answers from templates."""

    def __init__(self, pages: Sequence[Page], *, clock: Clock) -> None:
        self._pages = pages
        self._clock = clock
        self._environment = _environment()

    def __call__(
        self, request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
    ) -> Response:
        """Give the page."""
        common = {
            "request": request,
            "person": getattr(request.state, "person", None),  # none before a login
            "pages": self._pages,
            "now": self._clock(),
        }
        text = self._environment.get_template(template).render({**common, **values})
        return HTMLResponse(text, status_code=status)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters = (moment, ago, span, money, contents, digits, words, of, plainly, worker)
    rest = (is_link, groupby_run, cause_address)
    environment.filters.update({each.__name__: each for each in (*filters, *rest)})
    environment.globals.update(static=static, Role=Role)
    return environment


@cache
def static(name: str) -> str:
    """Give the address of a file that browsers may keep: another content is another address."""
    return f"/static/{name}?{sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def moment(value: datetime | None) -> Markup:
    """Give a time in UTC, to the second, for people and programs."""
    if value is None:
        return Markup("")
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M:%S}"
    )


@pass_context
def ago(context: Context, value: datetime | None) -> Markup:
    """Give how long ago it was, with the time itself at hand."""
    if value is None:
        return Markup("")
    now: datetime = context["now"]
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M:%S}", in_words(now, at)
    )


def in_words(now: datetime, at: datetime) -> str:
    """Give the distance from now in the largest unit that tells something."""
    seconds = (now - at).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def span(seconds: float) -> str:
    """Give a length of time in the largest unit that tells something."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


@pass_context
def money(context: Context, amount: Decimal | None, currency: str | None) -> Markup:
    """Give an amount, digit for digit as the document has it, or that it is hidden."""
    if amount is None:
        return Markup("")
    person: Person = context["person"]
    if not person.sees_contents:
        return Markup('<span class="money" title="hidden from your role">{}</span>').format(HIDDEN)
    return Markup('<span class="money">{} {}</span>').format(digits(amount), currency or "?")


def digits(value: Decimal | int) -> str:
    """Give a number with its thousands apart and every decimal it has."""
    sign, text = "-" if value < 0 else "", format(abs(Decimal(value)), "f")
    whole, point, rest = text.partition(".")
    first = len(whole) % _GROUP or _GROUP
    groups = [whole[:first], *(whole[at : at + _GROUP] for at in range(first, len(whole), _GROUP))]
    return f"{sign}{_THIN.join(groups)}{point}{rest}"


@pass_context
def contents(context: Context, value: object) -> Markup:
    """Give what a document says, in whatever direction it is written, or that it is hidden."""
    person: Person = context["person"]
    if value is None:
        return Markup("")
    if not person.sees_contents:
        return Markup('<span title="hidden from your role">{}</span>').format(HIDDEN)
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return Markup('<bdi dir="auto">{}</bdi>').format(escape(text))


def words(value: str) -> str:
    """Give a name of ours as people read it."""
    return value.replace("_", " ")


def of(count: int, one: str) -> str:
    """Give a number with what it counts: `1 document`, `2 documents`."""
    return f"{digits(count)} {one}{'' if count == 1 else 's'}"


def plainly(error_class: str) -> str:
    """Say what an error class means for documents, behind their number; nothing for an unknown one."""
    return _PLAINLY.get(error_class, "")


def worker(actor: str) -> Markup:
    """Give who did it: a person as they are; of a worker's name only what tells processes apart."""
    found = _WORKER.fullmatch(actor)
    if found is None:
        return Markup("<bdi>{}</bdi>").format(actor)
    return Markup('<span title="{}">the service, process {} on {}</span>').format(actor, found[2], found[1])


def is_link(value: str | None) -> bool:
    """Tell whether a browser may follow it: whoever made it up may have meant a script."""
    return value is not None and value.startswith(("https://", "http://"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of a record that belong to one object."""

    number: int
    object: str
    row: str
    rows: Sequence[RecordRow]


def groupby_run(rows: Sequence[RecordRow]) -> Iterator[Group]:
    """Give the rows of each object together, in their order."""
    for number, (key, group) in enumerate(groupby(rows, key=lambda row: (row.object, row.row))):
        yield Group(number=number, object=key[0], row=key[1], rows=tuple(group))


def cause_address(cause: Cause) -> str:
    """Give a group of problems as a part of an address."""
    return urlencode({"pipeline": cause.pipeline, "class": cause.failure_class, "cause": cause.failure_cause})

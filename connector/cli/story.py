"""One delivery's whole story, on one screen: what repeats is told once, and how often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.table import Table
from rich.text import Text

from connector.cli.originals import original_line
from connector.cli.output import cell_text
from connector.ledger.delivery import Delivery, State
from connector.ledger.original import Original
from connector.ledger.rows import DeliveryEvent
from connector.ledger.search_keys import cause_of

LONGEST_CYCLE = 3  # events that repeat together: a doubt, a look-up, a retry
MOST_ROWS = 11  # that a screen has room for: the first and the last of the story
FIRST = 3
LONGEST_NAME = 18  # of who did it; the end of a host's name tells more than its beginning
MOST_LINES = 3  # of one event: why, and what was sent
MOST_LETTERS = 110  # of one line
ALL = "--all shows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What stands for events that are not shown."""

    count: int
    words: str


def facts_table(delivery: Delivery, original: Original | None, events: Sequence[DeliveryEvent]) -> Table:
    """Draw where a delivery is and why, a line for each matter. `events` tell what a doubt is about."""
    headline, failure = delivery.headline, delivery.failure
    died_in = f", died in {delivery.died_in.value}" if delivery.died_in else ""
    due = f", not before {cell_text(delivery.due_at)}" if delivery.due_at else ""
    money = " ".join(filter(None, (cell_text(headline.amount), headline.currency)))
    business = (headline.number, headline.party, money, cell_text(headline.date))
    code = f" [{failure.code}]" if failure and failure.code else ""
    rows = [
        ("state", f"{delivery.state.value}{died_in}, attempts {delivery.attempts}{due}"),
        ("why", f"{failure.error_class}{code}: {failure.reason}" if failure else None),
        ("in doubt about", doubtful_call(events) if delivery.state is State.IN_DOUBT else None),
        ("document", " ".join(filter(None, (delivery.document_type, delivery.document_id)))),
        ("says", ", ".join(filter(None, business))),
        ("revision", f"{delivery.revision}, found {cell_text(delivery.found_at)}"),
        ("in the target", " ".join(filter(None, (delivery.receipt_id, delivery.receipt_url)))),
        ("original file", original_line(original) if original else None),
    ]
    drawn = _grid(f"Delivery {delivery.id} of {delivery.pipeline}")
    for name, value in rows:
        if value:
            drawn.add_row(name, Text(cell_text(value)))
    return drawn


def doubtful_call(events: Sequence[DeliveryEvent]) -> str | None:
    """Give the call that a delivery is in doubt about, and what came back; None if it never was in doubt."""
    begun = [at for at, event in enumerate(events) if _begins_doubt(event)]
    if not begun:
        return None
    sent, *then = events[begun[-1] :]
    if not then or then[0].event != "retry" or not then[0].requests:
        return f"what was sent at {sent.at:%m-%d %H:%M:%S}; the process ended before an answer was on record"
    # The call is the last of its step: what was only asked before it leaves no doubt.
    return f"{then[0].requests.splitlines()[-1]} at {then[0].at:%m-%d %H:%M:%S}"


def _begins_doubt(event: DeliveryEvent) -> bool:
    return event.to_state is State.IN_DOUBT and event.from_state is not State.IN_DOUBT


def story_table(events: Sequence[DeliveryEvent], *, is_whole: bool) -> Table:
    """Draw what happened, oldest first. Unless `is_whole`, what repeats is folded to fit a screen."""
    drawn = _grid("What happened (UTC)")
    for each in events if is_whole else fold(events):
        if isinstance(each, Gap):
            drawn.add_row("", "", "", Text(f"{each.words}; {ALL} them", style="italic"))
            continue
        who = each.actor or "" if is_whole else _who(each)
        lines = _lines(each, is_whole=is_whole)
        drawn.add_row(f"{each.at:%m-%d %H:%M:%S}", _what(each), Text(who), Text("\n".join(lines)))
    return drawn


def fold(events: Sequence[DeliveryEvent]) -> list[DeliveryEvent | Gap]:
    """Give the events that tell the story: of those that repeat the first, and of too many the ends."""
    told: list[DeliveryEvent | Gap] = []
    at = 0
    while at < len(events):
        length, times = _cycle(events, at)
        told += events[at : at + length]
        again = events[at + length : at + length * times]
        if again:
            kind = "attempts" if length == 1 else f"rounds of these {length}"
            when = f"{again[0].at:%H:%M}-{again[-1].at:%H:%M}"
            told.append(Gap(count=len(again), words=f"{times - 1} more {kind} like this, {when}"))
        at += length * times
    if len(told) <= MOST_ROWS:
        return told
    hidden = told[FIRST : FIRST - MOST_ROWS]
    count = sum(each.count if isinstance(each, Gap) else 1 for each in hidden)
    return [*told[:FIRST], Gap(count=count, words=f"{count} events between"), *told[FIRST - MOST_ROWS :]]


def _cycle(events: Sequence[DeliveryEvent], at: int) -> tuple[int, int]:
    """Give the length of what repeats from here, and how often it is there: the choice that folds most."""
    marks = [_mark(event) for event in events[at:]]
    best = (1, 1)
    for length in range(1, LONGEST_CYCLE + 1):
        times = 1
        while marks[length * times : length * (times + 1)] == marks[:length]:
            times += 1
        if times > 1 and length * (times - 1) > best[0] * (best[1] - 1):
            best = (length, times)
    return best


def _mark(event: DeliveryEvent) -> tuple[object, ...]:
    """Give what is alike in events that tell the same."""
    return event.event, event.from_state, event.to_state, cause_of(event.detail or "")


def _what(event: DeliveryEvent) -> str:
    moved = f" → {event.to_state.value}" if event.to_state is not event.from_state else ""
    return f"{event.event}{moved}" + (f" (try {event.attempt})" if event.attempt > 1 else "")


def _who(event: DeliveryEvent) -> str:
    # A worker is host, process, thread and a mark of its own; the first two find its log.
    name = ":".join((event.actor or "").split(":")[:2])
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _lines(event: DeliveryEvent, *, is_whole: bool) -> list[str]:
    lines = [*filter(None, [event.detail]), *_requests(event.requests or "")]
    if is_whole:
        return lines
    shown = [line if len(line) <= MOST_LETTERS else f"{line[:MOST_LETTERS]}…" for line in lines]
    if len(shown) <= MOST_LINES:
        return shown
    # Why, and the last request: it is the one that decided.
    between = len(shown) - MOST_LINES + 1
    return [*shown[: MOST_LINES - 2], f"… {between} more lines; {ALL} them", shown[-1]]


def _requests(requests: str) -> Iterator[str]:
    for line, alike in groupby(requests.splitlines()):
        count = sum(1 for _ in alike)
        yield f"{line} ({count} times)" if count > 1 else line


def _grid(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=None,
        pad_edge=False,
    )

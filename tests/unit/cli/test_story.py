"""A delivery's story fits a screen, whatever it went through, and hides nothing that differs."""

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec import structs
from rich.console import Console
from rich.table import Table

from connector.cli.story import Gap, facts_table, fold, story_table
from connector.ledger.delivery import Delivery, Headline, State
from connector.ledger.original import Original, OriginalState
from connector.ledger.rows import DeliveryEvent
from tests.factories import NOON, make_failure

SCREEN = 40
WORKER = "integrations-7f9c4d-x2x9q:17:140203488:9f8e7d6c"
URL = "https://acme.my.salesforce.com/lightning/r/Invoice__c/a0A5e000001XyZzEAK/view"
REQUESTS = "\n".join(f"POST /services/data/v66.0/composite/graph/{number} -> 503" for number in range(20))


def event(name: str, *, minute: int, state: State = State.PENDING, **parts: Any) -> DeliveryEvent:
    values: dict[str, Any] = {"from_state": state, "to_state": state, "attempt": 1, "detail": None}
    return DeliveryEvent(at=NOON + timedelta(minutes=minute), event=name, actor=WORKER, **{**values, **parts})


def troubled() -> list[DeliveryEvent]:
    """Found, retried twenty times for three reasons, dead, replayed, doubted in rounds, delivered, told."""
    story = [event("found", minute=0, from_state=None, attempt=0)]
    for number, reason in enumerate(["no connection"] * 9 + ["HTTP 503 by x"] * 6 + ["lock held"] * 5):
        detail = f"UnavailableError: {reason}, attempt {number}, " + "and more words " * 30
        story.append(event("retry", minute=5 + number, attempt=number + 1, detail=detail, requests=REQUESTS))
    story.append(event("dead", minute=30, to_state=State.DEAD, detail="UnavailableError: given up"))
    story.append(event("replay", minute=60, to_state=State.PENDING, from_state=State.DEAD, attempt=0))
    for number in range(6):
        story.append(event("doubt", minute=61 + 3 * number, to_state=State.IN_DOUBT))
        story.append(event("retry", minute=62 + 3 * number, state=State.IN_DOUBT, detail="no answer"))
        story.append(event("absent", minute=63 + 3 * number, state=State.IN_DOUBT, to_state=State.PENDING))
    story.append(event("delivered", minute=90, to_state=State.DELIVERED, detail="a0A", requests=REQUESTS))
    story.append(event("completed", minute=91, state=State.DELIVERED, to_state=State.COMPLETED))
    return story


def a_delivery() -> Delivery:
    return Delivery(
        id=17,
        pipeline="invoices-to-crm",
        document_id="65f0c0ffee0000000000d0c1",
        document_type="invoice",
        revision=2,
        state=State.DEAD,
        digest="d",
        snapshot=b"",
        headline=Headline(number="R-1", party="Øre & Søn", currency="EUR"),
        created_on=NOON,
        found_at=NOON,
        changed_at=NOON,
        attempts=20,
        due_at=None,
        failure=make_failure(reason="the period is closed, " * 10),
        died_in=State.DELIVERED,
        receipt_id="a0A5e000001XyZzEAK",
        receipt_url=URL,
        written_back_at=None,
    )


def an_original() -> Original:
    return Original(
        state=OriginalState.DEAD,
        receipt_id="a0A",
        due_at=None,
        attempts=20,
        fingerprint=None,
        target_id=None,
        failure=make_failure(reason="file storage is full"),
        detail=None,
        changed_at=NOON,
    )


def printed(*tables: Table) -> list[str]:
    screen = Console(width=100, file=io.StringIO(), highlight=False)
    for table in tables:
        screen.print(table)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue().splitlines()


def told(events: Sequence[DeliveryEvent]) -> list[str]:
    return [each.words if isinstance(each, Gap) else each.event for each in fold(events)]


def test_a_troubled_delivery_fits_one_screen() -> None:
    lines = printed(
        facts_table(a_delivery(), an_original(), troubled()), story_table(troubled(), is_whole=False)
    )

    assert len(lines) <= SCREEN
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    for word in ("the period is closed", "file storage is full", "R-1", "a0A5e000001XyZzEAK", "completed"):
        assert word in text


def test_attempts_that_failed_alike_are_told_once_with_their_number_and_times() -> None:
    assert told(troubled()[:10]) == ["found", "retry", "8 more attempts like this, 12:06-12:13"]


def test_another_reason_begins_anew() -> None:
    assert told(troubled()[:21]).count("retry") == 3


def test_rounds_of_doubt_are_folded_as_rounds() -> None:
    assert told(troubled()[23:41]) == [
        "doubt",
        "retry",
        "absent",
        "5 more rounds of these 3 like this, 13:04-13:18",
    ]


def test_of_too_many_different_events_the_first_and_the_last_are_told() -> None:
    events = [event(f"event {number}", minute=number) for number in range(20)]

    assert told(events) == [f"event {n}" for n in range(3)] + ["9 events between"] + [
        f"event {n}" for n in range(12, 20)
    ]


def test_a_gap_counts_what_was_folded_within_it() -> None:
    shown = fold(troubled())

    gaps = [each.count for each in shown if isinstance(each, Gap)]
    assert sum(gaps) + sum(not isinstance(each, Gap) for each in shown) == len(troubled())


def test_all_of_it_is_there_for_who_asks() -> None:
    text = "\n".join(printed(story_table(troubled(), is_whole=True)))

    assert text.count("retry") == 26
    assert "like this" not in text
    assert WORKER.partition(":")[0] in text.replace("\n", "")


LOOKUPS = "\n".join(f"POST https://erp.example/soap Find{number} -> 200" for number in range(3))
CREATE = "POST https://erp.example/soap CreateInvoice -> no whole answer (deadline)"


def doubted(*later: DeliveryEvent) -> list[DeliveryEvent]:
    """Found and doubted, then asked for in vain so often that the middle of the story is left out."""
    middle = [event(f"wait {number}", minute=9 + number, state=State.IN_DOUBT) for number in range(20)]
    doubt = event("doubt", minute=5, to_state=State.IN_DOUBT)
    return [event("found", minute=0, from_state=None), *([doubt] * 3), *later, *middle]


def test_what_a_delivery_is_in_doubt_about_is_on_the_first_screen() -> None:
    answered = event("retry", minute=6, state=State.IN_DOUBT, detail="?", requests=f"{LOOKUPS}\n{CREATE}")
    delivery = structs.replace(a_delivery(), state=State.IN_DOUBT, died_in=None)
    events = doubted(answered)

    lines = printed(facts_table(delivery, None, events), story_table(events, is_whole=False))

    assert len(lines) <= SCREEN
    assert f"{CREATE} at 03-02 12:06:00" in " ".join(" ".join(lines).split())


def test_a_doubt_without_an_answer_on_record_says_so() -> None:
    delivery = structs.replace(a_delivery(), state=State.IN_DOUBT, died_in=None)

    lines = printed(facts_table(delivery, None, doubted()))

    assert "the process ended before an answer was on record" in " ".join(" ".join(lines).split())


def test_the_last_request_of_a_step_is_told_whatever_it_asked_before() -> None:
    step = event("retry", minute=1, detail="no answer", requests=f"{LOOKUPS}\n{CREATE}")

    lines = printed(story_table([step], is_whole=False))

    assert CREATE in " ".join(" ".join(lines).split())


def test_requests_that_are_alike_are_counted() -> None:
    busy = event("retry", minute=1, detail="busy", requests="GET /x -> 429\n" * 7)

    text = "\n".join(printed(story_table([busy], is_whole=False)))

    assert "GET /x -> 429 (7 times)" in text

"""The ledger at one look, and dead letters by their cause: counted and added up in SQL, to the last digit."""

from datetime import timedelta
from decimal import Decimal

from connector.ledger.database import Database
from connector.ledger.delivery import Headline, State
from connector.ledger.overview import Span, read_chart, read_glance
from connector.ledger.problems import Cause, ProblemStore, closed
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=5)
AMOUNTS = ("0.10", "0.20", "99999999999999999999999999.99", "0.005")


def fill(store: Store) -> None:
    """Four documents: two are delivered, two die of the same cause."""
    found = [
        make_found(
            f"d{number}", headline=Headline(amount=Decimal(amount), currency="EUR" if number else None)
        )
        for number, amount in enumerate(AMOUNTS)
    ]
    store.record_listing("p", found, None)
    claims = store.claim("p", State.PENDING, limit=4, owner="w", lease=LEASE)
    with store.outcomes() as outcomes:
        for number, claim in enumerate(claims):
            if number in {0, 2}:
                outcomes.delivered(claim, make_receipt())
            else:
                outcomes.dead(claim, make_failure(reason=f'the period "{number}" is closed'))


def test_money_is_added_up_by_currency_to_the_last_digit(any_database: Database, store: Store) -> None:
    fill(store)

    glance = read_glance(any_database, NOON)

    assert glance.today["p"].sums == (
        ("?", Decimal("0.10")),
        ("EUR", Decimal("99999999999999999999999999.99")),
    )
    assert glance.dead["p", "RejectedError"].sums == (("EUR", Decimal("0.205")),)
    assert glance.counts == {("p", State.DELIVERED): 2, ("p", State.DEAD): 2}


def test_money_too_long_for_an_index_is_added_up_all_the_same(any_database: Database, store: Store) -> None:
    strange = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(4_000))
    amounts = [
        Headline(amount=Decimal("1." + "0" * 400 + "1"), currency="EUR"),
        Headline(amount=Decimal(2), currency="EUR"),
        Headline(amount=Decimal(3), currency=strange),
        Headline(),
    ]
    found = [make_found(f"d{number}", headline=each) for number, each in enumerate(amounts)]
    store.record_listing("p", found, None)
    claims = store.claim("p", State.PENDING, limit=4, owner="w", lease=LEASE)
    with store.outcomes() as outcomes:
        for claim in claims:
            outcomes.dead(claim, make_failure())

    total = read_glance(any_database, NOON).dead["p", "RejectedError"]

    assert total.count == 4
    assert dict(total.sums) == {"EUR": Decimal("3." + "0" * 400 + "1"), strange: Decimal(3)}


def test_today_begins_at_midnight_and_a_chart_at_its_first_bar(
    any_database: Database, store: Store, clock: HandClock
) -> None:
    fill(store)
    clock.advance(timedelta(hours=13))
    later = NOON + timedelta(hours=13)

    assert read_glance(any_database, later).today == {}
    assert read_chart(any_database, Span.DAY, later) == {"2026-03-02T12": 2}
    assert read_chart(any_database, Span.MONTH, later) == {"2026-03-02": 2}
    assert read_chart(any_database, Span.HOUR, later) == {}


def test_a_group_tells_its_documents_and_closes_when_they_have_gone_through(
    any_database: Database, store: Store, clock: HandClock
) -> None:
    fill(store)
    problems = ProblemStore(any_database)
    [group] = problems.groups()
    problems.note(group.cause, group.example, clock(), owner="Dana")
    problems.note(group.cause, group.example, clock(), snoozed_until=NOON + LEASE)

    assert (group.total.count, group.total.sums) == (2, (("EUR", Decimal("0.205")),))
    assert group.cause == Cause(
        pipeline="p", failure_class="RejectedError", failure_cause='the period "…" is closed'
    )
    [noted] = problems.groups()
    assert noted.note is not None
    assert (noted.note.owner, noted.note.snoozed_until) == ("Dana", NOON + LEASE)
    for each in store.find(states=[State.DEAD], limit=2):
        store.replay(each.id, "ada", "repaired")
    assert problems.groups() == ()
    assert [note.cause for note in closed(problems.notes(), problems.groups())] == [group.cause]

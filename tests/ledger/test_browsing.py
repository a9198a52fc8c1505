"""Finding deliveries: by what people type, page by page."""

from datetime import timedelta
from decimal import Decimal

import pytest

from connector.ledger import searching
from connector.ledger import sought as sought_module
from connector.ledger.browsing import Browsing
from connector.ledger.database import Database
from connector.ledger.delivery import Headline, State
from connector.ledger.search_keys import cause_of
from connector.ledger.sought import Sought
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

DOCUMENTS = {
    "d1": Headline(number="INV-100", party="Ärztehaus Mitte GmbH", amount=Decimal("12.50"), currency="EUR"),
    "d2": Headline(number="inv-1001", party="Acme", amount=Decimal("0.10"), currency="USD"),
    "d3": Headline(number="R 7", party="ACME Ltd", amount=Decimal(1000), currency="EUR"),
    "d4": Headline(number="12.5", party="שלום בע״מ"),
}


@pytest.fixture
def browsing(any_database: Database, store: Store, clock: HandClock) -> Browsing:
    for document_id, headline in DOCUMENTS.items():
        store.record_listing("p", [make_found(document_id, headline=headline)], None)
        clock.advance(timedelta(hours=1))
    store.record_listing("q", [make_found("d1")], None)
    return Browsing(any_database)


def found(browsing: Browsing, sought: Sought) -> list[str]:
    return [each.document_id for each in browsing.page(sought).deliveries]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("inv-100", ["d2", "d1"]),
        ("INV-1001", ["d2"]),
        ("001", ["d2"]),
        ("acme", ["d3", "d2"]),
        ("ärzteHAUS  mitte", ["d1"]),
        ("mitte g", ["d1"]),
        ("itte", []),
        ("בע", ["d4"]),
        ("שלום", ["d4"]),
        ("12.5", ["d4", "d1"]),
        ("1 000.00", ["d3"]),
        ("d3", ["d3"]),
        ("%", []),
        ("nobody", []),
    ],
)
def test_what_somebody_types_is_found_as_number_party_amount_or_id(
    browsing: Browsing, typed: str, expected: list[str]
) -> None:
    assert found(browsing, Sought(anything=typed, pipeline="p")) == expected


def test_a_target_id_is_found(browsing: Browsing, store: Store) -> None:
    claims = store.claim("p", State.PENDING, limit=2, owner="w", lease=timedelta(minutes=5))
    with store.outcomes() as outcomes:
        outcomes.delivered(claims[1], make_receipt(id="A01xYz"))

    assert found(browsing, Sought(receipt_id="a01XYZ")) == ["d2"]
    assert found(browsing, Sought(anything="A01xYz")) == ["d2"]
    assert found(browsing, Sought(state=State.DELIVERED)) == ["d2"]


def test_names_narrow_what_is_found(browsing: Browsing) -> None:
    hour = timedelta(hours=1)

    assert found(browsing, Sought(anything="d1")) == ["d1", "d1"]
    assert found(browsing, Sought(anything="d1", pipeline="q")) == ["d1"]
    assert found(browsing, Sought(party="acme", number="r")) == ["d3"]
    assert found(browsing, Sought(found_from=NOON + hour, found_before=NOON + 3 * hour)) == ["d3", "d2"]
    assert found(browsing, Sought(amount=Decimal("0.1"))) == ["d2"]
    assert found(browsing, Sought(failure_class="MappingError")) == []


def test_pages_hold_each_delivery_once_newest_first_also_when_many_were_found_at_once(
    any_database: Database, store: Store
) -> None:
    store.record_listing("p", [make_found(f"d{number}") for number in range(25)], None)
    browsing = Browsing(any_database)
    seen: list[int] = []
    after = None
    while True:
        page = browsing.page(Sought(pipeline="p"), after=after, size=10)
        seen += [each.id for each in page.deliveries]
        after = page.after
        if after is None:
            break

    assert len(seen) == 25
    assert seen == sorted(set(seen), reverse=True)
    assert [each.id for each in browsing.all(Sought(), size=7)] == seen


@pytest.mark.parametrize(
    "sought",
    [
        Sought(anything="inv"),
        Sought(number="inv", state=State.PENDING),
        Sought(party="acme", pipeline="p"),
        Sought(party="acme", number="inv", found_from=NOON),
    ],
)
def test_what_too_many_are_like_is_looked_through_piece_by_piece_and_all_of_it_is_found(
    any_database: Database, store: Store, monkeypatch: pytest.MonkeyPatch, sought: Sought
) -> None:
    for number in range(40):
        is_like = number % 10 == 0
        headline = Headline(
            number=f"INV-{number}" if is_like else f"R-{number}", party="Acme" if is_like else "Birch"
        )
        store.record_listing("p", [make_found(f"d{number}", headline=headline)], None)
    browsing = Browsing(any_database)
    whole = browsing.page(sought)
    for name, value in (("FAR", 7), ("_SORTED", 3), ("_READ", 3)):
        monkeypatch.setattr(searching, name, value)

    piece = browsing.page(sought)

    assert (whole.count, whole.is_partial, len(whole.deliveries)) == (4, False, 4)
    assert (piece.count, piece.is_partial, len(piece.deliveries)) == (None, True, 0)
    assert tuple(browsing.all(sought)) == whole.deliveries
    assert tuple(browsing.all(sought, size=1)) == whole.deliveries


def test_a_party_of_too_many_names_is_looked_for_in_the_documents(
    any_database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        headline = Headline(party=f"Bau {number} Acme {number}")
        store.record_listing("p", [make_found(f"d{number}", headline=headline)], None)
    monkeypatch.setattr(sought_module, "_PARTIES", 3)

    assert found(Browsing(any_database), Sought(party="acme")) == ["d3", "d2", "d1", "d0"]


def test_a_class_is_that_of_dead_letters_or_of_the_state_that_is_named(
    any_database: Database, store: Store
) -> None:
    for pipeline in ("p", "q"):
        store.record_listing(pipeline, [make_found("dead"), make_found("waits"), make_found("fine")], None)
        claims = store.claim(pipeline, State.PENDING, limit=3, owner="w", lease=timedelta(minutes=5))
        by_name = {claim.delivery.document_id: claim for claim in claims}
        with store.outcomes() as outcomes:
            outcomes.dead(by_name["dead"], make_failure())
            outcomes.retry(by_name["waits"], make_failure(), NOON + timedelta(days=1))
    browsing = Browsing(any_database)
    name = make_failure().error_class

    assert found(browsing, Sought(failure_class=name)) == ["dead", "dead"]
    assert found(browsing, Sought(failure_class=name, pipeline="p")) == ["dead"]
    assert found(browsing, Sought(failure_class=name, anything="dead", pipeline="q")) == ["dead"]
    assert found(browsing, Sought(failure_class=name, state=State.PENDING, pipeline="p")) == ["waits"]
    assert found(browsing, Sought(failure_class="Other")) == []


def test_counting_ends_at_a_bound(browsing: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "COUNTED", 2)

    assert browsing.page(Sought(pipeline="p")).count == 3
    assert browsing.page(Sought(pipeline="q")).count == 1


def test_a_party_is_found_by_the_name_it_got_when_its_document_was_edited(
    browsing: Browsing, store: Store
) -> None:
    edited = make_found("d2", headline=Headline(party="Renamed Works"), digest="other")
    store.record_listing("p", [edited], None)

    assert found(browsing, Sought(party="works")) == ["d2"]


def test_the_oldest_doubts_come_first(any_database: Database, store: Store, clock: HandClock) -> None:
    for name in ("newer", "older"):
        store.record_listing("p", [make_found(name)], None)
    claims = store.claim("p", State.PENDING, limit=2, owner="w", lease=timedelta(minutes=5))
    for name in ("older", "newer"):
        with store.outcomes() as outcomes:
            outcomes.doubt(next(claim for claim in claims if claim.delivery.document_id == name))
        clock.advance(timedelta(minutes=1))

    assert [each.document_id for each in Browsing(any_database).oldest_doubts(5)] == ["older", "newer"]
    assert len(Browsing(any_database).oldest_doubts(1)) == 1


@pytest.mark.parametrize(
    ("reason", "other"),
    [
        ('bad value "12" in row 3', 'bad value "Paper" in row 14'),
        ("adds up to 1,250.00 not 7", "adds up to 9 not 1.5"),
    ],
)
def test_reasons_that_differ_in_values_only_are_one_cause(reason: str, other: str) -> None:
    assert cause_of(reason) == cause_of(other)


def test_reasons_of_two_rules_are_two_causes() -> None:
    assert cause_of("mappings/a.yaml:12:5: Total__c: `x` is missing") != cause_of(
        "mappings/a.yaml:13:5: Total__c: `x` is missing"
    )

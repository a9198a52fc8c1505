"""Dead letters by their cause, and what is in doubt: acts on many and on one, each with its effect."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from connector.cli.session import open_session
from connector.clock import utc_now
from connector.docflo.wire import read_stored
from connector.ledger.delivery import Failure, State
from connector.mapping.apply import apply_mapping
from connector.pipeline.discover import discover
from connector.record import Receipt, record_key
from connector.sight import open_ledger
from connector.wiring import Connector, connect
from tests.console.conftest import FEW_GOOD, Shown, console_of, sync
from tests.scenario.conftest import World

pytestmark = pytest.mark.xdist_group("browser")


CURRENCY = "CurrencyIsoCode: {from: InvoiceTotal.currencyCode, type: currency}"
OF_LINES = "CurrencyIsoCode: {from: Amount.currencyCode, type: currency, optional: true}"
EUROS = "CurrencyIsoCode: {expr: \"'EUR'\"}"


def states(world: World) -> dict[State, int]:
    with open_ledger(open_session(world.config)) as store:
        return dict(store.counts()["invoices-to-crm"])


def test_a_group_is_replayed_with_its_count_and_sum_in_sight_and_closes_by_itself(
    own: Shown, page: Page
) -> None:
    with open_ledger(open_session(own.world.config)) as store:
        dead = store.find(states=[State.DEAD], limit=10)
    money = sum(each.headline.amount for each in dead if each.headline.amount)
    page.goto(f"{own.url}/problems")
    group = page.locator("section.problem").filter(has_text="RejectedError")
    expect(group).to_contain_text("2 documents")
    group.get_by_role("link", name="Replay").click()
    shown = page.locator(".sums").inner_text()
    expect(page.get_by_text("docflo-connector deliveries replay --state dead")).to_be_visible()

    own.world.edit_mapping(CURRENCY, EUROS)
    own.world.edit_mapping(OF_LINES, EUROS)
    page.get_by_label("Reason").fill("everything is in euros")
    page.get_by_role("button", name="Replay 2 documents").click()
    expect(page.get_by_role("status")).to_contain_text("Replayed: 2")
    sync(own.world)
    page.goto(f"{own.url}/problems")

    assert "".join(shown.split()) == f"{money:f}XQX"
    assert len(own.world.running.salesforce.rows("Invoice__c")) == FEW_GOOD + 2
    expect(page.locator("section.problem").filter(has_text="RejectedError")).to_have_count(0)
    expect(page.locator("section").filter(has_text="nothing is dead any more")).to_contain_text(
        "RejectedError"
    )
    with open_ledger(open_session(own.world.config)) as store:
        [act] = store.operations.acts(10)
    assert (act.act, act.count, act.reason) == ("replay", 2, "everything is in euros")
    assert "class=RejectedError" in act.filter


def test_a_group_that_changed_since_it_was_seen_is_left_alone(own: Shown, page: Page) -> None:
    page.goto(f"{own.url}/problems")
    group = page.locator("section.problem").filter(has_text="RejectedError")
    group.get_by_role("link", name="Dismiss").click()
    with open_ledger(open_session(own.world.config)) as store:
        one = store.find(states=[State.DEAD], limit=1)[0]
        store.replay(one.id, "somebody", "meanwhile")

    page.get_by_label("Reason").fill("paid in cash")
    page.get_by_role("button", name="Dismiss 2 documents").click()

    expect(page.get_by_role("alert")).to_contain_text("not what you saw")
    assert State.DISMISSED not in states(own.world)


def test_a_group_has_an_owner_and_is_snoozed(own: Shown, page: Page) -> None:
    page.goto(f"{own.url}/problems")
    group = page.locator("section.problem").filter(has_text="RejectedError")
    group.get_by_text("Owner and snooze").click()
    group.get_by_label("Owner").fill("Dana")
    group.get_by_role("button", name="Keep").click()
    expect(group).to_contain_text("owned by Dana")

    group.get_by_text("Owner and snooze").click()
    group.get_by_label("Leave it alone until").fill(f"{utc_now() + timedelta(days=3):%Y-%m-%d}")
    group.get_by_role("button", name="Snooze").click()

    expect(page.locator("main > section.problem").filter(has_text="RejectedError")).to_have_count(0)
    page.get_by_text("Snoozed (1)").click()
    expect(group).to_contain_text("owned by Dana")


def test_a_group_is_looked_at_with_its_own_documents_only(shown: Shown, page: Page) -> None:
    page.goto(f"{shown.url}/problems")
    group = page.locator("section.problem").filter(has_text="is missing")
    group.get_by_role("link", name="Look at it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("A group of problems")
    expect(page.locator("main tbody tr")).to_have_count(1)
    expect(page.get_by_role("button")).to_have_count(0)


def doubt(connector: Connector, count: int) -> tuple[str, list[int]]:
    """Let some deliveries be in doubt: the first of them has reached the target, the others have not."""
    [pipeline] = connector.pipelines
    discover(pipeline, connector.work())
    claims = connector.store.claim(
        pipeline.name, State.PENDING, limit=count, owner="w", lease=timedelta(minutes=5)
    )
    with connector.store.outcomes() as outcomes:
        doubted = [outcomes.doubt(claim) for claim in claims]
        for claim in doubted:
            failure = Failure(error_class="OutcomeUnknownError", reason="no answer within 60 seconds")
            outcomes.retry(claim, failure, utc_now() + timedelta(hours=1))
    document = read_stored(claims[0].delivery.snapshot)
    key = record_key(pipeline.tenant_id, pipeline.name, document.id)
    [receipt] = pipeline.adapter.deliver([apply_mapping(pipeline.mapping, document, key)])
    assert isinstance(receipt, Receipt)
    return receipt.id, [claim.delivery.id for claim in claims]


def test_the_target_is_asked_beside_the_evidence_and_each_way_out_leads_somewhere(
    world: World, page: Page
) -> None:
    with connect(open_session(world.config)) as connector:
        there, ids = doubt(connector, 3)
    with console_of(world) as url:
        page.goto(f"{url}/doubts")
        cards = [page.locator(f"section[aria-labelledby=d{number}]") for number in ids]
        expect(cards[0]).to_contain_text("no answer within 60 seconds")
        cards[0].get_by_role("button", name="Ask the target now").click()
        expect(cards[0]).to_contain_text(f"It has it as {there}")
        cards[1].get_by_role("button", name="Ask the target now").click()
        expect(cards[1]).to_contain_text("It does not have it")
        expect(cards[1]).to_contain_text("before the time that a request may still take effect was over")

        cards[0].get_by_text("The target has it: link").click()
        cards[0].get_by_label("Id in the target").fill(there)
        cards[0].locator("details[open]").get_by_label("Reason").fill("it says so")
        cards[0].get_by_role("button", name="Link it").click()
        expect(page.get_by_role("status")).to_be_visible()
        page.goto(f"{url}/doubts")
        cards[1].locator("summary", has_text="send again").click()
        cards[1].get_by_label("I have looked").check()
        cards[1].locator("details[open]").get_by_label("Reason").fill("it is not there")
        cards[1].get_by_role("button", name="Send it again").click()
        expect(page.get_by_role("status")).to_be_visible()
        page.goto(f"{url}/doubts")
        cards[2].get_by_text("Neither: dismiss").click()
        cards[2].locator("details[open]").get_by_label("Reason").fill("paid in cash")
        cards[2].get_by_role("button", name="Dismiss it").click()
        expect(page.get_by_role("status")).to_be_visible()
        page.goto(f"{url}/doubts")
        expect(page.get_by_text("Nothing is in doubt.")).to_be_visible()
    sync(world)

    # The one that was dismissed has no total: it would have died.
    assert states(world) == {State.COMPLETED: FEW_GOOD, State.DEAD: 3, State.DISMISSED: 1}
    keys = [row["Docflo_Id__c"] for row in world.running.salesforce.rows("Invoice__c")]
    assert len(keys) == len(set(keys)) == FEW_GOOD

"""Reconcile, audit, connections and the lab, as somebody in finance or integration sees them."""

import json
import re
from datetime import timedelta
from typing import Self

import httpx
import pytest
from playwright.sync_api import Page, expect

from connector.cli.session import open_session
from connector.clock import utc_now
from connector.ledger.acts import ActFilter, ActStore
from connector.ledger.backfill import Backfill, BackfillState
from connector.ledger.backfills import BackfillStore
from connector.ledger.operations import By
from connector.sandbox.docflo.generate import generate_documents
from connector.sandbox.faults import Fault
from connector.sight import open_ledger_database
from tests.console.conftest import Shown
from tests.console.test_accessibility import violations

pytestmark = pytest.mark.xdist_group("browser")

MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


def test_a_comparison_shows_sums_and_leads_to_what_is_missing(own: Shown, page: Page) -> None:
    salesforce = own.world.running.salesforce
    row = salesforce.rows("Invoice__c")[3]
    fields = {
        name: row[name] for name in ("Number__c", "Total__c", "CurrencyIsoCode", "Date__c", "Vendor_Name__c")
    }
    double = salesforce.insert("Invoice__c", fields)
    before = salesforce.snapshot()

    page.goto(f"{own.url}/reconcile")
    page.get_by_label("Documents created from").fill("2020-01-01")
    page.get_by_role("button", name="Compare").click()

    sums = page.get_by_role("table", name="Sums of both sides")
    expect(sums).to_be_visible()
    assert violations(page) == []
    expect(page.get_by_role("link", name="missing (4)")).to_be_visible()
    page.get_by_role("link", name="doubled (1)").click()
    found = page.get_by_role("table", name="Differences").locator("tbody tr")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(row["Number__c"])
    expect(found).to_contain_text(double)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of all differences").click()
    assert double in download.value.path().read_text(encoding="utf-8-sig")
    page.goto(f"{own.url}/audit")
    expect(page.get_by_role("table", name="Acts, newest first")).to_contain_text("reconcile")
    assert salesforce.snapshot() == before


def test_the_record_of_acts_is_filtered_and_markup_in_it_is_text(own: Shown, page: Page) -> None:
    database = open_ledger_database(open_session(own.world.config))
    acts = ActStore(database)
    acts.record("replay", By(actor="ana", reason=MARKUP, chosen=MARKUP), utc_now())
    for number in range(60):
        acts.record("pause", By(actor="bo", reason=f"reason {number}"), utc_now())
    database.close()

    page.goto(f"{own.url}/audit")
    rows = page.get_by_role("table", name="Acts, newest first").locator("tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Earlier").click()
    expect(rows).to_have_count(11)
    page.goto(f"{own.url}/audit")
    page.get_by_label("Who").fill("ana")
    page.get_by_role("button", name="Filter").click()

    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(MARKUP)
    expect(page).to_have_title("Audit · docflo-connector")


def test_connections_are_checked_when_somebody_asks(own: Shown, page: Page) -> None:
    page.goto(f"{own.url}/connections")
    expect(page.get_by_role("heading", name="crm")).to_contain_text("salesforce")
    expect(page.get_by_text("consumer_secret", exact=True)).to_be_visible()
    expect(page.get_by_text("sandbox-secret")).to_have_count(0)

    page.get_by_role("button", name="Check now").click()

    findings = page.get_by_role("table", name="Findings")
    expect(findings).to_contain_text("docflo credentials")
    expect(findings).to_contain_text("target crm")


def test_the_lab_shows_at_once_what_an_edited_mapping_makes_and_saves_nothing(
    shown: Shown, page: Page
) -> None:
    file = shown.world.config.parent / "mappings" / "invoice-salesforce.yaml"
    before = file.read_text(encoding="utf-8")
    page.goto(f"{shown.url}/lab")
    page.locator("#delivery").select_option(index=1)
    record = page.get_by_role("table", name="The record")
    expect(record).to_contain_text("Invoice__c.Total__c")
    expect(page.get_by_text("read by no rule")).to_be_visible()

    mapping = page.locator("#text")
    mapping.fill(
        before.replace(
            "Number__c: {from: InvoiceId, required: true}",
            "Number__c: {from: InvoiceId, with: upper, required: true}",
        )
    )
    expect(record.get_by_role("row", name="Invoice__c.Number__c")).to_contain_text("upper")
    mapping.fill(before.replace("document: invoice\n", "document: invoice\nrecrod: 1\n", 1))
    expect(page.get_by_role("heading", name="in the mapping")).to_be_visible()
    expect(page.locator("#trial")).to_contain_text("recrod: 1")

    mapping.fill(
        before.replace("PO_Number__c: {from: PurchaseOrder, optional: true}", "PO_Number__c: {expr: \"'X'\"}")
    )
    page.get_by_role("button", name="What would change").click()
    expect(page.get_by_role("heading", name="Against the mapping as it is")).to_be_visible()
    expect(page.get_by_role("table", name="Fields that change")).to_contain_text("Invoice__c.PO_Number__c")
    assert file.read_text(encoding="utf-8") == before


ACCOUNT = """\
version: 1
document: invoice
record: {object: Account, key: Tax_Id__c, fields: {CurrencyIsoCode: VendorName}}
examples: [{name: one, document: {VendorName: A}, record: {CurrencyIsoCode: A}}]
"""


def test_the_lab_lists_what_the_target_requires_and_no_rule_fills_and_asks_once(shown: Shown) -> None:
    journal = shown.world.running.salesforce.journal
    rows = shown.world.running.salesforce.snapshot()
    before = len(journal.requests)
    with Lab(shown.url) as lab:
        told = lab.tries(ACCOUNT)
        asked = [(each.operation, each.method) for each in journal.requests[before:]]
        again = lab.tries(ACCOUNT.replace("CurrencyIsoCode", "Name"))

    assert re.search(r"Account\.Name <span[^>]*>required", told)
    assert "Account.CurrencyIsoCode" not in told
    assert "Account.CurrencyIsoCode" in again
    assert "Account.Name" not in again
    assert ("describe", "GET") in asked
    assert {method for operation, method in asked if operation != "token"} == {"GET"}
    assert len(journal.requests) == before + len(asked)
    assert shown.world.running.salesforce.snapshot() == rows


def test_the_lab_marks_what_a_document_leaves_out_and_the_target_requires(shown: Shown) -> None:
    text = ACCOUNT.replace("{CurrencyIsoCode: VendorName}", "{Name: {from: Nickname, optional: true}}")
    text = text.replace("record: {CurrencyIsoCode: A}", "record: {}")
    with Lab(shown.url) as lab:
        told = lab.tries(text, pasted=json.dumps({"id": "a", "type": "invoice", "fields": {}}))

    assert re.search(r"<code>Account\.Name</code> <span[^>]*>the target requires it", told)


def test_the_lab_goes_on_where_the_target_cannot_tell(own: Shown) -> None:
    own.world.running.salesforce.faults.add(Fault(kind="status", operation="token"))
    with Lab(own.url) as lab:
        told = lab.tries(ACCOUNT)

    assert "The mapping loads." in told
    assert "the target could not be asked: " in told


class Lab:
    """Tries mappings as the page does."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Origin": url}, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def tries(self, text: str, *, pasted: str = "") -> str:
        token = re.search(r'name="form_token" value="([^"]+)"', self._client.get("/lab").text)
        assert token is not None
        form = {"pipeline": "invoices-to-crm", "text": text, "do": "show", "form_token": token[1]}
        form["pasted"] = pasted
        answer = self._client.post("/lab", data=form)
        assert answer.status_code == 200, answer.text
        return answer.text


def test_markup_in_a_pasted_document_is_text_in_the_lab(shown: Shown, page: Page) -> None:
    value = {"type": "string", "value": MARKUP, "confidence": 0.9}
    page.goto(f"{shown.url}/lab")
    page.get_by_text("or paste one").click()
    page.get_by_label("Document in JSON").fill(
        json.dumps({"id": "a", "type": "invoice", "fields": {"InvoiceId": value}})
    )
    page.get_by_role("button", name="Map this document").click()

    expect(page.get_by_role("row", name="Invoice__c.Number__c")).to_contain_text(MARKUP)
    expect(page).to_have_title("Mapping lab · docflo-connector")


def test_a_backfill_is_planned_begun_watched_and_paused_with_a_reason(own: Shown, page: Page) -> None:
    for earlier in generate_documents(2, seed="earlier", now=utc_now() - timedelta(days=35)):
        own.world.running.docflo.add(earlier)
    database = open_ledger_database(open_session(own.world.config))
    store = BackfillStore(database, clock=utc_now)
    start = utc_now() - timedelta(days=90)
    wanted = Backfill(
        id=0,
        pipeline="invoices-to-crm",
        created_from=start,
        created_to=start + timedelta(days=20),
        state=BackfillState.RUNNING,
        total=7,
        most=None,
        only_missing=False,
        began_at=utc_now(),
        changed_at=utc_now(),
        actor="bo",
    )
    begun = store.begin(wanted)
    assert begun is not None

    page.goto(f"{own.url}/backfills")
    page.get_by_label("Created from").fill(f"{utc_now() - timedelta(days=60):%Y-%m-%d}")
    page.get_by_role("button", name="Plan").click()
    expect(page.locator("code").first).to_contain_text("docflo-connector backfill invoices-to-crm --from")
    table = page.get_by_role("table", name="Backfills, newest first")
    expect(table).to_contain_text("0 of 7")
    page.get_by_label("Reason, kept").fill("the years before")
    page.get_by_role("button", name="Begin it: 2 documents").click()

    expect(page.get_by_role("status")).to_contain_text(f"Backfill {begun.id + 1} is begun")
    page.get_by_label("Reason").nth(-2).fill("month end")
    page.get_by_role("button", name="Pause").last.click()
    expect(table).to_contain_text("month end")
    known = {each.id: (each.state, each.reason) for each in store.all()}
    [act] = [each for _, each in ActStore(database).page(ActFilter(act="backfill begin"), 5)]
    database.close()
    assert known[begun.id] == (BackfillState.PAUSED, "month end")
    assert known[begun.id + 1][0] is BackfillState.RUNNING
    assert act.reason == "the years before"
    assert act.filter.startswith(f"backfill={begun.id + 1} pipeline=invoices-to-crm")


def test_a_backfill_of_another_count_than_was_seen_is_not_begun(shown: Shown) -> None:
    start = f"{utc_now() - timedelta(days=60):%Y-%m-%d}"
    with httpx.Client(base_url=shown.url, headers={"Origin": shown.url}) as client:
        token = re.search(r'name="form_token" value="([^"]+)"', client.get("/backfills").text)
        assert token is not None
        form = {"pipeline": "invoices-to-crm", "from": start, "to": f"{utc_now():%Y-%m-%d}", "reason": "why"}
        answer = client.post("/backfills/begin", data={**form, "seen": "1", "form_token": token[1]})
        listed = client.get("/backfills").text

    assert answer.status_code == 409
    assert "is not what you saw" in answer.text
    assert "There was none yet." in listed

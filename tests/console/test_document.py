"""One document's page, and what a person does there: each act with its effect on both sides."""

import tempfile
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from connector.cli.session import open_session
from connector.ledger.delivery import Delivery, State
from connector.sandbox.docflo.document import MAILBOX, Upload
from connector.sight import open_ledger
from tests.console.conftest import FEW_GOOD, Shown, sync
from tests.console.test_accessibility import violations
from tests.scenario.conftest import World

pytestmark = pytest.mark.xdist_group("browser")

MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


def deliveries(world: World, state: State) -> list[Delivery]:
    with open_ledger(open_session(world.config)) as store:
        return list(store.find(states=[state], limit=100))


def dead_of(world: World, error_class: str) -> Delivery:
    found = deliveries(world, State.DEAD)
    return next(each for each in found if each.failure and each.failure.error_class == error_class)


def now(world: World, delivery: Delivery) -> Delivery:
    with open_ledger(open_session(world.config)) as store:
        found = store.get(delivery.id)
        assert found is not None
        return found


def act(page: Page, name: str, button: str, reason: str) -> None:
    page.get_by_text(name, exact=True).click()
    form = page.locator("details[open] form")
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("button", name=button).click()
    expect(page.get_by_role("status")).to_contain_text("on record")


def test_the_record_says_where_each_value_comes_from(shown: Shown, page: Page) -> None:
    delivery = deliveries(shown.world, State.COMPLETED)[0]
    page.goto(f"{shown.url}/documents/{delivery.id}?tab=record")
    amount = f"{delivery.headline.amount:f}"
    value = page.locator("tr", has=page.get_by_role("rowheader", name="Total__c", exact=True)).get_by_role(
        "button"
    )
    expect(value).to_have_text(amount)

    value.hover()

    tip = page.get_by_role("tooltip").filter(visible=True)
    expect(tip).to_contain_text(f"InvoiceTotal.amount = {amount}")
    expect(tip).to_contain_text("rule: decimal")
    expect(tip).to_contain_text("confidence: 0.")
    expect(tip).to_contain_text("invoice-salesforce.yaml:")
    page.mouse.move(0, 0)
    value.focus()
    expect(tip).to_be_visible()


def test_every_tab_tells_its_part_of_a_delivered_document(shown: Shown, page: Page) -> None:
    delivery = deliveries(shown.world, State.COMPLETED)[0]
    page.goto(f"{shown.url}/documents/{delivery.id}")
    contents = page.locator("#contents")

    expect(contents).to_contain_text("InvoiceTotal")
    page.get_by_role("link", name="request", exact=True).click()
    expect(contents).to_contain_text("composite/graph")
    page.get_by_role("link", name="answer", exact=True).click()
    expect(contents).to_contain_text("200")
    page.get_by_role("link", name="write-back").click()
    expect(contents).to_contain_text(str(delivery.receipt_id))
    expect(page.locator(".story")).to_contain_text("completed")


def test_the_original_is_fetched_once_it_is_asked_for_and_can_run_nothing(own: Shown, page: Page) -> None:
    delivery = deliveries(own.world, State.COMPLETED)[0]
    journal = own.world.running.docflo.journal
    page.goto(f"{own.url}/documents/{delivery.id}")
    before = journal.count()["original"]

    with page.expect_response("**/original") as told:
        page.get_by_role("link", name="Show the original here").click()
    shown = told.value.headers["content-type"]
    asked = journal.count()["original"]
    file = f"{own.url}/documents/{delivery.id}/original"
    headers = httpx.get(file).headers
    refused = httpx.get(file, headers={"Sec-Fetch-Site": "cross-site"})

    assert (before, asked, shown) == (0, 1, "application/pdf")
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert refused.status_code == 403
    assert journal.count()["original"] == 2


@pytest.mark.parametrize(
    ("name", "told", "content", "is_shown"),
    [
        ("../../../etc/cron.d/x.html", "text/html", b"<script>alert(1)</script>", False),
        ("/etc/passwd", "image/svg+xml", b"<svg onload='alert(1)'/>", False),
        ("..\\..\\a\0b\r\nSet-Cookie: x=1.pdf", "application/pdf", b"<html><script>alert(1)</script>", False),
        ("fdp.\u202eexe", "application/pdf", b"%PDF-1.7\n1 0 obj", True),
    ],
)
def test_the_name_and_type_of_an_original_lead_nowhere_and_run_nothing(
    shown: Shown,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    told: str,
    content: bytes,
    is_shown: bool,  # noqa: FBT001 a column of the table
) -> None:
    delivery = deliveries(shown.world, State.COMPLETED)[0]
    docflo = shown.world.running.docflo
    before = docflo.documents[delivery.document_id]
    docflo.add(replace(before, name=name, upload=Upload(content=content, content_type=told)))
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    answer = httpx.get(f"{shown.url}/documents/{delivery.id}/original")
    docflo.add(before)

    assert (answer.status_code, answer.content) == (200, content)
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert headers["content-type"] == ("application/pdf" if is_shown else "application/octet-stream")
    assert headers["content-disposition"] == ("inline" if is_shown else 'attachment; filename="original"')
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy
    assert policy.endswith("; sandbox") is not is_shown
    assert "set-cookie" not in headers
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def eml() -> bytes:
    message = EmailMessage()
    message["Subject"] = MARKUP
    message.set_content(f"Please pay. {MARKUP}\n")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="R 1.pdf")
    message.add_attachment(MARKUP, subtype="html", filename="../../etc/cron.d/x.html")
    message.add_attachment(b"PK", maintype="application", subtype="zip", filename=f'a"{MARKUP}.zip')
    return message.as_bytes()


def test_an_e_mail_lists_its_attachments_and_runs_none_of_them(shown: Shown) -> None:
    delivery = deliveries(shown.world, State.COMPLETED)[0]
    docflo = shown.world.running.docflo
    before = docflo.documents[delivery.document_id]
    sent = eml()
    docflo.add(replace(before, upload=Upload(content=sent, content_type="message/rfc822")))
    start = f"{shown.url}/documents/{delivery.id}/original"

    listed = httpx.get(start)
    files = [httpx.get(f"{start}/{number}") for number in (1, 2, 3)]
    whole = httpx.get(f"{start}/file")
    beyond = [httpx.get(f"{start}/{number}").status_code for number in (0, 4, 10**30)]
    elsewhere = httpx.get(f"{start}/1", headers={"Sec-Fetch-Site": "cross-site"})
    docflo.add(before)

    assert "Please pay." in listed.text
    assert "<script>" not in listed.text
    assert "<img" not in listed.text
    assert "frame-ancestors 'self'" in listed.headers["content-security-policy"]
    assert [each.headers["content-type"] for each in files] == [
        "application/pdf",
        *["application/octet-stream"] * 2,
    ]
    assert [each.headers["content-disposition"].partition(";")[0] for each in files] == [
        "inline",
        "attachment",
        "attachment",
    ]
    assert 'filename="x.html"' in files[1].headers["content-disposition"]
    assert all("script" not in each.headers["content-security-policy"] for each in files)
    assert whole.content == sent
    assert whole.headers["content-disposition"] == 'attachment; filename="e-mail.eml"'
    assert (beyond, elsewhere.status_code) == ([404] * 3, 403)


def test_what_docflo_has_not_is_said_where_it_would_be_shown(shown: Shown, page: Page) -> None:
    docflo = shown.world.running.docflo
    found = deliveries(shown.world, State.COMPLETED)
    by_mail = {each.id: docflo.documents[each.document_id].source == MAILBOX for each in found}
    for has_mail, words in ((True, "billing@supplier.example"), (False, "Docflo has no e-mail")):
        number = next(id_ for id_, is_mail in by_mail.items() if is_mail is has_mail)
        page.goto(f"{shown.url}/documents/{number}")

        page.get_by_role("link", name="Show the e-mail that brought it").click()

        expect(page.frame_locator("iframe").locator("main")).to_contain_text(words)
        assert violations(page) == []


def test_a_replay_after_the_repair_delivers_once_and_is_on_record(own: Shown, page: Page) -> None:
    delivery = dead_of(own.world, "MappingError")
    own.world.edit_mapping(
        "InvoiceTotal.currencyCode, type: currency", "InvoiceTotal.currencyCode, default: EUR"
    )
    own.world.edit_mapping(
        "InvoiceTotal.amount, type: decimal, required: true", "InvoiceTotal.amount, type: decimal, default: 1"
    )
    page.goto(f"{own.url}/documents/{delivery.id}")
    expect(page.get_by_text(f"docflo-connector deliveries replay {delivery.id} ")).to_be_hidden()

    act(page, "Replay", "Replay it", "the rule has a default now")

    assert now(own.world, delivery).state is State.PENDING
    sync(own.world)
    assert now(own.world, delivery).state is State.COMPLETED
    assert len(own.world.running.salesforce.rows("Invoice__c")) == FEW_GOOD + 1
    page.reload()
    expect(page.locator(".story")).to_contain_text("the rule has a default now")


def test_an_edit_in_docflo_is_fetched_by_a_replay_that_asks_for_it(own: Shown, page: Page) -> None:
    delivery = dead_of(own.world, "MappingError")
    total = {"type": "currency", "value": {"amount": 12.5, "currencyCode": "EUR"}, "confidence": 0.99}
    docflo = own.world.running.docflo
    document = docflo.documents[delivery.document_id]
    docflo.add(replace(document, fields={**document.fields, "InvoiceTotal": total}))
    page.goto(f"{own.url}/documents/{delivery.id}")
    page.get_by_text("Replay", exact=True).click()
    page.get_by_label("What is sent").select_option("fetch")
    page.locator("details[open]").get_by_label("Reason").fill("corrected in Docflo")
    page.get_by_role("button", name="Replay it").click()
    expect(page.get_by_role("status")).to_be_visible()

    assert docflo.journal.count()["document"] == 1
    sync(own.world)
    assert now(own.world, delivery).state is State.COMPLETED


def test_a_link_is_checked_with_the_target_and_then_written_back(own: Shown, page: Page) -> None:
    delivery = dead_of(own.world, "RejectedError")
    salesforce = own.world.running.salesforce
    existing = str(salesforce.rows("Invoice__c")[0]["Id"])
    page.goto(f"{own.url}/documents/{delivery.id}")
    page.get_by_text("Link to an existing", exact=False).first.click()
    page.get_by_label("Id in the target").fill("a01000000000000AAA")
    page.locator("details[open]").get_by_label("Reason").fill("posted by hand")
    page.get_by_role("button", name="Link it").click()
    expect(page.get_by_role("alert")).to_contain_text("a01000000000000AAA")
    untouched = now(own.world, delivery).state

    page.go_back()
    page.locator("details").filter(has_text="Link to").locator("summary").click()
    page.get_by_label("Id in the target").fill(existing)
    page.locator("details[open]").get_by_label("Reason").fill("posted by hand")
    page.get_by_role("button", name="Link it").click()
    expect(page.get_by_role("status")).to_be_visible()
    sync(own.world)

    assert untouched is State.DEAD
    linked = now(own.world, delivery)
    assert (linked.state, linked.receipt_id) == (State.COMPLETED, existing)
    assert own.world.running.docflo.status(delivery.document_id) == "CONFIRMED"
    assert len(salesforce.rows("Invoice__c")) == FEW_GOOD


def test_what_is_dismissed_stays_out_of_the_way(own: Shown, page: Page) -> None:
    delivery = dead_of(own.world, "RejectedError")
    page.goto(f"{own.url}/documents/{delivery.id}")

    act(page, "Dismiss", "Dismiss it", "paid in cash")
    sync(own.world)

    assert now(own.world, delivery).state is State.DISMISSED
    assert len(own.world.running.salesforce.rows("Invoice__c")) == FEW_GOOD


def test_an_act_without_a_reason_changes_nothing(shown: Shown, page: Page) -> None:
    delivery = dead_of(shown.world, "RejectedError")
    page.goto(f"{shown.url}/documents/{delivery.id}")
    page.get_by_text("Dismiss", exact=True).click()
    page.locator("details[open]").get_by_label("Reason").fill("  ")
    page.get_by_role("button", name="Dismiss it").click()

    expect(page.get_by_role("alert")).to_contain_text("an act needs a reason")
    assert now(shown.world, delivery).state is State.DEAD


@pytest.mark.parametrize("number", ["999999", str(2**70), "0"])
def test_a_delivery_that_is_not_there_is_told_so(shown: Shown, number: str) -> None:
    assert httpx.get(f"{shown.url}/documents/{number}").status_code == 404

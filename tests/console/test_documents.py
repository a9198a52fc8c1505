"""The list of documents, in a browser."""

import csv
import io
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Page, expect

from connector.cli.session import open_session
from connector.ledger.delivery import Headline
from connector.sight import open_ledger
from tests.console.conftest import Shown, console_of
from tests.factories import make_found
from tests.scenario.conftest import APPROVED, World

pytestmark = pytest.mark.xdist_group("browser")


def rows(page: Page) -> list[str]:
    return page.locator("main tbody th").all_inner_texts()


def test_a_search_finds_by_number_party_amount_and_id_and_stands_in_the_address(
    shown: Shown, page: Page
) -> None:
    page.goto(f"{shown.url}/documents")
    row = page.locator("main tbody tr").filter(has_text="completed").first
    number, party = row.locator("th").inner_text(), row.locator("td").nth(2).inner_text()
    amount, target = row.locator("td").nth(1).inner_text().split()[:-1], row.locator("td").nth(4).inner_text()

    for text in (number, number[-5:], f"party:{party}", f"amount:{''.join(amount)}", f"target:{target}"):
        page.get_by_label("Search").fill(text)
        page.get_by_role("button", name="Search").click()
        expect(page.locator("main tbody th").first).to_be_visible()
        assert number in rows(page), text
    assert page.url == f"{shown.url}/documents?q=target%3A{target}"
    assert rows(page) == [number]


def test_a_filter_is_kept_under_a_name_and_forgotten_again(own: Shown, page: Page) -> None:
    page.goto(f"{own.url}/documents")
    page.get_by_label("State").select_option("dead")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("main tbody tr")).to_have_count(4)
    page.get_by_label("Keep this filter as").fill("Monday's")
    page.get_by_role("button", name="Save the view").click()
    page.goto(own.url)
    page.goto(f"{own.url}/documents")

    page.get_by_role("link", name="Monday's").click()
    expect(page.locator("main tbody tr")).to_have_count(4)
    page.get_by_role("button", name="Forget the view").click()
    expect(page.get_by_role("link", name="Monday's")).to_have_count(0)


def test_what_is_exported_is_what_is_filtered(shown: Shown) -> None:
    every = httpx.get(f"{shown.url}/documents.csv").text
    dead = httpx.get(f"{shown.url}/documents.csv?state=dead").text

    assert len(every.splitlines()) == APPROVED + 1
    told = list(csv.DictReader(io.StringIO(dead.removeprefix("\ufeff"))))
    assert {each["class"] for each in told} == {"MappingError", "RejectedError"}


@pytest.mark.parametrize(
    "query", ["state=nonsense", "q=amount:much", "from=yesterday", "after=x~y", "after=2026-01-01~1e9"]
)
def test_an_address_that_means_nothing_says_so(shown: Shown, query: str) -> None:
    answer = httpx.get(f"{shown.url}/documents?{query}")

    assert answer.status_code == 400
    assert "Not done" in answer.text


def test_a_document_that_is_a_formula_is_a_text_in_the_export(world: World) -> None:
    with open_ledger(open_session(world.config)) as store:
        headline = Headline(number="=1+1", party='@SUM(A1)"\n', amount=Decimal("-5.10"), currency="EUR")
        store.record_listing("invoices-to-crm", [make_found("d1", headline=headline)], None)
    with console_of(world) as url:
        text = httpx.get(f"{url}/documents.csv").text

    [told] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (told["number"], told["party"], told["amount"]) == ("'=1+1", "'@SUM(A1)\"\n", "-5.10")

"""The overview, as somebody sees it who opens the console."""

import pytest
from playwright.sync_api import Locator, Page, expect

from connector.cli.session import open_session
from connector.ledger.delivery import State
from connector.ledger.operations import By
from connector.sight import open_ledger
from tests.console.conftest import Shown
from tests.scenario.conftest import GOOD

pytestmark = pytest.mark.xdist_group("browser")


def fact(page: Page, name: str) -> Locator:
    return page.locator(f'dt:text-is("{name}") + dd')


def test_the_overview_shows_each_pipeline_and_loads_nothing_from_elsewhere(shown: Shown, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shown.url)

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(fact(page, "Delivered today")).to_contain_text(str(GOOD))
    expect(fact(page, "Set aside")).to_contain_text("2 MappingError")
    expect(page.get_by_text("has never shown itself here")).to_be_visible()
    assert {url for url in asked if not url.startswith(shown.url)} == set()


def test_the_overview_renews_itself_without_a_reload(own: Shown, page: Page) -> None:
    page.goto(own.url)
    before = page.locator(".live time").inner_text()
    page.evaluate("window.stays = true")

    with open_ledger(open_session(own.world.config)) as store:
        for each in store.find(states=[State.DEAD], limit=10):
            store.operations.dismiss([each.id], By(actor="ada", reason="paid in cash"))

    expect(fact(page, "Set aside")).to_have_text("none", timeout=30_000)
    assert page.locator(".live time").inner_text() > before
    assert page.evaluate("window.stays") is True

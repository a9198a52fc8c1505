"""The overview, as somebody sees it who opens the console."""

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Shown
from tests.scenario.conftest import GOOD

pytestmark = pytest.mark.xdist_group("browser")


def test_the_overview_shows_each_pipeline_and_loads_nothing_from_elsewhere(shown: Shown, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shown.url)

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_role("row", name="invoices-to-crm")).to_contain_text(str(GOOD))
    assert {url for url in asked if not url.startswith(shown.url)} == set()

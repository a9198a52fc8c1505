"""Every page with axe-core, in light and dark, on a phone, by keyboard, and in right-to-left data."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import Shown

pytestmark = pytest.mark.xdist_group("browser")

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
PATHS = (
    "/",
    "/documents",
    "/documents?state=dead",
    "/documents/1",
    "/documents/1?tab=record",
    "/documents/1?tab=answer",
    "/documents/1?tab=write-back",
    "/problems",
    "/doubts",
    "/reconcile",
    "/backfills",
    "/lab",
    "/connections",
    "/audit",
    "/nowhere",
)
FIRST_PAGE = 100 * 1024


def violations(page: Page, *, only: Sequence[str] = ()) -> list[Any]:
    """Give what axe-core finds serious or critical; `only`: rules, all when there are none."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": list(only)} if only else {})}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        (each["id"], [node["target"] for node in each["nodes"]][:3])
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


def test_no_page_has_a_serious_violation_in_light_or_dark(shown: Shown, browser: Browser) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    found = {}
    for path in PATHS:
        page.emulate_media(color_scheme="light")
        page.goto(shown.url + path)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        found[path] = violations(page)
        page.emulate_media(color_scheme="dark")
        # The page stays as it is but for its colours.
        found[f"{path} in the dark"] = violations(page, only=["color-contrast"])
    context.close()

    assert {path: each for path, each in found.items() if each} == {}


def test_on_a_phone_nothing_is_wider_than_the_screen(shown: Shown, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    wide = {}
    for path in PATHS:
        page.goto(shown.url + path)
        wide[path] = page.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert {path: width for path, width in wide.items() if width > 360} == {}


def test_the_keyboard_alone_reaches_a_document_and_its_acts(shown: Shown, page: Page) -> None:
    page.goto(f"{shown.url}/documents?state=dead")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    row = page.locator("tbody th a").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if row.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/documents/\d+$"))
    summary = page.locator("summary", has_text="Dismiss")
    for _ in range(40):
        page.keyboard.press("Tab")
        if summary.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Dismiss it")).to_be_visible()


def test_names_written_from_right_to_left_keep_their_direction(shown: Shown, page: Page) -> None:
    page.goto(f"{shown.url}/documents")
    cells = page.locator("tbody td.name bdi")
    directions = cells.evaluate_all(
        "all => all.map(each => [each.textContent, getComputedStyle(each).direction])"
    )

    hebrew = [
        direction for text, direction in directions if any("\u0590" <= letter <= "\u06ff" for letter in text)
    ]
    latin = [direction for text, direction in directions if text.isascii()]
    assert set(hebrew) == {"rtl"}
    assert set(latin) == {"ltr"}


def test_the_first_page_is_small_and_complete(shown: Shown, page: Page) -> None:
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
    page.goto(shown.url, wait_until="networkidle")

    assert len(sizes) >= 4
    assert sum(sizes.values()) < FIRST_PAGE

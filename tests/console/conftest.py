"""The console in a browser, on the ledger of a small world that has been synced once."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

from connector.cli.bar import Bar
from connector.cli.cycle import run_cycle
from connector.cli.sandbox_setup import TENANT, sandboxes
from connector.cli.serving_console import serve_console
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.demo import demo_documents
from connector.wiring import connect
from tests.scenario.conftest import World, small_docflo, small_world

NEEDED = "DOCFLO_TESTS_NEED_A_BROWSER"
"""Set where a missing browser must not go unnoticed."""

# What a browser does beside its pages would be refused on a machine without a network, many times a minute.
_QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def few_docflo() -> DocfloSandbox:
    """Give the demo's Docflo with few documents."""
    return DocfloSandbox(tenant_id=TENANT, documents=demo_documents(utc_now(), invoices=FEW))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A world, and the address of its console."""

    world: World
    url: str


def sync(world: World) -> None:
    """Run one cycle."""
    with connect(open_session(world.config)) as connector:
        run_cycle(connector, full=False, bar=Bar(""))


FEW = 12
"""Approved invoices in a world that a test has for itself; four of them cannot go, as everywhere."""
FEW_GOOD = FEW - 4


@contextmanager
def synced(folder: Path, docflo: DocfloSandbox) -> Iterator[World]:
    with sandboxes(docflo=docflo) as running:
        world = small_world(folder, running)
        sync(world)
        yield world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nothing of it is listed yet."""
    with sandboxes(docflo=few_docflo()) as running:
        yield small_world(tmp_path, running)


@contextmanager
def console_of(world: World) -> Iterator[str]:
    with serve_console(open_session(world.config)) as address:
        yield address


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """For tests that only look."""
    with synced(tmp_path_factory.mktemp("shown"), small_docflo()) as world, console_of(world) as url:
        yield Shown(world=world, url=url)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Shown]:
    """For tests that change something."""
    with synced(tmp_path, few_docflo()) as world, console_of(world) as url:
        yield Shown(world=world, url=url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        message = "no browser to test the console in: apt-get install chromium"
        if os.environ.get(NEEDED):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = _launch(playwright, chromium)
        yield browser
        browser.close()


def _launch(playwright: Playwright, chromium: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=chromium, chromium_sandbox=False, args=list(_QUIET), timeout=60_000
    )


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a page in a fresh profile. What the policy refuses, or a script trips over, is an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if _is_complaint(told) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def _is_complaint(told: ConsoleMessage) -> bool:
    # An answer that refuses an act is what some tests are about.
    return told.type == "error" and not told.text.startswith("Failed to load resource: the server responded")

"""Every page, in the order of the menu. A new page is a module and a line here."""

from collections.abc import Sequence

from connector.console.pages import (
    audit,
    backfills,
    connections,
    documents,
    doubts,
    lab,
    overview,
    problems,
    reconcile,
)
from connector.console.pages.page import Page

PAGES: Sequence[Page] = (
    overview.PAGE,
    documents.PAGE,
    problems.PAGE,
    doubts.PAGE,
    reconcile.PAGE,
    backfills.PAGE,
    lab.PAGE,
    connections.PAGE,
    audit.PAGE,
)

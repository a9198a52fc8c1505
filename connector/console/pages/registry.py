"""Every page, in the order of the menu. A new page is a module and a line here."""

from collections.abc import Sequence

from connector.console.pages import documents, overview
from connector.console.pages.page import Page

PAGES: Sequence[Page] = (overview.PAGE, documents.PAGE)

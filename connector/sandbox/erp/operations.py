"""One function per operation of the strict ERP: the call's element in, the answer's element out."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from lxml.builder import ElementMaker
from lxml.etree import QName
from lxml.etree import _Element as Element

from connector.sandbox.erp.business import BusinessError, Result, check_invoice, check_order, has_number
from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.login import Guard
from connector.sandbox.erp.rows import Row, Rows
from connector.sandbox.erp.service_files import COMMON, MESSAGES, PURCHASING

M = ElementMaker(namespace=MESSAGES, nsmap={None: MESSAGES, "p": PURCHASING, "c": COMMON})
P = ElementMaker(namespace=PURCHASING)
C = ElementMaker(namespace=COMMON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What an operation works with."""

    rows: Rows
    habits: Habits
    guard: Guard
    now: datetime

    def create(self, kind: str, element: Element, dated: str) -> Row:
        """Make a row of an element, in the fiscal year of the field `dated`."""
        key, year = _text(element, "ourReference"), int(_text(element, dated)[:4])
        return self.rows.create(kind, element, key=key, fiscal_year=year, now=self.now)

    def is_visible(self, row: Row) -> bool:
        """Tell whether lookups show the row yet."""
        return row.created_at + self.habits.lag <= self.now


Operation: TypeAlias = Callable[[Desk, Element], Element]


def _login(desk: Desk, call: Element) -> Element:
    session_id = desk.guard.open_session(desk.habits, _text(call, "user"), _text(call, "password"))
    if session_id is None:
        raise BusinessError("LOGIN_FAILED", "Wrong user or password")
    return _answer(call, Result(), M.sessionId(session_id))


def _create_invoice(desk: Desk, call: Element) -> Element:
    invoice = call.find("{*}invoice")
    result = check_invoice(invoice, desk.habits, desk.rows)
    row = desk.create("invoice", invoice, "invoiceDate")
    if desk.habits.fail_after_save:
        result = Result(code="AFTER_SAVE_FAILED", severity="Error", message="A follow-up step failed")
    return _answer(call, result, M.id(*_id(row)))


def _create_order(desk: Desk, call: Element) -> Element:
    order = call.find("{*}order")
    result = check_order(order, desk.habits)
    row = desk.create("order", order, "orderDate")
    return _answer(call, result, M.id(*_id(row)))


def _create_receipt(desk: Desk, call: Element) -> Element:
    row = desk.create("receipt", call.find("{*}receipt"), "paidAt")
    return _answer(call, Result(), M.id(*_id(row)))


def _find_open(desk: Desk, call: Element) -> Element:
    return _answer(call, Result(), M.invoices(*_found_invoices(desk, call, posted=False)))


def _find_posted(desk: Desk, call: Element) -> Element:
    return _answer(call, Result(), M.invoices(*_found_invoices(desk, call, posted=True)))


def _found_invoices(desk: Desk, call: Element, *, posted: bool) -> list[Element]:
    criteria = call.find("{*}criteria")
    reference = _text(criteria, "ourReference")
    supplier, number = _text(criteria, "supplier"), _text(criteria, "supplierInvoiceNumber")
    most = int(_text(criteria, "maxRows") or 100)

    def fits(row: Row) -> bool:
        named = row.key == reference if reference else has_number(row, supplier, number)
        return named and row.posted == posted and desk.is_visible(row)

    return [M.stored(*_stored_invoice(row)) for row in desk.rows.select("invoice", fits)[:most]]


def _find_orders(desk: Desk, call: Element) -> Element:
    return _answer(call, Result(), M.orders(*_found(desk, "order", _text(call, "ourReference"))))


def _find_receipts(desk: Desk, call: Element) -> Element:
    return _answer(call, Result(), M.receipts(*_found(desk, "receipt", _text(call, "ourReference"))))


def _found(desk: Desk, kind: str, reference: str) -> list[Element]:
    rows = desk.rows.select(kind, lambda row: row.key == reference and desk.is_visible(row))
    return [M.stored(P.id(*_id(row)), _created_at(row), _copy(kind, row)) for row in rows]


def _read_invoice(desk: Desk, call: Element) -> Element:
    return _answer(call, Result(), M.stored(*_stored_invoice(_invoice_of(desk, call))))


def _post_invoice(desk: Desk, call: Element) -> Element:
    row = _invoice_of(desk, call)
    if row.posted:
        raise BusinessError("ALREADY_POSTED", f"Invoice {row.number} is posted already")
    desk.rows.post(row)
    return _answer(call, Result(), M.id(*_id(row)))


def _invoice_of(desk: Desk, call: Element) -> Row:
    number, year = _text(call, "id/{*}number"), int(_text(call, "id/{*}fiscalYear"))
    row = desk.rows.get("invoice", number, year)
    if row is None:
        raise BusinessError("NOT_FOUND", f"There is no invoice {number} of {year}")
    return row


def _stored_invoice(row: Row) -> tuple[Element, ...]:
    status = "Posted" if row.posted else "Open"
    return P.id(*_id(row)), P.status(status), _created_at(row), _copy("invoice", row)


def _id(row: Row) -> tuple[Element, Element]:
    return P.number(row.number), P.fiscalYear(str(row.fiscal_year))


def _created_at(row: Row) -> Element:
    return P.createdAt(row.created_at.isoformat(timespec="milliseconds"))


def _copy(kind: str, row: Row) -> Element:
    return P(kind, *(deepcopy(child) for child in row.element))


def _answer(call: Element, result: Result, *content: Element) -> Element:
    parts = [C.code(result.code), C.severity(result.severity)]
    parts += [C.message(result.message)] if result.message else []
    parts += [C.field(result.field)] if result.field else []
    return M(f"{QName(call).localname}Response", M.result(*parts), *content)


def refused(call: Element, error: BusinessError) -> Element:
    """Give the answer that says no: the result block, and empty lists where the schema wants them."""
    return _answer(call, error.result)


def _text(element: Element, path: str) -> str:
    return str(element.findtext(f"{{*}}{path}") or "")


OPERATIONS: Mapping[str, Operation] = {
    "Login": _login,
    "CreateVendorInvoice": _create_invoice,
    "FindVendorInvoices": _find_open,
    "FindPostedVendorInvoices": _find_posted,
    "ReadVendorInvoice": _read_invoice,
    "PostVendorInvoice": _post_invoice,
    "CreatePurchaseOrder": _create_order,
    "FindPurchaseOrders": _find_orders,
    "CreateReceipt": _create_receipt,
    "FindReceipts": _find_receipts,
}
"""By the name of the call's element."""

"""What the ERP refuses for reasons of business: reported in the answer's result, never as a fault."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml.etree import _Element as Element

from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.rows import Row, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result block of an answer."""

    code: str = "OK"
    severity: str = "Success"
    message: str = ""
    field: str = ""


class BusinessError(Exception):
    """A refusal with its result block; nothing was stored."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.result = Result(code=code, severity="Error", message=message, field=field)


def check_invoice(invoice: Element, habits: Habits, rows: Rows) -> Result:
    """Refuse an invoice that the books cannot take; give the result block of one that they can.

    Raises: BusinessError.
    """
    _check_supplier(_text(invoice, "supplier"), habits)
    invoice_date = date.fromisoformat(_text(invoice, "invoiceDate")[:10])
    if habits.closed_before and invoice_date < habits.closed_before:
        raise BusinessError("PERIOD_CLOSED", f"The period of {invoice_date} is closed", "invoiceDate")
    _check_lines(invoice, habits)
    if habits.unique_numbers:
        _check_number(invoice, rows)
    due = _text(invoice, "dueDate")
    if due and date.fromisoformat(due[:10]) < invoice_date:
        return Result(code="DUE_BEFORE_INVOICE", severity="Warning", message="Due before it was written")
    return Result()


def check_order(order: Element, habits: Habits) -> Result:
    """Refuse an order of a supplier that is not known or locked.

    Raises: BusinessError.
    """
    _check_supplier(_text(order, "supplier"), habits)
    return Result()


def has_number(row: Row, supplier: str, number: str) -> bool:
    """Tell whether a row is the supplier's invoice of this number."""
    return row.text("supplier") == supplier and row.text("supplierInvoiceNumber") == number


def _check_supplier(supplier: str, habits: Habits) -> None:
    if habits.suppliers is not None and supplier not in habits.suppliers:
        raise BusinessError("UNKNOWN_SUPPLIER", f"There is no supplier {supplier}", "supplier")
    if supplier in habits.locked_suppliers:
        raise BusinessError("RECORD_LOCKED", f"Supplier {supplier} is locked by another user", "supplier")


def _check_lines(invoice: Element, habits: Habits) -> None:
    lines = invoice.findall("{*}lines/{*}line")
    for line in lines:
        account = _text(line, "account")
        if account and habits.accounts is not None and account not in habits.accounts:
            raise BusinessError("UNKNOWN_ACCOUNT", f"There is no account {account}", "account")
        shares = [Decimal(share.text) for share in line.findall("{*}allocations/{*}allocation/{*}percent")]
        if shares and sum(shares) != 100:  # noqa: PLR2004 per cent
            raise BusinessError("ALLOCATION_MISMATCH", f"Shares add up to {sum(shares)} %", "allocations")
    net = _text(invoice, "netTotal")
    total = sum((Decimal(_text(line, "amount")) for line in lines), Decimal(0))
    if habits.totals_agree and net and lines and total != Decimal(net):
        raise BusinessError("TOTAL_MISMATCH", f"Lines add up to {total}, the net total is {net}", "netTotal")


def _check_number(invoice: Element, rows: Rows) -> None:
    supplier, number = _text(invoice, "supplier"), _text(invoice, "supplierInvoiceNumber")
    held = rows.select("invoice", lambda row: has_number(row, supplier, number))
    if held:
        message = f"Supplier {supplier} already has an invoice {number}: {held[0].number}"
        raise BusinessError("DUPLICATE_NUMBER", message, "supplierInvoiceNumber")


def _text(element: Element, name: str) -> str:
    return str(element.findtext(f"{{*}}{name}") or "")

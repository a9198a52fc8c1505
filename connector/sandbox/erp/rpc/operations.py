"""One function per operation of the sloppy ERP: the call's element in, the parts of the answer out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

from lxml.etree import _Element as Element

from connector.sandbox.erp.rows import Row, Rows
from connector.sandbox.erp.rpc.encoding import Part, array, copied, part
from connector.sandbox.erp.rpc.habits import RpcHabits

NUMBERS_WANTED = frozenset({"qty", "vat_rate", "unitprice", "total_net", "total_vat", "total", "status"})
CENT = Decimal("0.01")
KEYS = ("key", "dolibarrkey")


class RpcError(Exception):
    """A refusal: a result code and, often, an unhelpful label. Answered with HTTP 200."""

    def __init__(self, code: str, label: str = "") -> None:
        super().__init__(f"{code}: {label}")
        self.code = code
        self.label = label


class CrashError(Exception):
    """The interpreter behind the service died: HTTP 500 and not one byte of body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcDesk:
    """What an operation works with."""

    rows: Rows
    habits: RpcHabits
    now: datetime


RpcOperation: TypeAlias = Callable[[RpcDesk, Element], list[Part]]


def check_credentials(habits: RpcHabits, call: Element) -> None:
    """Let a call pass.

    Raises: RpcError.
    """
    given = call.find("{*}authentication")
    key = next((_text(given, name) for name in KEYS if _text(given, name)), "")
    if key != habits.key:
        raise RpcError("BAD_VALUE_FOR_SECURITY_KEY", "Value provided into the key entry does not match")
    if (_text(given, "login"), _text(given, "password")) != (habits.login, habits.password):
        raise RpcError("BAD_CREDENTIALS", "Bad value for login or password")


def check_numbers(call: Element) -> None:
    """Die of a word where a number is computed with.

    Raises: CrashError.
    """
    for element in call.iter("{*}*"):
        text = (element.text or "").strip()
        if element.tag.rpartition("}")[2] in NUMBERS_WANTED and text and not _is_number(text):
            raise CrashError(element.tag)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _create(kind: str) -> RpcOperation:
    def create(desk: RpcDesk, call: Element) -> list[Part]:
        content = call.find(f"{{*}}{kind}")
        party = _text(content, "thirdparty_id")
        if not party or (desk.habits.parties is not None and party not in desk.habits.parties):
            raise RpcError(
                "KO", f"Cannot add or update a child row: a foreign key fails (`fk_soc` = '{party}')"
            )
        row = desk.rows.create(kind, content, key=_text(content, "ref_ext"), fiscal_year=0, now=desk.now)
        return [part("id", row.number), part("ref", _draft_number(row))]

    return create


def _get(kind: str) -> RpcOperation:
    def get(desk: RpcDesk, call: Element) -> list[Part]:
        named = {name: _text(call, name) for name in ("id", "ref", "ref_ext") if _text(call, name)}
        if len(named) != 1:
            raise RpcError("BAD_PARAMETERS", "Exactly one of id, ref and ref_ext must be given")

        def fits(row: Row) -> bool:
            held = {"id": row.number, "ref": _draft_number(row), "ref_ext": row.key}
            return named.items() <= held.items() and row.created_at + desk.habits.lag <= desk.now

        rows = desk.rows.select(kind, fits)
        if not rows:
            raise RpcError("NOT_FOUND", f"Object not found for {named}")
        return [_shown(rows[0], kind)]  # of several, the first, without a word about the others

    return get


def _invoices_of_party(desk: RpcDesk, call: Element) -> list[Part]:
    party = _text(call, "idthirdparty")
    if not party:
        raise RpcError("BAD_PARAMETERS", "Parameter id is not provided")
    rows = desk.rows.select(
        "invoice",
        lambda row: row.text("thirdparty_id") == party and row.created_at + desk.habits.lag <= desk.now,
    )
    return [array("invoices", "invoice", [_shown(row, "item") for row in rows])]


def _update_invoice(desk: RpcDesk, call: Element) -> list[Part]:
    content = call.find("{*}invoice")
    row = desk.rows.get("invoice", _text(content, "id"), 0)
    if row is None:
        raise RpcError("NOT_FOUND", "Invoice not found")
    if _text(content, "status") == "1":
        _validate(desk, row)
    return [part("id", row.number), part("ref", _draft_number(row)), part("ref_ext", row.key)]


def _validate_order(desk: RpcDesk, call: Element) -> list[Part]:
    row = desk.rows.get("order", _text(call, "id"), 0)
    if row is None:
        raise RpcError("NOT_FOUND", "Order not found")
    _validate(desk, row)
    return []


def _validate(desk: RpcDesk, row: Row) -> None:
    if not desk.habits.updates_do_nothing and not row.posted:
        desk.rows.post(row)


def _shown(row: Row, name: str) -> Part:
    own = {
        "id": row.number,
        "ref": _draft_number(row),
        "status": str(int(row.posted)),
        **_totals(row.element),
    }
    return copied(name, row.kind, row.element, own, created=row.created_at)


def _totals(content: Element) -> dict[str, str]:
    """Give the totals as this ERP computes them, from its lines alone; those that were sent are forgotten."""
    net = vat = Decimal(0)
    for line in content.findall("{*}lines/*"):
        quantity, price, rate = (Decimal(_text(line, name) or 0) for name in ("qty", "unitprice", "vat_rate"))
        amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        net += amount
        vat += (amount * rate / 100).quantize(CENT, ROUND_HALF_UP)
    return {"total_net": str(net), "total_vat": str(vat), "total": str(net + vat)}


def _draft_number(row: Row) -> str:
    return f"(PROV{row.number})"


def _text(element: Element | None, name: str) -> str:
    return "" if element is None else str(element.findtext(f"{{*}}{name}") or "").strip()


RPC_OPERATIONS: Mapping[str, RpcOperation] = {
    "createInvoice": _create("invoice"),
    "getInvoice": _get("invoice"),
    "getInvoicesForThirdParty": _invoices_of_party,
    "updateInvoice": _update_invoice,
    "createOrder": _create("order"),
    "getOrder": _get("order"),
    "validOrder": _validate_order,
}
"""By the name of the call's element."""

"""How an ERP behaves: what it knows, how slow it is, what it refuses. Changeable while it serves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

Login: TypeAlias = Literal["none", "basic", "wsse", "session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """None stands for "any" in collections and for "no limit" elsewhere."""

    login: Login = "none"
    user: str = "erp-user"
    password: str = "erp-password"  # noqa: S105 for a server on loopback
    wsse_timestamp: bool = False  # refuse a token without a fresh wsu:Timestamp
    session_lifetime: timedelta = timedelta(minutes=10)

    suppliers: Collection[str] | None = None
    accounts: Collection[str] | None = None
    closed_before: date | None = None  # invoices of earlier dates are refused
    locked_suppliers: Collection[str] = ()  # refused while somebody else has them open
    unique_numbers: bool = False  # a supplier's invoice number is refused the second time
    totals_agree: bool = True  # lines must add up to netTotal

    lag: timedelta = timedelta(0)  # a new row is not found before
    work_seconds: float = 0.0  # a call takes as long, and its effect comes at the end
    concurrency: int | None = None  # further calls are refused with a fault
    database_off: bool = False  # every call is a fault, nothing is stored
    fail_after_save: bool = False  # a create stores its row and then reports an error

"""How the sloppy ERP behaves. Changeable while it serves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcHabits:
    """The key, login and password come in the body of every call."""

    key: str = "sandbox-key"
    login: str = "erp-user"
    password: str = "erp-password"  # noqa: S105 for a server on loopback
    parties: Collection[str] | None = None  # None: every third party is known

    lag: timedelta = timedelta(0)  # a new row is not found before
    work_seconds: float = 0.0  # a call takes as long, and its effect comes at the end
    updates_do_nothing: bool = False  # a status is answered OK and stays what it was
    empty_labels: bool = False  # errors without a word of explanation
    database_off: bool = False  # every request is answered 202 with a page, ?wsdl too
    module_off: bool = False  # every request is answered 200 with a sentence

"""What people let the connector find out, kept for a while: comparisons, checks of connections."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from connector.ledger.console_tables import report
from connector.ledger.database import Database

KEPT = 100  # of a kind; the oldest go

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """One report without what it found."""

    id: int
    kind: str
    subject: str
    at: datetime
    actor: str
    problems: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report. What it found is JSON as it was made: numbers are Decimal or int, times are text."""

    head: ReportHead
    found: Any


class ReportStore:
    """Each method is one transaction.

    What was found holds contents of documents: it is encrypted where documents are.
    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, kind: str, subject: str, at: datetime, actor: str, problems: int, found: object) -> int:
        """Keep one; give its number."""
        values = {"kind": kind, "subject": subject, "at": at, "actor": actor, "problems": problems}
        with self._database.write() as connection:
            new = insert(report).values(**values, found=_ENCODER.encode(found)).returning(report.c.id)
            number: int = connection.execute(new).scalar_one()
            is_kind = report.c.kind == kind
            kept = select(report.c.id).where(is_kind).order_by(report.c.id.desc()).limit(KEPT)
            connection.execute(delete(report).where(is_kind, report.c.id.not_in(kept.scalar_subquery())))
        return number

    def latest(self, kind: str, limit: int) -> tuple[ReportHead, ...]:
        """Give the newest of a kind, newest first."""
        columns = [report.c[name] for name in ReportHead.__dataclass_fields__]
        statement = select(*columns).where(report.c.kind == kind).order_by(report.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(ReportHead(**dict(row)) for row in connection.execute(statement).mappings())

    def get(self, kind: str, number: int) -> Report | None:
        """Give one; None when it is not kept (any more)."""
        statement = select(report).where(report.c.kind == kind, report.c.id == number)
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().first()
        if row is None:
            return None
        head = ReportHead(**{name: row[name] for name in ReportHead.__dataclass_fields__})
        return Report(head=head, found=_DECODER.decode(row["found"]))

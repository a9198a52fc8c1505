"""A Docflo that lists documents and takes write-backs: what the job needs, and nothing else."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from benchmarks.job.documents import make_invoices
from benchmarks.job.emulator import decode, encode
from connector.sandbox.docflo.document import timestamp

_FIELDS = b"/docs/v1/document/fields/"
_INFO = b"/docs/v1/document/info/"
_BY_ID = b"/docs/v1/document/byId/"
_DONE = b'{"success":true}'


class DocfloEmulator:
    """Documents by id, and by status in the order of their creation. Those of the future are not shown."""

    def __init__(self, count: int, *, begin: datetime, step: timedelta) -> None:
        """One document is created each `step`."""
        invoices = make_invoices(count, begin=begin, step=step)
        self._invoices = {each.id: each for each in invoices}
        self._listed: dict[str, list[tuple[str, str]]] = {
            "APPROVED": [(each.created_on, each.id) for each in invoices]
        }

    def answer(self, method: bytes, target: bytes, body: bytes) -> tuple[str, bytes]:  # noqa: ARG002 its address says it
        """Answer as the API page says."""
        if target.startswith(_FIELDS):
            return "update_fields", self._set_fields(target[len(_FIELDS) :].decode(), decode(body)["fields"])
        if target.startswith(_INFO):
            return "update_status", self._set_status(target[len(_INFO) :].decode(), decode(body)["status"])
        if target.startswith(_BY_ID):
            return "document", self._invoices[target[len(_BY_ID) :].decode()].row()
        return "list", self._list(dict(parse_qsl(target.partition(b"?")[2].decode())))

    def report(self) -> Mapping[str, Any]:
        """Give how many documents have each status."""
        return {"states": {status: len(listed) for status, listed in self._listed.items()}}

    def contents(self) -> Mapping[str, Any]:
        """Give what should be in Salesforce of each document, and what came back of it."""
        return {
            each.id: {
                "total": str(each.total),
                "lines": each.lines,
                "lines_total": str(each.lines_total),
                "record_id": each.record_id,
                "writes": (each.field_writes, each.status_writes),
                "waited": each.waited,
            }
            for each in self._invoices.values()
        }

    def _list(self, query: Mapping[str, str]) -> bytes:
        listed = self._listed.get(query.get("status", "APPROVED"), [])
        latest = min(query.get("createdTo", "~"), timestamp(datetime.now(UTC)))
        first = bisect_left(listed, (query.get("createdFrom", ""), ""))
        last = bisect_right(listed, (latest, "~"))
        skip, top = int(query.get("skip", 0)), int(query.get("top", 10))
        if query.get("sortOrder") == "asc":
            page = listed[first + skip : min(last, first + skip + top)]
        else:
            page = listed[max(first, last - skip - top) : max(first, last - skip)][::-1]
        rows = b",".join([self._invoices[identifier].row() for _, identifier in page])
        return b'{"documents":[%b],"total":%d}' % (rows, last - first)

    def _set_fields(self, identifier: str, fields: Mapping[str, Any]) -> bytes:
        invoice = self._invoices[identifier]
        invoice.field_writes += 1
        invoice.record_id = fields["ErpId"]
        invoice.written = b"".join(
            b',%b:{"type":"string","value":%b}' % (encode(name), encode(value))
            for name, value in fields.items()
        )
        return _DONE

    def _set_status(self, identifier: str, status: str) -> bytes:
        invoice = self._invoices[identifier]
        invoice.status_writes += 1
        place = (invoice.created_on, identifier)
        before = self._listed[invoice.status]
        del before[bisect_left(before, place)]
        after = self._listed.setdefault(status, [])
        after.insert(bisect_left(after, place), place)
        invoice.status = status
        created = datetime.fromisoformat(invoice.created_on)
        invoice.waited = (datetime.now(UTC) - created).total_seconds()
        return _DONE

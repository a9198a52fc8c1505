"""A Salesforce that takes composite graphs and single upserts: what the job needs, and nothing else."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from benchmarks.job.emulator import encode

HEADER, LINE = "Invoice__c", "Invoice_Line__c"
HEADER_KEY, LINE_KEY = "Docflo_Id__c", "Docflo_Key__c"

TEXTS = (
    *("Number__c", "Vendor_Name__c", "Vendor_Tax_Id__c", "CurrencyIsoCode", "PO_Number__c", "Label__c"),
    *("Month__c", "Size__c", "Vendor_Code__c", "Description__c", "Product_Code__c", "Unit__c"),
)
NUMBERS = (
    *("Subtotal__c", "Tax__c", "Total__c", "Lines__c", "Tax_Rate__c", "Largest_Line__c"),
    *("Quantity__c", "Unit_Price__c", "Amount__c"),
)
_DATES = ("Date__c", "Due_Date__c")
_TEXT = re.compile(r"'([^']*)'")


class _Body(msgspec.Struct):
    total: Decimal | None = msgspec.field(name="Total__c", default=None)
    amount: Decimal | None = msgspec.field(name="Amount__c", default=None)
    header: str | None = msgspec.field(name="Invoice__c", default=None)


class _Node(msgspec.Struct, rename="camel"):
    method: str
    url: str
    reference_id: str
    body: _Body = msgspec.field(default_factory=_Body)


class _Graph(msgspec.Struct, rename="camel"):
    graph_id: str
    composite_request: list[_Node]


class _Call(msgspec.Struct):
    graphs: list[_Graph]


_read_call = msgspec.json.Decoder(_Call).decode
_read_body = msgspec.json.Decoder(_Body).decode


@dataclass(slots=True, kw_only=True)
class _Header:
    id: str
    total: Decimal
    writes: int = 0
    lines: dict[str, tuple[str, Decimal]] = field(default_factory=dict)  # key -> id and amount


class SalesforceEmulator:
    """Headers by key, each with its lines by key."""

    def __init__(self) -> None:
        self._headers: dict[str, _Header] = {}
        self._by_id: dict[str, _Header] = {}
        self._ids = itertools.count(1)

    def answer(self, method: bytes, target: bytes, body: bytes) -> tuple[str, bytes]:
        """Answer as the REST API does."""
        path, _, query = target.decode().partition("?")
        match path.split("/")[4:]:  # after /services/data/v66.0
            case ["composite", "graph"]:
                return "graph", self._graphs(_read_call(body))
            case ["query"]:
                return "query", self._query(parse_qs(query)["q"][0])
            case ["sobjects", name, "describe"]:
                return "describe", encode(_described(name))
            case ["sobjects", name, _, key] if method == b"PATCH":
                return "upsert", encode(self._upsert(name, unquote(key), _read_body(body), None))
            case _:
                token = {"access_token": "token", "instance_url": "http://127.0.0.1", "token_type": "Bearer"}
                return "login", encode(token)

    def report(self) -> Mapping[str, Any]:
        """Give how many records there are."""
        return {"records": len(self._headers) + sum(len(each.lines) for each in self._headers.values())}

    def contents(self) -> Mapping[str, Any]:
        """Give what is there of each document, by its id: every key ends with that."""
        found: dict[str, Any] = {}
        for key, header in self._headers.items():
            told = {
                "id": header.id,
                "total": str(header.total),
                "writes": header.writes,
                "lines": len(header.lines),
                "lines_total": str(sum((amount for _, amount in header.lines.values()), Decimal())),
            }
            found.setdefault(key.rpartition(":")[2], []).append(told)
        return found

    def _graphs(self, call: _Call) -> bytes:
        return encode({"graphs": [self._graph(graph) for graph in call.graphs]})

    def _graph(self, graph: _Graph) -> dict[str, Any]:
        ids: dict[str, str] = {}
        answers = []
        for node in graph.composite_request:
            _, name, _, key = node.url.rsplit("/", 3)
            body = self._upsert(name, unquote(key), node.body, ids)
            ids[node.reference_id] = body["id"]
            status = 201 if body["created"] else 200
            answers.append(
                {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": node.reference_id}
            )
        response = {"compositeResponse": answers}
        return {"graphId": graph.graph_id, "graphResponse": response, "isSuccessful": True}

    def _upsert(self, name: str, key: str, body: _Body, ids: Mapping[str, str] | None) -> dict[str, Any]:
        if name == HEADER:
            identifier, created = self._header(key, body)
        else:
            identifier, created = self._line(key, body, ids or {})
        return {"id": identifier, "success": True, "created": created, "errors": []}

    def _header(self, key: str, body: _Body) -> tuple[str, bool]:
        there = self._headers.get(key)
        header = there or _Header(id=self._new_id("a00"), total=Decimal())
        header.total = body.total if body.total is not None else Decimal()
        header.writes += 1
        self._headers[key] = self._by_id[header.id] = header
        return header.id, there is None

    def _line(self, key: str, body: _Body, ids: Mapping[str, str]) -> tuple[str, bool]:
        reference = body.header or ""
        header = self._by_id[ids.get(reference.removeprefix("@{").removesuffix(".id}"), reference)]
        there = header.lines.get(key)
        identifier = there[0] if there else self._new_id("a01")
        header.lines[key] = (identifier, body.amount if body.amount is not None else Decimal())
        return identifier, there is None

    def _query(self, soql: str) -> bytes:
        rows = [
            {"Id": identifier, LINE_KEY: line_key, "Invoice__r": {HEADER_KEY: key}}
            for key in _TEXT.findall(soql)
            if key in self._headers
            for line_key, (identifier, _) in self._headers[key].lines.items()
        ]
        return encode({"totalSize": len(rows), "done": True, "records": rows})

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids):012d}AAA"


def _described(name: str) -> dict[str, Any]:
    key = HEADER_KEY if name == HEADER else LINE_KEY
    numbers = {"type": "double", "precision": 18, "scale": 6}
    reference = {"type": "reference", "referenceTo": [HEADER], "relationshipName": "Invoice__r"}
    fields = [
        _field("Id", {"type": "id", "createable": False, "updateable": False}),
        _field(key, {"type": "string", "length": 255, "externalId": True, "unique": True}),
        *(_field(each, {"type": "string", "length": 255}) for each in TEXTS),
        *(_field(each, numbers) for each in NUMBERS),
        *(_field(each, {"type": "date"}) for each in _DATES),
        *([_field("Invoice__c", reference)] if name == LINE else []),
    ]
    return {"name": name, "createable": True, "updateable": True, "deletable": True, "fields": fields}


def _field(name: str, more: Mapping[str, Any]) -> dict[str, Any]:
    usual = {"createable": True, "updateable": True, "nillable": True, "defaultedOnCreate": False}
    return {"name": name, **usual, **more}

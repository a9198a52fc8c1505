"""The bare job by hand, with aiohttp: no ledger, no retries, no second look. What a fast script would cost.

It reads every page first, because its own write-backs would move the pages; then as many tasks as the
connector has workers send graphs and write back. It is told where everything is on the command line, and
prints what it used as JSON.
"""

import asyncio
import json
import resource
import sys
import time
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

MOST_NODES = 500
MOST_GRAPHS = 75
PAGE = 100
VERSION = "v66.0"
PREFIX = "tenant:floor"

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_JSON = {"Content-Type": "application/json"}


def header_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of the header that are there."""
    value = {name: field["value"] for name, field in fields.items()}
    total, tax, net = value["InvoiceTotal"], value["TotalTax"]["amount"], value["SubTotal"]["amount"]
    items = value["Items"]
    wanted = {
        "Number__c": value["InvoiceId"],
        "Vendor_Name__c": value["VendorName"],
        "Vendor_Tax_Id__c": value.get("VendorTaxId"),
        "Date__c": value["InvoiceDate"],
        "Due_Date__c": value.get("DueDate"),
        "CurrencyIsoCode": total["currencyCode"],
        "Subtotal__c": net,
        "Tax__c": tax,
        "Total__c": total["amount"],
        "PO_Number__c": value.get("PurchaseOrder"),
        "Lines__c": len(items),
        "Largest_Line__c": max(row["Amount"]["value"]["amount"] for row in items),
        "Tax_Rate__c": round(Decimal(tax) / net, 4) if net else 0,
        "Size__c": "High" if total["amount"] > 10000 else "Normal",  # noqa: PLR2004 as in the mapping
        "Vendor_Code__c": value["VendorName"].upper(),
        "Month__c": value["InvoiceDate"][:7],
        "Label__c": f"{value['InvoiceId']} {value['VendorName']}",
    }
    return {name: found for name, found in wanted.items() if found is not None}


def line_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a line that are there."""
    amount = row["Amount"]["value"]
    wanted = {
        "Description__c": row["Description"]["value"],
        "Product_Code__c": row["ProductCode"]["value"] if "ProductCode" in row else None,
        "Quantity__c": row["Quantity"]["value"],
        "Unit__c": row["Unit"]["value"],
        "Unit_Price__c": row["UnitPrice"]["value"]["amount"],
        "Tax__c": row["Tax"]["value"]["amount"],
        "Amount__c": amount["amount"],
        "CurrencyIsoCode": amount["currencyCode"],
        "Invoice__c": "@{header.id}",
    }
    return {name: found for name, found in wanted.items() if found is not None}


def graph_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the nodes of one document."""
    fields, key = document["results"], f"{PREFIX}:{document['_id']}"
    root = f"/services/data/{VERSION}/sobjects"
    header = {
        "method": "PATCH",
        "url": f"{root}/Invoice__c/Docflo_Id__c/{key}",
        "referenceId": "header",
        "body": header_of(fields),
    }
    lines = [
        {
            "method": "PATCH",
            "url": f"{root}/Invoice_Line__c/Docflo_Key__c/{key}:{row['_id']}",
            "referenceId": f"line{place}",
            "body": line_of(row),
        }
        for place, row in enumerate(fields["Items"]["value"])
    ]
    return [header, *lines]


def packs(documents: list[Any]) -> deque[list[tuple[str, Any]]]:
    """Share documents out over as few calls as the limits allow."""
    calls: deque[list[tuple[str, Any]]] = deque([[]])
    nodes = 0
    for document in documents:
        graph = graph_of(document)
        if nodes + len(graph) > MOST_NODES or len(calls[-1]) == MOST_GRAPHS:
            calls.append([])
            nodes = 0
        calls[-1].append((document["_id"], graph))
        nodes += len(graph)
    return calls


class Script:
    """One run."""

    def __init__(self, docflo: str, salesforce: str, session: aiohttp.ClientSession) -> None:
        self._docflo, self._salesforce, self._session = docflo, salesforce, session
        self._calls: deque[list[tuple[str, Any]]] = deque()
        self._written: deque[tuple[str, str]] = deque()
        self._left = 0  # documents

    async def run(self, tasks: int) -> None:
        """Do all of it."""
        documents = await self._read()
        self._left = len(documents)
        self._calls = packs(documents)
        await asyncio.gather(*(self._work() for _ in range(tasks)))

    async def _read(self) -> list[Any]:
        documents: list[Any] = []
        query = {"status": "APPROVED", "type": "invoice", "includeResults": "true", "top": str(PAGE)}
        while True:
            params = {**query, "skip": str(len(documents)), "sortBy": "createdOn", "sortOrder": "asc"}
            async with self._session.get(f"{self._docflo}/docs/v1/document", params=params) as answer:
                page = _decode(await answer.read())["documents"]
            if not page:
                return documents
            documents += page

    async def _work(self) -> None:
        while self._left:
            if self._written:
                await self._write_back(*self._written.popleft())
                self._left -= 1
            elif self._calls:
                await self._send(self._calls.popleft())
            else:
                await asyncio.sleep(0.001)

    async def _send(self, call: list[tuple[str, Any]]) -> None:
        graphs = [{"graphId": f"g{at}", "compositeRequest": graph} for at, (_, graph) in enumerate(call)]
        url = f"{self._salesforce}/services/data/{VERSION}/composite/graph"
        async with self._session.post(url, data=_encode({"graphs": graphs}), headers=_JSON) as answer:
            results = _decode(await answer.read())["graphs"]
        for (identifier, _), result in zip(call, results, strict=True):
            header = result["graphResponse"]["compositeResponse"][0]
            self._written.append((identifier, header["body"]["id"]))

    async def _write_back(self, identifier: str, record_id: str) -> None:
        fields = {"fields": {"ErpId": record_id, "ErpUrl": f"https://crm/{record_id}"}}
        for part, body in (("fields", fields), ("info", {"status": "CONFIRMED"})):
            url = f"{self._docflo}/docs/v1/document/{part}/{identifier}"
            async with self._session.patch(url, data=_encode(body), headers=_JSON) as answer:
                await answer.read()


async def _main(docflo: str, salesforce: str, tasks: int) -> None:
    connections = aiohttp.TCPConnector(limit=tasks)
    async with aiohttp.ClientSession(connector=connections, auto_decompress=False) as session:
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        await Script(docflo, salesforce, session).run(tasks)
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(json.dumps({"cpu": cpu, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

"""Calls a second and processor time per call for an invoice of 40 lines, beside plain zeep in the same run.

Both send the same invoice to the same server, which answers every call with the same success. Plain zeep
builds the message from Python values, sends it with requests and reads the reply by the schema's types. Ours
takes the record through a profile, checks every value against the schema, builds with zeep, sends over its
own wire and judges the raw reply. The messages are compared before anything is timed.
Run: python -m benchmarks.soap [--calls 150] [--rounds 5]
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

import requests
import zeep
from lxml import etree

from connector.adapters.soap.adapter import SoapAdapter
from connector.adapters.soap.settings import SoapSettings
from connector.clock import utc_now
from connector.record import Line, Receipt, Record, RecordValue

LINES = 40
GOAL = 1.30
WSDL = Path(__file__).parents[1] / "connector" / "sandbox" / "erp" / "wsdl" / "erp.wsdl"
BINDING = "{urn:sandbox-erp:service}PurchasingSoap"
REPLY = b"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<m:CreateVendorInvoiceResponse xmlns:m="urn:sandbox-erp:messages"><m:result>
<c:code xmlns:c="urn:sandbox-erp:common">OK</c:code>
<c:severity xmlns:c="urn:sandbox-erp:common">Success</c:severity></m:result>
<m:id><p:number xmlns:p="urn:sandbox-erp:purchasing">VI-1</p:number>
<p:fiscalYear xmlns:p="urn:sandbox-erp:purchasing">2026</p:fiscalYear></m:id>
</m:CreateVendorInvoiceResponse></s:Body></s:Envelope>"""

PROFILE = f"""
version: 1
record: {{object: Invoice}}
wsdl: {{file: {WSDL}}}
binding: {{address: "${{settings.address}}"}}
ns: {{m: "urn:sandbox-erp:messages", c: "urn:sandbox-erp:common", p: "urn:sandbox-erp:purchasing"}}
settings: {{address: where the server is}}
idempotency: {{class: native}}
steps:
  - operation: CreateVendorInvoice
    body:
      invoice:
        ourReference: ${{key}}
        supplier: ${{record.Supplier}}
        supplierInvoiceNumber: ${{record.Number}}
        kind: Invoice
        invoiceDate: ${{record.Date}}
        dueDate: ${{record.Due}}
        currency: ${{record.Currency}}
        netTotal: ${{record.Net}}
        grossTotal: ${{record.Total}}
        lines:
          line:
            $each: record.Line
            lineNumber: ${{line.@position}}
            account: ${{line.Account}}
            description: ${{line.Text | cut(100)}}
            quantity: ${{line.Quantity}}
            unit: ${{line.Unit}}
            unitPrice: ${{line.Price}}
            amount: ${{line.Amount}}
            taxCode: ${{line.Tax}}
    outcome:
      - {{when: "//m:result/c:severity[.='Success']", is: delivered}}
    record_id: [//m:id/p:number, //m:id/p:fiscalYear]
"""


def serve(parent: Connection) -> None:
    """Answer every call with the same success, in a process of its own. Keeps the last message."""
    last = [b""]

    class Http(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            last[0] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(REPLY)))
            self.end_headers()
            self.wfile.write(REPLY)

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(last[0])))
            self.end_headers()
            self.wfile.write(last[0])

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    parent.send(server.server_port)
    server.serve_forever()


def record() -> Record:
    """Give an invoice of 40 lines."""
    fields: dict[str, RecordValue] = {
        "Supplier": "V100",
        "Number": "R-1",
        "Date": date(2026, 10, 1),
        "Due": date(2026, 10, 31),
    }
    lines = tuple(
        Line(
            object="Line",
            key_field="Key",
            key=f"tenant:bench:1:{at}",
            fields={
                "Account": "6000",
                "Text": f"Paper of kind {at}",
                "Quantity": Decimal("2.5"),
                "Unit": "box",
                "Price": Decimal("12.40"),
                "Amount": Decimal("31.00"),
                "Tax": "V19",
            },
        )
        for at in range(LINES)
    )
    amounts: dict[str, RecordValue] = {
        "Currency": "EUR",
        "Net": Decimal("1240.00"),
        "Total": Decimal("1475.60"),
    }
    return Record(
        object="Invoice", key_field="Key", key="tenant:bench:1", fields={**fields, **amounts}, lines=lines
    )


def plain_zeep(address: str) -> Callable[[], object]:
    """Give one call of plain zeep, with the same values."""
    transport = zeep.Transport(session=requests.Session(), operation_timeout=30)
    client = zeep.Client(str(WSDL), transport=transport)
    service = client.create_service(BINDING, address)
    made = record()
    head = made.fields

    def call() -> object:
        lines = [
            {
                "lineNumber": at,
                "account": line.fields["Account"],
                "description": str(line.fields["Text"])[:100],
                "quantity": line.fields["Quantity"],
                "unit": line.fields["Unit"],
                "unitPrice": line.fields["Price"],
                "amount": line.fields["Amount"],
                "taxCode": line.fields["Tax"],
            }
            for at, line in enumerate(made.lines, start=1)
        ]
        invoice = {
            "ourReference": made.key,
            "supplier": head["Supplier"],
            "supplierInvoiceNumber": head["Number"],
            "kind": "Invoice",
            "invoiceDate": head["Date"],
            "dueDate": head["Due"],
            "currency": head["Currency"],
            "netTotal": head["Net"],
            "grossTotal": head["Total"],
            "lines": {"line": lines},
        }
        answer = service.CreateVendorInvoice(invoice=invoice)
        if answer.id.number != "VI-1":
            raise AssertionError(answer)
        return answer

    return call


def ours(folder: Path, address: str) -> Callable[[], object]:
    """Give one delivery through a profile."""
    (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    settings = SoapSettings(adapter="soap", profile=folder / "profile.yaml", settings={"address": address})
    adapter = SoapAdapter(settings, clock=utc_now)
    made = record()

    def call() -> object:
        [outcome] = adapter.deliver([made])
        if not isinstance(outcome, Receipt) or outcome.id != "VI-1/2026":
            raise AssertionError(outcome)
        return outcome

    return call


def measure(call: Callable[[], object], calls: int) -> tuple[float, float]:
    """Give seconds of processor and of the clock per call."""
    wall, used = time.perf_counter(), time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - used) / calls, (time.perf_counter() - wall) / calls


def compare(first: Callable[[], object], second: Callable[[], object], address: str) -> None:
    """Refuse to time two messages that are not the same."""
    seen = []
    for call in (first, second):
        call()
        sent = requests.get(address, timeout=10).content
        seen.append(etree.tostring(etree.fromstring(sent), method="c14n2", strip_text=True))
    if seen[0] != seen[1]:
        message = "the two messages are not the same"
        raise AssertionError(message)


def main() -> None:
    """Run both in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    parent, child = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(child,), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{parent.recv()}/"
    try:
        with tempfile.TemporaryDirectory() as folder:
            engines = {"zeep": plain_zeep(address), "ours": ours(Path(folder), address)}
            compare(engines["zeep"], engines["ours"], address)
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
            for _ in range(wanted.rounds):
                for name, call in engines.items():
                    times[name].append(measure(call, wanted.calls))
        _print(times)
    finally:
        with suppress(OSError):
            server.terminate()
        server.join()


def _print(times: dict[str, list[tuple[float, float]]]) -> None:
    used = {name: [each[0] for each in rounds] for name, rounds in times.items()}
    for name, rounds in times.items():
        cpu = [each * 1000 for each in used[name]]
        rate = 1 / statistics.median(each[1] for each in rounds)
        median = f"{statistics.median(cpu):.2f} ms ({min(cpu):.2f} to {max(cpu):.2f})"
        _say(f"soap {name}: {median} of processor a call, {rate:.0f} calls a second")
    ratio = statistics.median(used["ours"]) / statistics.median(used["zeep"])
    _say(f"soap: ours takes {ratio:.2f} times what plain zeep takes; the goal is {GOAL:.2f} at most")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()

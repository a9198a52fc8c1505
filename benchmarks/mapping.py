"""Documents a second through a mapping, beside jmespath and Jinja2 making the same fields. One core.

Each engine is given the document as it works with it best: ours the document as `docflo.wire` reads it, the
others the decoded JSON, so that none pays for unwrapping. All results are compared before anything is timed.
Run: python -m benchmarks.mapping [--seconds 2] [--rounds 5]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jmespath
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jmespath import functions

from connector.docflo.wire import read_document
from connector.mapping.apply import apply_mapping
from connector.mapping.load import load_mapping

LINES = 40

HEADER = {
    "Number": "InvoiceId",
    "Vendor": "VendorName",
    "Vendor_Tax_Id": "VendorTaxId",
    "Customer": "CustomerName",
    "Issued": "InvoiceDate",
    "Due": "DueDate",
    "Order": "PurchaseOrder",
    "Terms": "PaymentTerm",
    "Currency": "InvoiceTotal.currencyCode",
    "Subtotal": "SubTotal.amount",
    "Tax": "TotalTax.amount",
    "Discount": "TotalDiscount.amount",
    "Total": "InvoiceTotal.amount",
    "Open": "AmountDue.amount",
}
LINE = {
    "Description": "Description",
    "Code": "ProductCode",
    "Quantity": "Quantity",
    "Unit": "Unit",
    "Price": "UnitPrice.amount",
    "Tax": "Tax.amount",
    "Amount": "Amount.amount",
    "Currency": "Amount.currencyCode",
}
COMPUTED = {
    "Title": ('VendorName + " " + InvoiceId', "join(' ', [VendorName.value, InvoiceId.value])"),
    "Priority": (
        '"High" if InvoiceTotal.amount > 10000 else "Normal"',
        "pick(InvoiceTotal.value.amount > `10000`)",
    ),
    "Lines_Total": (
        "sum(i.Amount.amount for i in Items)",
        "add(Items.value[].Amount.value.amount)",
    ),
}
"""Field -> expression of ours, which Jinja2 is given in its own words below, and jmespath's."""

JINJA = {
    "Title": 'VendorName.value ~ " " ~ InvoiceId.value',
    "Priority": '"High" if InvoiceTotal.value.amount > 10000 else "Normal"',
    "Lines_Total": 'Items.value | map(attribute="Amount.value.amount") | sum',
}
_AMOUNTS = ("Subtotal", "Tax", "Discount", "Total", "Open", "Price", "Amount", "Quantity")


class Additions(functions.Functions):  # type: ignore[misc]  # jmespath has no types
    """What jmespath lacks for Decimals."""

    @functions.signature({"types": ["array"]})  # type: ignore[untyped-decorator]  # the same
    def _func_add(self, amounts: list[Decimal]) -> Decimal:
        return sum(amounts, Decimal(0))

    @functions.signature({"types": ["boolean", "null"]})  # type: ignore[untyped-decorator]  # the same
    def _func_pick(self, is_high: bool | None) -> str:  # noqa: FBT001 called by jmespath
        return "High" if is_high else "Normal"


def document() -> bytes:
    """Give an invoice of 40 lines as Docflo sends it."""

    def field(kind: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON
        return {"type": kind, "value": value, "confidence": Decimal("0.97"), "content": str(value)}

    def money(amount: str) -> dict[str, Any]:
        return field("currency", {"amount": Decimal(amount), "currencyCode": "EUR"})

    texts = ("VendorName", "VendorTaxId", "CustomerName", "PurchaseOrder", "PaymentTerm")
    fields = {name: field("string", f"{name} of Nordwind GmbH") for name in texts}
    fields |= {"InvoiceId": field("string", "INV-2026-0117")}
    fields |= {name: field("date", "2026-01-15") for name in ("InvoiceDate", "DueDate")}
    fields |= {name: money("8204.50") for name in ("SubTotal", "TotalTax", "TotalDiscount", "InvoiceTotal")}
    fields |= {"AmountDue": money("8204.50"), "Items": {"type": "array", "value": [], "confidence": 1}}
    for at in range(LINES):
        row = {name: field("string", f"{name} {at}") for name in ("Description", "ProductCode", "Unit")}
        row |= {"Quantity": field("number", Decimal("12.50"))}
        row |= {name: money(f"{at * 7 + 3}.{at:02}") for name in ("UnitPrice", "Tax", "Amount")}
        fields["Items"]["value"].append({"_id": f"65f0c1d2a4b3c2d1e0f9a{at:03}", **row})
    whole = {
        "_id": "65f0c0ffee",
        "type": "invoice",
        "status": "APPROVED",
        "createdOn": "2026-01-15T00:00:00Z",
    }
    return msgspec.json.Encoder(decimal_format="number").encode({**whole, "fields": fields})


def ours(raw: bytes, folder: Path) -> Callable[[], Any]:
    """Give the function that maps the document once, by a mapping file."""
    path = folder / "mapping.yaml"
    path.write_text(_mapping_text(), encoding="utf-8")
    mapping, read = load_mapping(path), read_document(raw)
    return lambda: apply_mapping(mapping, read, "benchmark")


def _mapping_text() -> str:
    def rules(fields: Mapping[str, str], indent: str) -> str:
        kinds = dict.fromkeys(_AMOUNTS, ", type: decimal") | {"Currency": ", type: currency"}
        kinds |= {"Issued": ", type: date", "Due": ", type: date"}
        return "".join(
            f"{indent}{name}: {{from: {path}{kinds.get(name, '')}}}\n" for name, path in fields.items()
        )

    computed = "".join(f"    {name}:\n      expr: '{pair[0]}'\n" for name, pair in COMPUTED.items())
    return (
        "version: 1\ndocument: invoice\nrecord:\n  object: Invoice\n  key: Key\n  fields:\n"
        f"{rules(HEADER, '    ')}{computed}"
        "  lines:\n    - object: Line\n      each: Items\n      key: Key\n      fields:\n"
        f"{rules(LINE, ' ' * 8)}"
        "examples:\n  - {name: none, document: {}, refused: missing}\n"
    )


def with_jmespath(raw: bytes) -> Callable[[], Any]:
    """Give the function that runs one compiled jmespath query."""
    fields = msgspec.json.Decoder(float_hook=Decimal).decode(raw)["fields"]

    def select(paths: Mapping[str, str]) -> str:
        return ", ".join(f"{name}: {_wrapped(path)}" for name, path in paths.items())

    computed = ", ".join(f"{name}: {pair[1]}" for name, pair in COMPUTED.items())
    query = jmespath.compile(f"{{{select(HEADER)}, {computed}, lines: Items.value[].{{{select(LINE)}}}}}")
    options = jmespath.Options(custom_functions=Additions())
    return lambda: query.search(fields, options)


def with_jinja(raw: bytes) -> Callable[[], Any]:
    """Give the function that runs one compiled Jinja2 expression for each field."""
    fields = msgspec.json.Decoder(float_hook=Decimal).decode(raw)["fields"]
    environment = ImmutableSandboxedEnvironment()
    sources = {**{name: _wrapped(path) for name, path in HEADER.items()}, **JINJA}
    header = {name: environment.compile_expression(text) for name, text in sources.items()}
    line = {name: environment.compile_expression(_wrapped(path)) for name, path in LINE.items()}

    def run() -> dict[str, Any]:
        made: dict[str, Any] = {name: expression(fields) for name, expression in header.items()}
        made["lines"] = [
            {name: expression(row) for name, expression in line.items()} for row in fields["Items"]["value"]
        ]
        return made

    return run


def _wrapped(path: str) -> str:
    name, dot, part = path.partition(".")
    return f"{name}.value{dot}{part}"


def _require_equal(record: Any, others: Mapping[str, Any]) -> None:  # noqa: ANN401 a record
    header = {name: str(value) for name, value in record.fields.items()}
    lines = [{name: str(value) for name, value in line.fields.items()} for line in record.lines]
    for name, made in others.items():
        theirs = {field: str(value) for field, value in made.items() if field != "lines"}
        rows = [{field: str(value) for field, value in row.items()} for row in made["lines"]]
        if (theirs, rows) != (header, lines):
            message = f"{name} made other values than the mapping"
            raise SystemExit(message)


def rate(run: Callable[[], Any], seconds: float) -> float:
    """Give runs a second of processor time: others on this machine do not count."""
    count, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        for _ in range(20):
            run()
        count += 20
    return count / (time.process_time() - begin)


def main() -> None:
    """Print ratios first, then documents a second: medians, with the lowest and the highest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    raw = document()
    with tempfile.TemporaryDirectory() as folder:
        engines = {
            "docflo-connector": ours(raw, Path(folder)),
            "jmespath": with_jmespath(raw),
            "jinja2": with_jinja(raw),
        }
        first, *others = engines
        _require_equal(engines[first](), {name: engines[name]() for name in others})
        # In turns: what disturbs the machine disturbs each of them.
        rates: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(chosen.rounds):
            for name, run in engines.items():
                rates[name].append(rate(run, chosen.seconds))
    fields = len(HEADER) + len(COMPUTED) + len(LINE)
    print(f"mapping: {LINES} lines, {fields} fields, one core, median of {chosen.rounds}")  # noqa: T201
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    for name in others:
        print(f"  {medians[first] / medians[name]:.1f} times {name}")  # noqa: T201
    for name, measured in rates.items():
        spread = f"{min(measured):,.0f} to {max(measured):,.0f}"
        print(f"  {name:17} {medians[name]:>7,.0f} documents/s ({spread})")  # noqa: T201


if __name__ == "__main__":
    main()

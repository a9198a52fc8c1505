"""The mapping of receipts to an ERP, delivered: what the sandbox ERP holds is what the documents say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

import pytest

from connector.adapters.base import Severity
from connector.adapters.soap.adapter import SoapAdapter
from connector.adapters.soap.settings import SoapSettings
from connector.cli.mapping_new import save, write_mapping
from connector.clock import utc_now
from connector.console.lab.job import Written
from connector.console.lab.unfilled import Descriptions, unfilled
from connector.docflo.answers import TypeField
from connector.docflo.fields import read_fields
from connector.document import Document
from connector.errors import MappingError
from connector.mapping.apply import apply_mapping
from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from connector.record import Receipt, Record
from connector.sandbox.docflo.generate import generate_fields
from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.server import SandboxServer
from connector.shipped_files import shipped

PROFILES = Path(__file__).parents[1] / "samples" / "soap"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def erp() -> Iterator[tuple[ErpSandbox, str]]:
    sandbox = ErpSandbox()
    sandbox.behave(login="session")
    with SandboxServer(sandbox.app) as server:
        yield sandbox, f"{server.url}{PATH}"


def connect(address: str, monkeypatch: pytest.MonkeyPatch) -> SoapAdapter:
    monkeypatch.setenv("ERP_USER", Habits().user)
    monkeypatch.setenv("ERP_PASSWORD", Habits().password)
    settings = SoapSettings.model_validate({
        "adapter": "soap",
        "profile": PROFILES / "receipt.yaml",
        "settings": {"address": address},
        "secrets": {"user": "${env:ERP_USER}", "password": "${env:ERP_PASSWORD}"},
    })  # fmt: skip
    return SoapAdapter(settings, clock=utc_now)


def records(mapping: Mapping) -> Iterator[Record]:
    """Give the records of documents that fit the mapping."""
    for place in count():
        fields = read_fields(generate_fields(mapping.document, f"seed {place}", NOON, place))
        document = Document(
            id=str(place), type=mapping.document, status="APPROVED", created_on=NOON, fields=fields
        )
        try:
            yield apply_mapping(mapping, document, f"tenant:pipeline:{place}")
        except MappingError:
            continue


def test_the_erp_holds_every_amount_of_the_documents(
    erp: tuple[ErpSandbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, address = erp
    rules = load_mapping(shipped("mappings") / "receipt-erp.yaml")
    sent = list(islice(records(rules), 8))
    adapter = connect(address, monkeypatch)

    outcomes = [adapter.deliver([record])[0] for record in sent]

    adapter.close()
    assert [type(outcome) for outcome in outcomes] == [Receipt] * len(sent), outcomes
    held = {row.key: row.element for row in sandbox.rows("receipt")}
    for record in sent:
        lines = held[record.key].findall("{*}lines/{*}line")
        assert [Decimal(line.findtext("{*}amount")) for line in lines] == [
            line.fields["amount"] for line in record.lines
        ]
        assert Decimal(held[record.key].findtext("{*}total")) == record.fields["total"]


def test_the_profile_takes_every_field_of_the_mapping(
    erp: tuple[ErpSandbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = connect(erp[1], monkeypatch)

    findings = adapter.check(load_mapping(shipped("mappings") / "receipt-erp.yaml").shapes())

    adapter.close()
    assert [finding.message for finding in findings if finding.severity is Severity.ERROR] == []


def test_a_mapping_is_proposed_from_what_the_profile_and_its_wsdl_say(
    erp: tuple[ErpSandbox, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adapter = connect(erp[1], monkeypatch)
    fields = (
        TypeField(name="MerchantName", type="string"),
        TypeField(name="Total", type="currency"),
        TypeField(
            name="Items",
            type="array",
            fields=(TypeField(name="Description", type="string"), TypeField(name="Amount", type="currency")),
        ),
    )

    written = write_mapping("receipt", fields, adapter.describe("Receipt"), "erp:Receipt", [])

    adapter.close()
    path = tmp_path / "proposed.yaml"
    save(written, path)
    proposed = load_mapping(path)
    assert run_examples(proposed) == ()
    assert (proposed.record.key_field, proposed.record.lines[0].parent_field) == ("ourReference", None)
    rules = {rule.target: rule.reads() for rule in proposed.record.fields}
    assert rules["total"] == ("Total.amount",)
    assert rules["merchant"] == ("MerchantName",)
    assert written.proposal.unmapped_required == ("Receipt.paidAt",)


def test_what_the_profile_sends_and_no_rule_fills_is_told_with_what_the_wsdl_requires(
    erp: tuple[ErpSandbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = connect(erp[1], monkeypatch)
    descriptions = Descriptions(lambda _target, name: adapter.describe(name), clock=utc_now)
    writes = (
        Written(object="Receipt", fields=("ourReference", "merchant", "total")),
        Written(object="ReceiptLine", fields=("description",)),
    )

    receipt, line = unfilled(writes, "erp", descriptions)

    adapter.close()
    assert "paidAt" in {each.name for each in receipt.required}
    assert {"merchant", "total", "ourReference"}.isdisjoint(each.name for each in receipt.required)
    assert [each.name for each in line.others] == ["quantity", "amount"]

"""`selftest --crash-matrix` on pipelines and mappings of a user's own."""

from pathlib import Path

import pytest

from connector.crashpoint import Point
from tests.scenario.conftest import Cli

OWN_CONFIG = """\
docflo:
  base_url: https://api.docflo.ai
  tenant_id: acme
  api_key: ${env:NOBODY_HAS_SET_THIS}
targets:
  crm: {adapter: salesforce, domain: acme.my, consumer_key: "${env:NOR_A}", consumer_secret: "${env:NOR_B}"}
pipelines:
  delivery-notes:
    documents: {types: [deliveryInvoice], statuses: [CONFIRMED], since: 2031-01-01}
    mapping: notes.yaml
    target: crm
    write_back:
      delivered: {fields: {SfId: receipt.id, Told: today()}, status: ANALYZED}
"""

OWN_MAPPING = """\
version: 1
document: deliveryInvoice
record:
  object: Delivery_Note__c
  key: Docflo_Key__c
  fields:
    Number__c: {from: NoteNumber, required: true}
    Weight__c: {from: Weight, type: decimal}
  lines:
    - object: Parcel__c
      each: Parcels
      key: Docflo_Key__c
      parent: Note__c
      fields: {Label__c: Label, Sent__c: {from: Sent, type: date}}
examples:
  - name: two parcels
    document:
      NoteNumber: N-1
      Weight: 12.50
      Parcels: [{_id: p1, Label: A, Sent: 2026-01-02}, {_id: p2, Label: B, Sent: 2026-01-03}]
    record:
      Number__c: N-1
      Weight__c: 12.50
      lines: [{Label__c: A, Sent__c: 2026-01-02}, {Label__c: B, Sent__c: 2026-01-03}]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "notes.yaml").write_text(OWN_MAPPING, encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(OWN_CONFIG, encoding="utf-8")
    return config


def test_own_objects_fields_and_document_types_are_played_without_credentials(own: Path, cli: Cli) -> None:
    ran = cli("selftest", "--crash-matrix", "--config", own, "--output", "json")

    assert ran.code == 0, ran.err
    assert ran.json["recovered"] is True
    assert ran.json["records"] == 3
    points = {row["point"]: row for row in ran.json["points"]}
    assert set(points) == set(Point)
    assert all(row["hits"] == row["recovered"] for row in points.values())
    assert sum(row["lost"] + row["doubled"] + row["changed"] for row in points.values()) == 0
    assert points["answered"]["hits"] >= 1
    assert not (own.parent / "connector.db").exists()


def test_a_proof_over_nothing_is_refused(own: Path, cli: Cli) -> None:
    mapping = own.parent / "notes.yaml"
    mapping.write_text(OWN_MAPPING.replace("from: NoteNumber", "from: Numero"), encoding="utf-8")

    ran = cli("selftest", "--crash-matrix", "--config", own)

    assert ran.code == 2
    assert "nothing to lose" in ran.err


def test_pipelines_without_a_sandbox_are_refused(own: Path, cli: Cli) -> None:
    memory = OWN_CONFIG.replace(
        OWN_CONFIG[OWN_CONFIG.index("  crm:") : OWN_CONFIG.index("pipelines:")], "  crm: {adapter: memory}\n"
    )
    own.write_text(memory, encoding="utf-8")

    ran = cli("selftest", "--crash-matrix", "--config", own)

    assert ran.code == 2
    assert "Salesforce" in ran.err


def test_a_selftest_that_is_not_named_is_refused(own: Path, cli: Cli) -> None:
    assert cli("selftest", "--config", own).code == 2

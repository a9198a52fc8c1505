"""The mappings that ship, against their own examples and against documents as varied as real ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.docflo.fields import read_fields
from connector.document import Document
from connector.mapping.apply import apply_mapping
from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from connector.sandbox.docflo.generate import generate_fields
from connector.shipped_files import shipped

SHIPPED = sorted(shipped("mappings").glob("*.yaml"))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_each_document_type_has_a_mapping() -> None:
    for target in ("salesforce", "erp"):
        documents = {load_mapping(path).document for path in SHIPPED if path.stem.endswith(target)}
        assert documents >= {"invoice", "purchaseOrder", "receipt"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_examples_of_a_shipped_mapping_hold(path: Path) -> None:
    mapping = load_mapping(path)

    assert len(mapping.examples) >= 2
    assert run_examples(mapping) == ()


def generated(mapping: Mapping) -> Iterator[tuple[dict[str, Any], Document]]:
    """Give documents as varied as real ones, each beside the fields that it was read from."""
    for place in range(60):
        raw = generate_fields(mapping.document, f"seed {place}", NOON, place)
        yield (
            raw,
            Document(
                id="d", type=mapping.document, status="APPROVED", created_on=NOON, fields=read_fields(raw)
            ),
        )


@pytest.mark.parametrize(
    "path", [path for path in SHIPPED if path.stem.endswith("salesforce")], ids=lambda path: path.stem
)
def test_shipped_mapping_takes_every_document_of_the_sandbox(path: Path) -> None:
    mapping = load_mapping(path)

    for raw, document in generated(mapping):
        record = apply_mapping(mapping, document, "key")
        rows = raw["Items"]["value"]
        assert [line.key for line in record.lines] == [f"key:{row['_id']}" for row in rows]
        assert [line.fields["Amount__c"] for line in record.lines] == [
            row["Amount"]["value"]["amount"] for row in rows
        ]

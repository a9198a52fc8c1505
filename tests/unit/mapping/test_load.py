from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from connector.document import Field, Row
from connector.errors import ConfigError
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from connector.record import RecordShape

Load = Callable[..., Mapping]


def test_mapping_carries_its_path_and_fingerprint(load: Load) -> None:
    mapping = load("X: A")

    assert mapping.sha256 == sha256(mapping.path.read_bytes()).hexdigest()
    assert mapping.document == "invoice"


def test_path_alone_is_short_for_from(load: Load) -> None:
    short, long = load("X: A.b, Y: {from: A.b}").record.fields

    assert (short.paths, short.type, short.optional) == (long.paths, long.type, long.optional)


def test_shapes_name_the_fields_and_their_places(load: Load) -> None:
    mapping = load("X: A, Y: B", "fields: {V: C}")

    assert mapping.shapes() == (
        RecordShape(
            object="Invoice__c",
            key_field="Docflo_Id__c",
            fields=("X", "Y"),
            places=(f"{mapping.path.name}:6:12", f"{mapping.path.name}:6:18"),
            place=f"{mapping.path.name}:4:3",
        ),
        RecordShape(
            object="Invoice_Line__c",
            key_field="Docflo_Key__c",
            fields=("V",),
            parent_field="Invoice__c",
            places=(f"{mapping.path.name}:12:16",),
            place=f"{mapping.path.name}:9:7",
        ),
    )


def test_source_paths_start_at_the_document_and_leave_out_its_properties(load: Load) -> None:
    mapping = load("X: A.b, Y: document.id", "fields: {V: C.d, W: document.id}")

    assert mapping.source_paths() == (
        ("A.b", f"{mapping.path.name}:6:12"),
        ("Items", f"{mapping.path.name}:9:7"),
        ("Items[].C.d", f"{mapping.path.name}:12:16"),
    )


def test_default_is_read_as_its_type(load: Load) -> None:
    (rule,) = load('X: {from: A, type: decimal, default: "0.50"}').record.fields

    assert repr(rule.default) == repr(Decimal("0.50"))


def test_examples_hold_documents_as_docflo_gives_them(load: Load) -> None:
    mapping = load(
        "X: A",
        examples="examples:\n"
        "  - name: one\n"
        "    about: {id: D-1, type: custom, created_on: 2026-01-31T09:30:00Z}\n"
        "    document: {A: 1, Items: [{_id: 7, V: 0.10}], Tags: [a, b], None: []}\n"
        "    record: {X: 1}\n",
    )

    document = mapping.examples[0].document

    assert (document.id, document.type, document.status) == ("D-1", "custom", "APPROVED")
    assert document.fields["Items"].value == (Row(id="7", fields={"V": Field(value=Decimal("0.10"))}),)
    assert document.fields["Tags"].value == ("a", "b")
    assert document.fields["None"].value == ()


def test_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 problem"):
        load_mapping(tmp_path / "absent.yaml")

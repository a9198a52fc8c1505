"""The fields and rights under deploy/salesforce fit the shipped mappings."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from connector.adapters.salesforce.settings import SalesforceSettings
from connector.mapping.load import load_mapping
from connector.record import RecordShape
from connector.shipped_files import shipped

SOURCE = Path(__file__).parents[2] / "deploy/salesforce/force-app/main/default"
NAMES = {"md": "http://soap.sforce.com/2006/04/metadata"}
STANDARD = {"CurrencyIsoCode"}  # in every org with several currencies, and in no other


def shapes() -> Iterator[RecordShape]:
    for path in sorted(shipped("mappings").glob("*-salesforce.yaml")):
        yield from load_mapping(path).shapes()


def text(path: Path, name: str) -> str | None:
    return ET.parse(path).getroot().findtext(f"md:{name}", namespaces=NAMES)  # noqa: S314 our own files


def field_file(shape: RecordShape, name: str) -> Path:
    return SOURCE / "objects" / shape.object / "fields" / f"{name}.field-meta.xml"


def granted(kind: str, name: str) -> list[ET.Element]:
    root = ET.parse(SOURCE / "permissionsets/Docflo_Connector.permissionset-meta.xml").getroot()  # noqa: S314 our own
    entries = root.findall(f"md:{kind}Permissions", NAMES)
    return [entry for entry in entries if entry.findtext(f"md:{kind}", namespaces=NAMES) == name]


@pytest.mark.parametrize("shape", list(shapes()), ids=lambda shape: shape.object)
def test_every_mapped_field_can_be_deployed_and_written(shape: RecordShape) -> None:
    for name in {shape.key_field, *shape.fields} - STANDARD:
        assert text(field_file(shape, name), "fullName") == name
        [right] = granted("field", f"{shape.object}.{name}")
        assert right.findtext("md:editable", namespaces=NAMES) == "true"


@pytest.mark.parametrize("shape", list(shapes()), ids=lambda shape: shape.object)
def test_keys_are_unique_external_ids(shape: RecordShape) -> None:
    key = field_file(shape, shape.key_field)

    assert [text(key, name) for name in ("externalId", "unique", "length")] == ["true", "true", "255"]


@pytest.mark.parametrize("shape", list(shapes()), ids=lambda shape: shape.object)
def test_lines_can_be_seen_all_and_removed_and_headers_cannot(shape: RecordShape) -> None:
    [right] = granted("object", shape.object)

    assert right.findtext("md:viewAllRecords", namespaces=NAMES) == "true"
    is_line = shape.parent_field is not None
    assert right.findtext("md:allowDelete", namespaces=NAMES) == ("true" if is_line else "false")
    if shape.parent_field is not None:
        assert text(field_file(shape, shape.parent_field), "type") == "MasterDetail"


def test_the_key_of_original_files_can_be_deployed_and_written() -> None:
    name = SalesforceSettings.model_fields["file_key_field"].default
    field = SOURCE / "objects" / "ContentVersion" / "fields" / f"{name}.field-meta.xml"

    assert [text(field, part) for part in ("fullName", "externalId", "unique")] == [name, "true", "true"]
    [right] = granted("field", f"ContentVersion.{name}")
    assert right.findtext("md:editable", namespaces=NAMES) == "true"

"""An org from a file."""

import json
from pathlib import Path

import pytest

from connector.sandbox.salesforce.schema_file import load_objects
from tests.sandbox.salesforce.org import MakeOrg

SHELF = """
- name: Shelf__c
  label: Shelf
  label_plural: Shelves
  key_prefix: b10
  fields:
    - {name: Code__c, label: Code, type: string, length: 10, external_id: true, unique: true}
    - {name: Secret__c, label: Secret, type: string, length: 10}
    - {name: Kind__c, label: Kind, type: picklist, picklist: [oak, pine]}
"""


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_an_org_is_served_from_a_file(make_org: MakeOrg, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"org{suffix}"
    shelf = [
        {
            "name": "Shelf__c",
            "label": "Shelf",
            "label_plural": "Shelves",
            "key_prefix": "b10",
            "fields": [
                {
                    "name": "Code__c",
                    "label": "Code",
                    "type": "string",
                    "length": 10,
                    "external_id": True,
                    "unique": True,
                },
                {"name": "Secret__c", "label": "Secret", "type": "string", "length": 10},
                {"name": "Kind__c", "label": "Kind", "type": "picklist", "picklist": ["oak", "pine"]},
            ],
        }
    ]
    path.write_text(SHELF if suffix == ".yaml" else json.dumps(shelf), encoding="utf-8")
    org = make_org(objects=load_objects(path), hidden={"sandbox-consumer": {"Shelf__c.Secret__c"}})
    assert org.upsert("Shelf__c", "Code__c", "a/1", {"Kind__c": "oak"}).status_code == 201
    described = org.send("GET", "/sobjects/shelf__C/describe").json()
    names = {field["name"] for field in described["fields"]}
    assert {"Id", "CreatedDate", "Code__c", "Kind__c"} <= names
    assert "Secret__c" not in names


@pytest.mark.parametrize(
    "text", ["- {name: X}", "{}", "- 1", SHELF.replace("picklist,", "colour,"), SHELF.replace("10,", "ten,")]
)
def test_a_file_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "org.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"org\.yaml: "):
        load_objects(path)

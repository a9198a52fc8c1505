"""Files: versions, documents and links, as JSON and as multipart, and what is read back."""

import base64
import hashlib
import json

import httpx
import pytest
from simple_salesforce.format import format_soql

from connector.sandbox.salesforce.options import Options
from tests.sandbox.salesforce.org import MakeOrg, Org, code

VERSIONS = "/sobjects/ContentVersion"
PDF = b"%PDF-1.4\x00\xff\n\r\n"


def version(content: bytes = PDF, **fields: object) -> dict[str, object]:
    data = base64.b64encode(content).decode()
    return {"PathOnClient": "bill.pdf", "VersionData": data, **fields}


def multipart(org: Org, content: bytes, **fields: object) -> httpx.Response:
    return org.client.post(
        f"/services/data/v66.0{VERSIONS}",
        files={
            "entity_content": (None, json.dumps(fields), "application/json"),
            "VersionData": ("bill.pdf", content, "application/octet-stream"),
        },
    )


def test_a_version_makes_its_document_and_the_link_to_its_record(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    answer = org.send("POST", VERSIONS, version(FirstPublishLocationId=invoice))
    assert answer.status_code == 201
    (row,) = org.sandbox.rows("ContentVersion")
    assert answer.json()["id"] == row["Id"]
    assert (row["Title"], row["FileExtension"], row["ContentSize"]) == ("bill", "pdf", len(PDF))
    assert row["Checksum"] == hashlib.md5(PDF, usedforsecurity=False).hexdigest()
    (link,) = org.sandbox.rows("ContentDocumentLink")
    assert (link["LinkedEntityId"], link["ContentDocumentId"]) == (invoice, row["ContentDocumentId"])
    (document,) = org.sandbox.rows("ContentDocument")
    assert document["LatestPublishedVersionId"] == row["Id"]


def test_multipart_stores_the_same_bytes(org: Org) -> None:
    answer = multipart(org, PDF, PathOnClient="bill.pdf", Docflo_File_Key__c="1:a")
    assert answer.status_code == 201
    assert org.sandbox.rows("ContentVersion")[0]["VersionData"] == PDF
    data = org.send("GET", f"{VERSIONS}/{answer.json()['id']}/VersionData")
    assert (data.status_code, data.content) == (200, PDF)
    assert data.headers["content-type"].startswith("application/octet")


def test_what_is_read_of_the_data_is_its_address(org: Org) -> None:
    record_id = org.send("POST", VERSIONS, version()).json()["id"]
    address = f"/services/data/v66.0{VERSIONS}/{record_id}/VersionData"
    assert org.send("GET", f"{VERSIONS}/{record_id}").json()["VersionData"] == address
    found = org.query("SELECT VersionData, Checksum FROM ContentVersion WHERE IsLatest = true").json()
    assert found["records"][0]["VersionData"] == address


def test_the_next_version_goes_to_its_document_and_is_the_latest(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    org.send("POST", VERSIONS, version(FirstPublishLocationId=invoice))
    document = org.sandbox.rows("ContentDocument")[0]["Id"]
    assert org.send("POST", VERSIONS, version(b"new", ContentDocumentId=document)).status_code == 201
    rows = org.sandbox.rows("ContentVersion")
    assert [(row["VersionNumber"], row["IsLatest"]) for row in rows] == [("1", False), ("2", True)]
    assert {row["ContentDocumentId"] for row in rows} == {document}
    assert len(org.sandbox.rows("ContentDocumentLink")) == 1


def test_a_document_and_a_place_exclude_each_other(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    org.send("POST", VERSIONS, version())
    document = org.sandbox.rows("ContentDocument")[0]["Id"]
    body = version(ContentDocumentId=document, FirstPublishLocationId=invoice)
    assert code(org.send("POST", VERSIONS, body)) == (400, "FIELD_INTEGRITY_EXCEPTION")
    assert len(org.sandbox.rows("ContentVersion")) == 1


@pytest.mark.parametrize(
    ("missing", "error"),
    [("PathOnClient", "REQUIRED_FIELD_MISSING"), ("VersionData", "REQUIRED_FIELD_MISSING")],
)
def test_a_version_needs_name_and_data(org: Org, missing: str, error: str) -> None:
    body = {name: value for name, value in version().items() if name != missing}
    assert code(org.send("POST", VERSIONS, body)) == (400, error)
    assert org.sandbox.rows("ContentDocument") == ()


def test_data_that_is_no_base64_is_refused(org: Org) -> None:
    assert code(org.send("POST", VERSIONS, version() | {"VersionData": "%%"})) == (400, "JSON_PARSER_ERROR")


def test_data_cannot_be_changed_nor_a_version_deleted(org: Org) -> None:
    record_id = org.send("POST", VERSIONS, version()).json()["id"]
    changed = org.send("PATCH", f"{VERSIONS}/{record_id}", {"VersionData": "eA=="})
    assert code(changed) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert code(org.send("DELETE", f"{VERSIONS}/{record_id}")) == (400, "INVALID_TYPE_FOR_OPERATION")


def test_a_file_key_is_taken_once(org: Org) -> None:
    assert org.send("POST", VERSIONS, version(Docflo_File_Key__c="k")).status_code == 201
    assert code(org.send("POST", VERSIONS, version(Docflo_File_Key__c="k"))) == (400, "DUPLICATE_VALUE")
    assert len(org.sandbox.rows("ContentDocument")) == 1


def test_a_document_goes_with_its_versions_and_a_record_with_its_links(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    org.send("POST", VERSIONS, version(FirstPublishLocationId=invoice))
    org.send("DELETE", f"/sobjects/Invoice__c/{invoice}")
    assert org.sandbox.rows("ContentDocumentLink") == ()
    document = org.sandbox.rows("ContentDocument")[0]["Id"]
    assert org.send("DELETE", f"/sobjects/ContentDocument/{document}").status_code == 204
    assert org.sandbox.rows("ContentVersion") == ()


def test_a_link_is_made_once_to_a_record_that_exists(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    org.send("POST", VERSIONS, version())
    link = {"ContentDocumentId": org.sandbox.rows("ContentDocument")[0]["Id"], "LinkedEntityId": invoice}
    assert org.send("POST", "/sobjects/ContentDocumentLink", link).status_code == 201
    assert code(org.send("POST", "/sobjects/ContentDocumentLink", link)) == (400, "DUPLICATE_VALUE")
    org.send("DELETE", f"/sobjects/Invoice__c/{invoice}")
    assert code(org.send("POST", "/sobjects/ContentDocumentLink", link)) == (400, "ENTITY_IS_DELETED")


def test_links_are_only_found_by_document_or_record(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    org.send("POST", VERSIONS, version(FirstPublishLocationId=invoice))
    assert code(org.query("SELECT Id FROM ContentDocumentLink")) == (400, "MALFORMED_QUERY")
    found = org.query(format_soql("SELECT Id FROM ContentDocumentLink WHERE LinkedEntityId = {}", invoice))
    assert found.json()["totalSize"] == 1


def test_json_and_multipart_have_their_own_caps(make_org: MakeOrg) -> None:
    org = make_org(options=Options(most_json_bytes=2_000, most_multipart_bytes=5_000))
    assert org.send("POST", VERSIONS, version(b"x" * 1_000)).status_code == 201
    assert org.send("POST", VERSIONS, version(b"x" * 2_000)).status_code == 413
    assert multipart(org, b"x" * 3_000, PathOnClient="a").status_code == 201
    assert multipart(org, b"x" * 5_000, PathOnClient="a").status_code == 413

"""Single documents: reading, uploading, analysing, downloading, and statuses that move with time."""

import email
import email.policy
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connector.sandbox.docflo import generate_documents
from tests.sandbox.docflo.reach import NOW, Docflo, Serve, SetClock, make_sandbox_document, read, refused

UNKNOWN_ID = "0" * 24


def _upload(docflo: Docflo, content: bytes = b"%PDF-1.7 scanned", **form: str) -> httpx.Response:
    files = {"file": ("scan 1.pdf", content, "application/pdf")}
    return docflo.client.post("/docs/v1/document", files=files, data=form)


def test_a_document_is_given_whole_by_id(serve: Serve) -> None:
    document = make_sandbox_document()
    docflo = serve(documents=[document])

    body = docflo.get(f"/docs/v1/document/byId/{document.id}")

    assert (body["_id"], body["status"]) == (document.id, "APPROVED")
    assert body["results"]["VendorName"]["value"] == "Northwind"


@pytest.mark.parametrize("envelope", ["data", "nested"])
def test_an_enveloped_sandbox_wraps_single_documents_too(serve: Serve, envelope: str) -> None:
    document = make_sandbox_document()
    docflo = serve(documents=[document], envelope=envelope)

    assert docflo.get(f"/docs/v1/document/byId/{document.id}")["data"]["_id"] == document.id


def test_info_is_what_is_known_about_a_document_without_its_fields(serve: Serve) -> None:
    document = make_sandbox_document(status="FAILED")
    docflo = serve(documents=[document])

    body = docflo.get(f"/docs/v1/document/info/{document.id}")

    assert (body["_id"], body["status"], body["name"]) == (document.id, "FAILED", document.name)
    assert "results" not in body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "byId/{}", None),
        ("GET", "info/{}", None),
        ("GET", "download/{}/original", None),
        ("GET", "download/{}/email", None),
        ("PATCH", "info/{}", {"status": "APPROVED"}),
        ("PATCH", "fields/{}", {"fields": {}}),
    ],
)
def test_an_id_that_no_document_has_is_404(serve: Serve, method: str, path: str, body: object) -> None:
    docflo = serve()

    answer = docflo.client.request(method, f"/docs/v1/document/{path.format(UNKNOWN_ID)}", json=body)

    assert refused(answer, 404)["code"] == "DOCUMENT_NOT_FOUND"


def test_an_upload_becomes_a_document_in_processing(serve: Serve) -> None:
    docflo = serve()

    answer = _upload(docflo, type="invoice")

    assert answer.status_code == 201
    body = read(answer)
    assert (body["status"], body["type"], body["name"]) == ("PROCESSING", "invoice", "scan 1.pdf")
    assert len(bytes.fromhex(body["_id"])) == 12
    assert docflo.ids() == [body["_id"]]
    (effect,) = docflo.sandbox.journal.effects
    assert (effect.kind, effect.subject) == ("created", f"document/{body['_id']}")


def test_each_upload_is_another_document_even_of_the_same_file(serve: Serve) -> None:
    docflo = serve()

    ids = {read(_upload(docflo, type="invoice"))["_id"] for _ in range(3)}

    assert len(ids) == 3


def test_an_uploaded_file_comes_back_byte_for_byte(serve: Serve) -> None:
    docflo = serve()
    content = bytes(range(256)) * 10
    document_id = read(_upload(docflo, content, type="receipt"))["_id"]

    answer = docflo.client.get(f"/docs/v1/document/download/{document_id}/original")

    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    assert 'filename="scan 1.pdf"' in answer.headers["content-disposition"]


def test_an_upload_without_a_type_is_unclassified(serve: Serve) -> None:
    assert read(_upload(serve()))["type"] == "unclassified"


@pytest.mark.parametrize(
    ("kind", "code"), [("Invoice", "INVALID_DOCUMENT_TYPE"), ("contract", "DOCUMENT_TYPE_NOT_ENABLED")]
)
def test_an_upload_of_a_type_that_is_not_enabled_is_400(serve: Serve, kind: str, code: str) -> None:
    docflo = serve()

    assert refused(_upload(docflo, type=kind), 400)["code"] == code
    assert docflo.ids() == []


def test_an_upload_without_a_file_is_400(serve: Serve) -> None:
    docflo = serve()

    for answer in (
        docflo.client.post("/docs/v1/document", data={"type": "invoice"}),
        docflo.client.post("/docs/v1/document", json={"file": "text"}),
        docflo.client.post("/docs/v1/document", files={"other": b"x"}),
        docflo.client.post(
            "/docs/v1/document", content=b"broken", headers={"Content-Type": "multipart/form-data"}
        ),
    ):
        refused(answer, 400)


def test_an_uploaded_document_is_read_as_time_passes(serve: Serve, clock: SetClock) -> None:
    docflo = serve()
    document_id = read(_upload(docflo, type="invoice"))["_id"]
    seen: list[str] = []
    read_at: dict[str, Any] = {}

    for _ in range(25):
        body = docflo.get(f"/docs/v1/document/byId/{document_id}")
        seen.append(body["status"])
        read_at.setdefault(body["status"], body["results"])
        clock.advance(seconds=1)

    path = list(dict.fromkeys(seen))
    assert seen[1:3] == ["PROCESSING", "ANALYZING"]
    assert path[:3] == ["PROCESSING", "ANALYZING", "ANALYZED"]
    assert path[3] in {"REQUIRES_VALIDATION", "CONFIRMED"}
    assert path[4:] == ["APPROVED"]
    assert read_at["PROCESSING"] == read_at["ANALYZING"] == {}
    assert "InvoiceTotal" in read_at["ANALYZED"]


def test_files_differ_in_the_way_they_take(serve: Serve, clock: SetClock) -> None:
    docflo = serve()
    ids = [read(_upload(docflo, b"file %d" % number, type="invoice"))["_id"] for number in range(12)]

    clock.advance(seconds=10)

    assert {docflo.sandbox.status(document_id) for document_id in ids} == {"REQUIRES_VALIDATION", "CONFIRMED"}


def test_a_status_set_by_hand_is_no_longer_moved_by_time(serve: Serve, clock: SetClock) -> None:
    docflo = serve()
    document_id = read(_upload(docflo, type="invoice"))["_id"]
    clock.advance(seconds=6)

    docflo.patch(f"/docs/v1/document/info/{document_id}", {"status": "REQUIRES_VALIDATION"})
    clock.advance(hours=1)

    assert docflo.sandbox.status(document_id) == "REQUIRES_VALIDATION"


def test_generated_documents_can_be_approved_later(serve: Serve, clock: SetClock) -> None:
    timeline = ((timedelta(), "ANALYZED"), (timedelta(days=30), "APPROVED"))
    docflo = serve(documents=generate_documents(3, seed=1, now=NOW, days=10, timeline=timeline))

    assert docflo.ids(status="APPROVED") == []
    clock.advance(days=30)

    assert len(docflo.ids(status="APPROVED")) == 3


def test_an_analysis_gives_fields_and_stores_nothing(serve: Serve) -> None:
    docflo = serve()
    files = {"file": ("scan.pdf", b"some pages", "application/pdf")}

    answers = [
        docflo.client.post("/docs/v1/document/analyze", files=files, data={"type": "receipt"})
        for _ in range(2)
    ]

    bodies = [read(answer) for answer in answers]
    assert "MerchantName" in bodies[0]["results"]
    assert "_id" not in bodies[0]
    assert bodies[0] == bodies[1]
    assert docflo.ids() == []
    assert docflo.sandbox.journal.effects == ()


def test_an_analysis_needs_a_type_and_a_file(serve: Serve) -> None:
    docflo = serve()

    for answer, name in (
        (docflo.client.post("/docs/v1/document/analyze", files={"file": b"x"}), "type"),
        (docflo.client.post("/docs/v1/document/analyze", data={"type": "invoice"}), "file"),
    ):
        assert name in refused(answer, 400)["details"]


def test_the_original_of_a_generated_document_is_a_pdf_of_its_page(serve: Serve) -> None:
    document = generate_documents(4, seed=1, now=NOW)[3]  # forty lines
    docflo = serve(documents=[document])

    answer = docflo.client.get(f"/docs/v1/document/download/{document.id}/original")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.")
    assert answer.content.rstrip().endswith(b"%%EOF")
    place = int(answer.content.rpartition(b"startxref")[2].split()[0])
    assert answer.content[place:].startswith(b"xref")
    assert document.fields["InvoiceId"]["value"].encode() in answer.content


def test_an_edit_does_not_change_the_original(serve: Serve) -> None:
    (document,) = generate_documents(1, seed=1, now=NOW)
    docflo = serve(documents=[document])
    path = f"/docs/v1/document/download/{document.id}/original"
    before = docflo.client.get(path).content

    docflo.edit(document, {"ErpId": "1", "Items": [{"operation": "create", "Description": "new"}]})

    assert docflo.client.get(path).content == before


def test_a_name_in_any_script_survives_the_download(serve: Serve) -> None:
    document = make_sandbox_document(name='חשבונית "7" 🧾.pdf')
    docflo = serve(documents=[document])

    disposition = docflo.client.get(f"/docs/v1/document/download/{document.id}/original").headers[
        "content-disposition"
    ]

    message = email.message_from_string(f"Content-Disposition: {disposition}\n\n")
    assert disposition.isascii()
    assert message.get_filename() is not None
    assert httpx.URL(f"http://x/{disposition.rpartition(chr(39) * 2)[2]}").path == f"/{document.name}"


def test_a_mailed_document_has_its_mail_with_the_original_attached(serve: Serve) -> None:
    document = next(entry for entry in generate_documents(3, seed=1, now=NOW) if entry.source == "mailbox")
    docflo = serve(documents=[document])
    original = docflo.client.get(f"/docs/v1/document/download/{document.id}/original").content

    answer = docflo.client.get(f"/docs/v1/document/download/{document.id}/email")

    assert answer.headers["content-type"] == "message/rfc822"
    message = email.message_from_bytes(answer.content, policy=email.policy.default)
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == document.name
    assert attachment.get_content() == original
    assert document.name in message["Subject"]


def test_a_document_that_was_not_mailed_has_no_mail(serve: Serve) -> None:
    document = make_sandbox_document(source="upload")
    docflo = serve(documents=[document])

    answer = docflo.client.get(f"/docs/v1/document/download/{document.id}/email")

    assert refused(answer, 404)["code"] == "EMAIL_NOT_FOUND"

"""Each `api` command against the sandbox, over real HTTP, as the shell would run it."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.cli.app import app
from connector.cli.exits import Exit, run_and_explain
from connector.cli.sandbox_setup import Sandboxes, sandboxes, write_sandbox_config


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Api = Callable[..., Ran]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandboxes]:
    with sandboxes() as started:
        yield started


@pytest.fixture
def config(running: Sandboxes, tmp_path: Path) -> Path:
    running.docflo.journal.forget()
    return write_sandbox_config(tmp_path, running)


@pytest.fixture
def api(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Api:
    """Run one `api` command."""

    def run(*arguments: object) -> Ran:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr("sys.argv", ["docflo-connector", "api", *words, "--config", str(config)])
        capsys.readouterr()
        code = run_and_explain(app)
        printed = capsys.readouterr()
        return Ran(code=code, out=printed.out, err=printed.err)

    return run


@pytest.fixture
def invoice(api: Api) -> str:
    """The id of an approved invoice."""
    rows = api("list", "--type", "invoice", "--status", "APPROVED", "--top", 1, "-o", "json").json
    identifier: str = rows["documents"][0]["_id"]
    return identifier


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    file = tmp_path / "scan.pdf"
    file.write_bytes(b"%PDF-1.7 a scan")
    return file


def test_list_prints_documents_as_docflo_gave_them(api: Api) -> None:
    ran = api("list", "--type", "receipt", "--top", 3, "--include-results", "--output", "json")

    assert ran.code == Exit.FINE
    assert len(ran.json["documents"]) == 3
    assert {row["type"] for row in ran.json["documents"]} == {"receipt"}
    assert "total" in ran.json


def test_list_all_reads_on_after_a_short_page(api: Api, running: Sandboxes) -> None:
    ids = [row["_id"] for row in api("list", "--all", "--top", 7, "-o", "json").json["documents"]]

    assert len(ids) == len(set(ids)) == len(running.docflo.documents)


def test_list_all_counts_what_it_read(api: Api) -> None:
    told = api("list", "--all", "--status", "APPROVED", "-o", "json").json

    assert told["total"] == len(told["documents"]) > 0


def test_list_for_people_shows_the_number_of_fields(api: Api, invoice: str) -> None:
    ran = api("list", "--type", "invoice", "--status", "APPROVED", "--top", 1, "--include-results")

    line = next(line for line in ran.out.splitlines() if invoice in line)
    assert "APPROVED" in line
    assert line.split("│")[-2].strip().isdigit()


def test_every_parameter_of_a_listing_is_sent(api: Api, running: Sandboxes) -> None:
    options = {
        "--type": "invoice",
        "--skip": 1,
        "--top": 2,
        "--source": "mailbox",
        "--search": "a b",
        "--status": "APPROVED",
        "--sort-by": "createdOn",
        "--sort-order": "asc",
        "--created-from": "2026-01-01",
        "--created-to": "2026-10-01T02:00:00+02:00",
        "--approver-id": "u1",
    }
    flags = ["--favorite", "--my-approvals", "--include-results"]
    words = [word for option in options.items() for word in option]

    ran = api("list", *words, *flags, "-o", "json")

    assert ran.code == Exit.FINE, ran.err
    assert dict(running.docflo.journal.requests[-1].query) == {
        "type": "invoice",
        "skip": "1",
        "top": "2",
        "source": "mailbox",
        "search": "a b",
        "status": "APPROVED",
        "sortBy": "createdOn",
        "sortOrder": "asc",
        "createdFrom": "2026-01-01T00:00:00.000Z",
        "createdTo": "2026-10-01T00:00:00.000Z",
        "favorite": "true",
        "myApprovals": "true",
        "approverId": "u1",
        "includeResults": "true",
    }


def test_create_prints_the_new_id_and_docflo_has_the_file(api: Api, pdf: Path, tmp_path: Path) -> None:
    (identifier,) = api("create", pdf, "--type", "invoice", "-o", "json").json["ids"]

    saved = api("original", identifier, "--folder", tmp_path / "saved", "-o", "json").json
    assert Path(saved["path"]).read_bytes() == pdf.read_bytes()
    assert saved["size"] == len(pdf.read_bytes())


def test_document_is_printed_as_docflo_gave_it(api: Api, invoice: str) -> None:
    document = api("document", invoice, "--output", "json").json

    assert document["_id"] == invoice
    assert document["results"]["InvoiceTotal"]["type"] == "currency"


def test_document_for_people_shows_fields_with_values(api: Api, invoice: str) -> None:
    ran = api("document", invoice)

    assert "InvoiceTotal" in ran.out
    assert '"currencyCode"' in ran.out


def test_analyze_stores_nothing(api: Api, pdf: Path, running: Sandboxes) -> None:
    before = len(running.docflo.documents)

    fields = api("analyze", pdf, "--type", "invoice", "-o", "json").json

    assert fields["InvoiceId"]["value"]
    assert len(running.docflo.documents) == before


def test_an_email_that_does_not_exist_says_why(api: Api, pdf: Path) -> None:
    (identifier,) = api("create", pdf, "-o", "json").json["ids"]

    ran = api("email", identifier)

    assert ran.code != Exit.FINE
    assert "no e-mail" in ran.err
    assert "mailbox" in ran.err


def test_update_status_is_what_info_shows(api: Api, invoice: str) -> None:
    assert api("update-status", invoice, "REQUIRES_VALIDATION").code == Exit.FINE

    assert api("info", invoice, "-o", "json").json["status"] == "REQUIRES_VALIDATION"
    api("update-status", invoice, "APPROVED")


def test_update_fields_takes_text_and_json_values(api: Api, invoice: str) -> None:
    ran = api(
        "update-fields", invoice, "InvoiceId=R 17", 'InvoiceTotal={"amount": 12.50, "currencyCode": "EUR"}'
    )

    assert ran.code == Exit.FINE, ran.err
    shown = api("document", invoice, "-o", "json")
    assert shown.json["results"]["InvoiceId"]["value"] == "R 17"
    assert '"amount": 12.50' in shown.out


def test_update_fields_reads_row_operations_from_standard_input(
    api: Api, invoice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = api("document", invoice, "-o", "json").json["results"]["Items"]["value"]
    first = rows[0].get("_id") or rows[0]["value"]["_id"]
    change = {
        "Items": [
            {"operation": "delete", "_id": first},
            {"operation": "create", "Description": "Added by hand"},
        ]
    }
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(change)))

    ran = api("update-fields", invoice, "--json", "-")

    assert ran.code == Exit.FINE, ran.err
    shown = api("document", invoice, "-o", "json").out
    assert first not in shown
    assert "Added by hand" in shown


def test_a_field_that_the_type_does_not_have_is_refused_in_docflos_words(api: Api, invoice: str) -> None:
    ran = api("update-fields", invoice, "NoSuchField=1")

    assert ran.code == Exit.CONFIGURATION
    assert "NoSuchField" in ran.err


def test_a_model_field_appears_in_the_type(api: Api) -> None:
    ran = api("model-field", "invoice", "ErpNote", "--type", "string", "--hidden")

    assert ran.code == Exit.FINE, ran.err
    names = [field["name"] for field in api("type", "invoice", "-o", "json").json["fields"]]
    assert "ErpNote" in names


def test_types_lists_what_the_tenant_uses(api: Api) -> None:
    assert "invoice" in [type_["name"] for type_ in api("types", "-o", "json").json]


def test_type_for_people_shows_inner_fields_as_paths(api: Api) -> None:
    assert "Items.Description" in api("type", "invoice").out


def test_search_finds_documents_with_a_score(api: Api) -> None:
    ran = api("search", "invoice", "--score-threshold", "0.1", "--type", "invoice", "-o", "json")

    assert ran.code == Exit.FINE, ran.err
    assert ran.json
    assert all(hit["id"] and 0.1 <= hit["score"] <= 1 for hit in ran.json)


def test_ask_prints_the_answer(api: Api) -> None:
    ran = api("ask", "How many?", "--type", "receipt")

    assert ran.code == Exit.FINE, ran.err
    assert ran.out.strip()


def test_logs_lists_entries(api: Api) -> None:
    api("document", "no-such-document")

    ran = api("logs", "--type", "error", "-o", "json")

    assert ran.code == Exit.FINE, ran.err
    assert ran.json


def test_guest_token_prints_the_token_and_nothing_else(api: Api) -> None:
    (line,) = api("guest-token").out.splitlines()

    assert line
    assert " " not in line


def test_a_document_that_does_not_exist_is_an_error_without_a_traceback(api: Api) -> None:
    ran = api("document", "no-such-document")

    assert ran.code == Exit.CONFIGURATION
    assert "404" in ran.err
    assert "Traceback" not in ran.err


def test_a_wrong_key_ends_with_the_code_for_credentials_and_is_not_printed(api: Api, config: Path) -> None:
    (config.parent / "secrets" / "docflo-api-key").write_text("wrong-key-0815", encoding="utf-8")

    ran = api("types")

    assert ran.code == Exit.CREDENTIALS
    assert "wrong-key-0815" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["document", ".."], "cannot be a Docflo id"),
        (["list", "--created-from", "yesterday"], "2026-01-31"),
        (["search", "x", "--score-threshold", "2"], "0 to 1"),
        (["search", "x", "--score-threshold", "NaN"], "0 to 1"),
        (["update-fields", "1"], "NAME=VALUE"),
        (["update-fields", "1", "A=1", "--json", "-"], "NAME=VALUE"),
        (["update-fields", "1", "=1"], "NAME=VALUE"),
        (["update-fields", "1", "A=[1,"], "not JSON"),
        (["update-fields", "1", "--json", "no-such-file"], "cannot read"),
        (["update-fields", "1", 'A=[{"operation": "update"}]'], "_id"),
        (["update-fields", "1", 'A=[{"operation": "drop", "_id": "1"}]'], "operation"),
        (["update-fields", "1", 'A=[{"operation": "create", "_id": "1"}]'], "_id"),
        (["model-field", "invoice", "A", "--type", "string", "--extraction-settings", "[]"], "JSON object"),
        (["logs", "--metadata", "x"], "JSON"),
        (["create", "no-such-file.pdf"], "no-such-file.pdf"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    api: Api, running: Sandboxes, arguments: list[str], word: str
) -> None:
    before = len(running.docflo.journal.requests)

    ran = api(*arguments)

    assert ran.code == Exit.CONFIGURATION
    assert word in " ".join(ran.err.replace("│", " ").split())
    assert len(running.docflo.journal.requests) == before

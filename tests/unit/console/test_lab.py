"""A mapping that is not saved, tried in a process of its own."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from connector.console.lab import child
from connector.console.lab.job import Given, Job
from connector.console.lab.trial import try_mapping

TEXT = """\
version: 1
document: invoice
record:
  object: Invoice__c
  key: Docflo_Id__c
  fields:
    Number__c: InvoiceId
    Note__c: {from: Note, optional: true}
examples:
  - name: one
    document: {InvoiceId: R-1}
    record: {Number__c: R-1}
"""


def given(**fields: Any) -> Given:
    values = {name: {"type": "string", "value": value} for name, value in fields.items()}
    return Given(id="d", key="t:p:d", raw=json.dumps({"id": "d", "type": "invoice", "fields": values}))


def job(folder: Path, text: str = TEXT, **parts: Any) -> Job:
    return Job(path=str(folder / "mapping.yaml"), text=text, **parts)


def test_a_document_shows_its_record_and_what_is_left_over(tmp_path: Path) -> None:
    trial = child.run(job(tmp_path, documents=(given(InvoiceId="R-7", Unread="x"),)))

    assert trial.shown is not None
    results = {each["target"]: each["result"] for each in trial.shown.fields}
    assert results["Invoice__c.Number__c"] == "R-7"
    assert trial.shown.unused == ("Unread",)
    assert trial.shown.unfilled == ("Invoice__c.Note__c",)


def test_what_is_left_out_of_many_lines_is_listed_once(tmp_path: Path) -> None:
    lines = "  lines: [{object: L, each: Items, key: K, fields: {Unit: {from: Unit, optional: true}}}]\n"
    text = TEXT.replace("examples:", lines + "examples:")
    text = text.replace("{InvoiceId: R-1}", "{InvoiceId: R-1, Items: []}")
    rows = [{"_id": {"value": f"{number}"}, "Other": {"type": "string", "value": "x"}} for number in range(3)]
    fields = {"InvoiceId": {"type": "string", "value": "R-7"}, "Items": {"type": "array", "value": rows}}
    document = Given(id="d", key="t:p:d", raw=json.dumps({"id": "d", "type": "invoice", "fields": fields}))

    trial = child.run(job(tmp_path, text, documents=(document,)))

    assert trial.shown is not None, trial.faults
    assert trial.shown.unfilled.count("L.Unit") == 1


def test_problems_of_the_text_have_their_line(tmp_path: Path) -> None:
    trial = child.run(job(tmp_path, TEXT.replace("InvoiceId\n", "'((('\n", 1)))

    assert [fault.line for fault in trial.faults] == [7]
    assert trial.faults[0].place.startswith("mapping.yaml:7:")


def test_a_comparison_counts_what_changes_against_the_file(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(TEXT, encoding="utf-8")
    edited = TEXT.replace("Number__c: InvoiceId", "Number__c: {from: InvoiceId, with: upper}")
    edited = edited.replace("{Number__c: R-1}", "{Number__c: R-1}")
    documents = (given(InvoiceId="r-1"), given(InvoiceId="R-2"), given(Other="x"))

    trial = child.run(job(tmp_path, edited, documents=documents, compares=True))

    assert trial.faults == ()
    assert trial.counts == {"changed": 1, "same": 1, "refused": 1}
    assert trial.changes[0].fields == (("Invoice__c.Number__c", "r-1", "R-1"),)


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/passwd", "inner/../../secret.yaml"])
@pytest.mark.parametrize("way", ["record:\n  include: [{}]", "lookups:\n  x: {{file: {}}}"])
def test_files_elsewhere_are_not_read(tmp_path: Path, name: str, way: str) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (tmp_path / "secret.yaml").write_text("password: hidden-value\n", encoding="utf-8")
    lines = (
        TEXT.replace("record:", way.format(name), 1) if "include" in way else way.format(name) + "\n" + TEXT
    )

    trial = child.run(job(folder, lines))

    assert len(trial.faults) == 1
    assert "is not in the folder of this mapping" in trial.faults[0].message


def test_a_trial_that_does_not_end_is_ended(tmp_path: Path) -> None:
    trial = try_mapping(job(tmp_path), seconds=0.01)

    assert [fault.message for fault in trial.faults] == ["it was not over after 0.01 seconds, and was ended"]


def test_a_trial_knows_no_secret_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCFLO_API_KEY", "secret")
    seen: list[dict[str, str]] = []

    def spy(_command: list[str], **options: Any) -> None:
        seen.append(options["env"])
        raise KeyboardInterrupt

    monkeypatch.setattr("connector.console.lab.trial.subprocess.run", spy)
    with pytest.raises(KeyboardInterrupt):
        try_mapping(job(tmp_path))

    assert "DOCFLO_API_KEY" in os.environ
    assert "DOCFLO_API_KEY" not in seen[0]


def test_a_trial_runs_in_its_own_process(tmp_path: Path) -> None:
    trial = try_mapping(job(tmp_path, documents=(given(InvoiceId="R-7"),)), seconds=60)

    assert trial.faults == ()
    assert trial.shown is not None

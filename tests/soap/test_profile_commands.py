"""`profile new|check|call`, as an integrator uses them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.adapters.soap.load import load_profile
from connector.adapters.soap.outcome import Kind
from connector.adapters.soap.reply import read_reply
from connector.adapters.soap.wire import Answer
from connector.cli.app import app
from connector.cli.exits import run_and_explain
from connector.errors import ConfigError
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.server import SandboxServer
from tests.soap.tiny import FOLDER, PROFILE

SAMPLE = Path(__file__).parents[1] / "samples" / "soap" / "erp.yaml"


@pytest.fixture
def erp(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    sandbox = ErpSandbox()
    sandbox.behave(login="session")
    monkeypatch.setenv("ERP_USER", sandbox.habits.user)
    monkeypatch.setenv("ERP_PASSWORD", sandbox.habits.password)
    with SandboxServer(sandbox.app) as server:
        yield f"{server.url}{PATH}"


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["docflo-connector", *words])
    return run_and_explain(app)


def test_a_skeleton_of_any_wsdl_is_a_profile(
    tmp_path: Path, erp: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new.yaml"

    assert run(monkeypatch, "profile", "new", "--wsdl", f"{erp}?wsdl", "--output", str(output)) == 0

    assert run(monkeypatch, "profile", "check", str(output)) == 2
    left = capsys.readouterr().out
    assert "CreateVendorInvoice: no answer counts as delivered" in left
    assert "FindVendorInvoices: the lookup can tell nothing" in left
    profile = load_profile(output)
    assert [step.call.operation for step in profile.steps] == ["CreateVendorInvoice"]
    assert [lookup.call.operation for lookup in profile.lookups] == ["FindVendorInvoices"]
    text = output.read_text(encoding="utf-8")
    assert "supplier:" in text
    assert "# string, at least 1, at most 20" in text
    assert "one of CreditNote | Invoice" in text
    capsys.readouterr()


def test_a_skeleton_of_a_wsdl_that_offers_no_lookup_loads_and_says_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wsdl = (FOLDER / "tiny.wsdl").read_text(encoding="utf-8")
    (tmp_path / "tiny.wsdl").write_text(wsdl.replace('"Find"', '"Ping"'), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert run(monkeypatch, "profile", "new", "--wsdl", "tiny.wsdl", "--output", "new.yaml") == 0

    profile = load_profile(tmp_path / "new.yaml")
    assert profile.lookups == ()
    assert profile.idempotency.class_ == "unique"
    assert "without one a doubt waits for the person" in (tmp_path / "new.yaml").read_text(encoding="utf-8")


def test_a_skeleton_of_an_operation_without_reply_leaves_the_outcome_to_the_lookup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wsdl = (FOLDER / "tiny.wsdl").read_text(encoding="utf-8")
    one_way = wsdl.replace('<output message="t:CreateResponse"/>', "", 1)
    one_way = one_way.replace('<output><soap:body use="literal"/></output>', "", 1)
    (tmp_path / "tiny.wsdl").write_text(one_way, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert run(monkeypatch, "profile", "new", "--wsdl", "tiny.wsdl", "--output", "new.yaml") == 0

    [step] = load_profile(tmp_path / "new.yaml").steps
    taken = read_reply(Answer(status=202, headers={}, body=b""))
    refused = read_reply(Answer(status=500, headers={}, body=b""))
    assert [step.call.judge.judge(each).kind for each in (taken, refused)] == [Kind.ACCEPTED, Kind.IN_DOUBT]


def test_check_builds_every_message_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.wsdl").write_bytes((FOLDER / "tiny.wsdl").read_bytes())
    profile = tmp_path / "tiny.yaml"
    example = "examples: [{fields: {Number__c: R-1, Total: 12.505}}]\n"
    profile.write_text(PROFILE + example.replace("505", "50"), encoding="utf-8")

    assert run(monkeypatch, "profile", "check", str(profile)) == 0
    assert "2 message(s) built from 1 example(s)" in capsys.readouterr().out
    profile.write_text(PROFILE + example, encoding="utf-8")

    assert run(monkeypatch, "profile", "check", str(profile)) == 2
    assert "total (record.Total): has 3 decimal places" in capsys.readouterr().out


def test_call_shows_request_and_reply_and_no_secret(
    tmp_path: Path, erp: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = tmp_path / "body.yaml"
    body.write_text("criteria: {ourReference: none}\n", encoding="utf-8")
    words = [
        "profile",
        "call",
        str(SAMPLE),
        "FindVendorInvoices",
        "--body",
        str(body),
        "--set",
        f"address={erp}",
    ]
    words += ["--secret", "user=${env:ERP_USER}", "--secret", "password=${env:ERP_PASSWORD}"]

    assert run(monkeypatch, *words) == 0

    out = capsys.readouterr().out
    assert "ourReference>none<" in out
    assert "HTTP 200" in out
    assert "as a lookup this is: not_found" in out
    assert "erp-password" not in out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("when: //t:CreateResponse", "when: //x:CreateResponse", "is no XPath"),
        ('${record.Total}", note', '${record.Total | dezimal(2)}", note', "did you mean `decimal`"),
        ("${settings.address}", "${settings.adress}", "did you mean `address`"),
        ('${record.Total}", note', '${recrod.Total}", note', "begins with nothing known"),
        ("fault_string: locked", "fault_string: '(locked'", "is no pattern"),
        ("is: retry", "is: retri", "retry"),
        ("lookup:", "lookups:", "did you mean `lookup`"),
        ("operation: Find", "operation: Find\n    endpoint: posted", "`endpoints` has no `posted`"),
        ("    record_id: //t:id\nlookup", "lookup", "no step has a record_id"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_profile_has_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in PROFILE
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_profile(path)

    told = [str(problem) for problem in caught.value.problems]
    assert any(words in each for each in told), told
    assert all(each.startswith("profile.yaml:") for each in told)

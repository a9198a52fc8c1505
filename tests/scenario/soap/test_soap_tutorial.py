"""docs/erps/tutorial.md, run as it is written: its files are saved, its commands end well."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.adapters.soap.load import load_profile
from connector.cli.app import app
from connector.cli.exits import run_and_explain
from connector.cli.init_erp import write_erp_config
from connector.cli.sandbox_setup import TENANT
from connector.config import load_config
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.erp.sandbox import ErpSandbox
from connector.sandbox.server import SandboxServer
from connector.shipped_files import shipped
from tests.scenario.soap.world import invoices

PAGE = Path(__file__).parents[3] / "docs" / "erps" / "tutorial.md"
FILE = re.compile(r"[Ss]ave as `(?P<name>[\w.]+)`:\n\n(?P<block>(?:(?: {4}.*)?\n)+?)(?=\S|\n {4}docflo)")
COMMAND = re.compile(r"^ {4}docflo-connector (?!sandbox)(.+)$", re.MULTILINE)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ErpSandbox]]:
    """Give the text with the addresses of servers that run, and the ERP behind it."""
    monkeypatch.setenv("DOCFLO_API_KEY", "sandbox-key")
    erp = ErpSandbox()
    docflo = DocfloSandbox(tenant_id=TENANT, documents=invoices(3), rate_limit=None)
    with SandboxServer(docflo.app) as docflo_server, SandboxServer(erp.app) as erp_server:
        text = PAGE.read_text(encoding="utf-8")
        text = text.replace("http://127.0.0.1:8090", docflo_server.url)
        yield text.replace("http://127.0.0.1:8100", erp_server.url), erp


def test_the_tutorial_delivers_invoices(
    page: tuple[str, ErpSandbox],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text, erp = page
    monkeypatch.chdir(tmp_path)
    saved = {found["name"]: found["block"] for found in FILE.finditer(text)}
    for name, block in saved.items():
        (tmp_path / name).write_text(re.sub("^ {4}", "", block, flags=re.MULTILINE), encoding="utf-8")

    told = {command: _run(monkeypatch, capsys, command) for command in COMMAND.findall(text)}

    assert sorted(saved) == ["config.yaml", "erp.yaml", "find.yaml", "mapping.yaml"]
    assert [command for command, (code, _) in told.items() if code != 0] == [], told
    assert len(told) == 9
    assert "not_found" in next(said for command, (_, said) in told.items() if "profile call" in command)
    assert sorted(erp.rows_by_key().values()) == [1, 1, 1]


def test_init_writes_a_configuration_that_delivers_with_a_shipped_profile(
    page: tuple[str, ErpSandbox],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text, erp = page
    [docflo] = re.findall(r'base_url: "([^"]+)"', text)
    [address] = set(re.findall(r"--set address=(\S+)", text))
    monkeypatch.chdir(tmp_path)
    init = (
        f"init --profile sandbox-erp-invoice --tenant-id {TENANT} --base-url {docflo} --since 2026-01-01"
        f" --set address={address} --set account=4000 --set payment_terms=30D"
    )

    told = [
        _run(monkeypatch, capsys, command)
        for command in (init, "database upgrade", "check", "sync", f"{init} --tenant-id other")
    ]

    assert [code for code, _ in told] == [0, 0, 0, 0, 2], told
    assert "preview invoices-to-erp" in told[0][1]
    assert sorted(erp.rows_by_key().values()) == [1, 1, 1]


def test_init_knows_a_mapping_for_every_shipped_profile(tmp_path: Path) -> None:
    for path in shipped("soap").glob("*.yaml"):
        settings = [f"{name}=x" for name in load_profile(path).settings]
        folder = tmp_path / path.stem

        write_erp_config(
            folder, path.stem, settings, tenant_id="t", base_url="https://api.docflo.ai", since="2026-01-01"
        )

        assert load_config(folder / "config.yaml", offline=True).targets["erp"].model_dump()["profile"]


def _run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["docflo-connector", *shlex.split(command)])
    code = run_and_explain(app)
    told = capsys.readouterr()
    return code, told.out + told.err

"""`check` against an ERP: what changed there since the profile was written."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from connector.adapters.base import Finding
from connector.adapters.soap.adapter import SoapAdapter
from connector.adapters.soap.settings import SoapSettings
from connector.clock import utc_now
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.server import SandboxServer

SAMPLE = Path(__file__).parents[1] / "samples" / "soap" / "erp.yaml"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with SandboxServer(ErpSandbox().app) as server:
        yield f"{server.url}{PATH}"


def drift(folder: Path, address: str, wsdl: str) -> list[Finding]:
    """Check a profile with this WSDL section, and give what is said of it."""
    text = SAMPLE.read_text(encoding="utf-8")
    changed = re.sub(r"^wsdl:.*\n(?: .*\n)*", f"{wsdl}\n", text, flags=re.MULTILINE)
    (folder / "profile.yaml").write_text(changed, encoding="utf-8")
    (folder / "secret").write_text("x", encoding="utf-8")
    settings = SoapSettings.model_validate({
        "adapter": "soap",
        "profile": folder / "profile.yaml",
        "settings": {"address": address},
        "secrets": dict.fromkeys(("user", "password"), f"${{file:{folder / 'secret'}}}"),
    })  # fmt: skip
    soap = SoapAdapter(settings, clock=utc_now)
    try:
        return [finding for finding in soap.check([]) if finding.subject.startswith("wsdl")]
    finally:
        soap.close()


KEPT = 'wsdl: {file: kept.wsdl, url: "${settings.address}?wsdl", hosts: [127.0.0.1]}'


def test_a_wsdl_that_is_as_it_was_is_said_to_be(tmp_path: Path, address: str) -> None:
    (tmp_path / "kept.wsdl").write_bytes(httpx.get(f"{address}?wsdl").content)

    told = drift(tmp_path, address, KEPT)

    assert "the ERP shows the 4 document(s) that the profile keeps" in [each.message for each in told]


def test_what_the_erp_shows_otherwise_now_is_named(tmp_path: Path, address: str) -> None:
    kept = httpx.get(f"{address}?wsdl").text
    schema = f"{address}?xsd=messages.xsd"
    assert schema in kept
    (tmp_path / "old.xsd").write_text(httpx.get(schema).text.replace("</xs:schema>", "<!-- --></xs:schema>"))
    (tmp_path / "kept.wsdl").write_text(kept.replace(schema, "old.xsd"), encoding="utf-8")

    told = drift(tmp_path, address, KEPT)

    assert "the ERP shows others than the profile keeps: soap?wsdl, soap?xsd=messages.xsd" in [
        each.message for each in told
    ]


def test_a_wsdl_other_than_the_pinned_one_is_not_used(tmp_path: Path, address: str) -> None:
    told = drift(tmp_path, address, f'wsdl: {{url: "${{settings.address}}?wsdl", sha256: {"0" * 64}}}')

    assert any("is not the one that the profile pins: its fingerprint is" in each.message for each in told)

"""The profiles that ship with the package: each loads, and every message of its examples can be built.

The WSDLs under `wsdl/` are ours, in the names that the vendors document. What a vendor's own file says
otherwise is found by `check`, not here.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.adapters.base import Severity
from connector.adapters.soap.check import check_offline
from connector.adapters.soap.delivery import scope_of
from connector.adapters.soap.erp import Erp
from connector.adapters.soap.load import load_profile
from connector.adapters.soap.settings import SoapSettings
from connector.adapters.soap.uses import refuse_unused, uses_of
from connector.mapping.apply import apply_mapping
from connector.mapping.load import load_mapping
from connector.sandbox.erp.service_files import FOLDER
from connector.shipped_files import shipped
from tests.scenario.soap.world import dolibarr_wsdl

OURS = Path(__file__).parent / "wsdl"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A profile, the mapping for it, and the WSDLs that stand in for the vendor's."""

    name: str
    mapping: str
    wsdls: Mapping[str, str] = field(default_factory=dict)  # the profile's address -> our file
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


BOTH = ("user", "password")
ADDRESS = {"address": "https://erp.example.com/x"}
ALL = (
    Shipped(
        name="sandbox-erp-invoice",
        mapping="invoice-erp",
        wsdls={"${settings.address}?wsdl": "erp.wsdl"},
        settings={**ADDRESS, "account": "4000", "payment_terms": "30D"},
    ),
    Shipped(
        name="sandbox-erp-order",
        mapping="purchase-order-erp",
        wsdls={"${settings.address}?wsdl": "erp.wsdl"},
        settings=ADDRESS,
    ),
    Shipped(
        name="dolibarr-invoice",
        mapping="customer-invoice-erp",
        wsdls={"${settings.address}?wsdl": "dolibarr-invoice.wsdl"},
        settings=ADDRESS,
        secrets=("key", "login", "password"),
    ),
    Shipped(
        name="dolibarr-order",
        mapping="customer-order-erp",
        wsdls={"${settings.address}?wsdl": "dolibarr-order.wsdl"},
        settings=ADDRESS,
        secrets=("key", "login", "password"),
    ),
    Shipped(
        name="netsuite-vendor-bill",
        mapping="invoice-amounts-erp",
        wsdls={"https://webservices.netsuite.com/wsdl/v2025_2_0/netsuite.wsdl": "netsuite.wsdl"},
        settings={"account": "1234567_SB1", "account_host": "1234567-sb1", "expense_account": "58"},
        secrets=("consumer_key", "consumer_secret", "token", "token_secret"),
    ),
    Shipped(
        name="dynamics-purchase-invoice",
        mapping="invoice-erp",
        wsdls={
            "${settings.address}/Page/PurchaseInvoice": "dynamics-invoice.wsdl",
            "${settings.address}/Page/PostedPurchaseInvoice": "dynamics-posted.wsdl",
        },
        settings={**ADDRESS, "account": "8410"},
        secrets=BOTH,
    ),
    Shipped(
        name="sage-x3-invoice",
        mapping="invoice-erp",
        wsdls={"${settings.address}?wsdl": "sage-x3.wsdl"},
        settings={**ADDRESS, "pool": "DOCFLO", "language": "ENG", "site": "FR011", "invoice_type": "PIN"},
        secrets=BOTH,
    ),
    Shipped(
        name="sap-bapi-invoice",
        mapping="invoice-amounts-erp",
        settings={**ADDRESS, "company_code": "1000", "gl_account": "0000400000", "tax_code": "V1"},
        secrets=BOTH,
    ),
)


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def each(request: pytest.FixtureRequest) -> Shipped:
    found: Shipped = request.param
    return found


@pytest.fixture
def erp(each: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Erp:
    return open_erp(each, tmp_path, monkeypatch)


def open_erp(each: Shipped, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Erp:
    """Give the ERP of a profile, its WSDLs replaced by ours."""
    return Erp(load_profile(_profile(each, folder)), settings_of(each, folder, monkeypatch), lambda: NOW)


def _profile(each: Shipped, folder: Path) -> Path:
    shutil.copytree(OURS, folder / "wsdl")
    shutil.copytree(FOLDER, folder / "wsdl", dirs_exist_ok=True)
    for kind in ("Invoice", "Order"):
        text = dolibarr_wsdl().replace("WebServicesDolibarrInvoice", f"WebServicesDolibarr{kind}")
        (folder / "wsdl" / f"dolibarr-{kind.lower()}.wsdl").write_text(text, encoding="utf-8")
    text = (shipped("soap") / f"{each.name}.yaml").read_text(encoding="utf-8")
    for address, file in each.wsdls.items():
        for spelt in (f'url: "{address}"', f"url: {address}"):
            text = text.replace(f"{spelt}}}", f"file: wsdl/{file}}}").replace(
                f"{spelt} ", f"file: wsdl/{file} "
            )
    path = folder / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def settings_of(each: Shipped, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SoapSettings:
    for name in each.secrets:
        monkeypatch.setenv(f"ERP_{name.upper()}", f"secret-{name}")
    return SoapSettings.model_validate({
        "adapter": "soap",
        "profile": folder / "profile.yaml",
        "settings": dict(each.settings),
        "secrets": {name: f"${{env:ERP_{name.upper()}}}" for name in each.secrets},
    })  # fmt: skip


def test_every_shipped_profile_is_listed_here() -> None:
    assert sorted(each.name for each in ALL) == sorted(path.stem for path in shipped("soap").glob("*.yaml"))


def test_every_message_of_the_examples_is_built(
    each: Shipped, erp: Erp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [*check_offline(erp, settings_of(each, tmp_path, monkeypatch))]

    assert [finding.message for finding in findings if finding.severity is Severity.ERROR] == []
    assert any("message(s) built" in finding.message for finding in findings)


def test_what_we_make_ready_is_written_as_zeep_writes_what_it_makes_itself(
    each: Shipped, erp: Erp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = _created(erp)
    monkeypatch.setattr("connector.adapters.soap.shape.Ready", dict)

    assert ours == _created(Erp(erp.profile, settings_of(each, tmp_path, monkeypatch), lambda: NOW))


def _created(erp: Erp) -> list[bytes]:
    step = erp.profile.steps[0]
    return [erp.build(step.call, scope_of(erp, record)).body() for record in erp.profile.examples]


def test_the_profile_takes_all_that_its_mapping_gives(each: Shipped, erp: Erp) -> None:
    mapping = load_mapping(shipped("mappings") / f"{each.mapping}.yaml")

    for example in mapping.examples:
        record = apply_mapping(mapping, example.document, key="tenant:pipeline:id")
        refuse_unused(erp.profile, uses_of(erp.profile), record)

    assert mapping.record.object == erp.profile.object


def test_every_profile_names_its_page_and_its_schema(each: Shipped) -> None:
    text = (shipped("soap") / f"{each.name}.yaml").read_text(encoding="utf-8")
    page = next(word for word in text.split() if word.startswith("docs/erps/")).rstrip(".;,")

    assert text.startswith("# yaml-language-server: $schema=../docs/schemas/profile.schema.json\n")
    assert (Path(__file__).parents[2] / page).exists()

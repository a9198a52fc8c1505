"""WSDLs and servers of four styles that the adapter has no code for: each works by a profile alone."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from lxml import etree

from connector.adapters.soap.adapter import SoapAdapter
from connector.adapters.soap.load import load_profile
from connector.adapters.soap.settings import SoapSettings
from connector.clock import utc_now
from connector.errors import OutcomeUnknownError, RejectedError, UnavailableError
from connector.record import Receipt, Record
from tests.soap.foreign_erps import FOLDER, Booking, DotNet, Foreign, Ledger, Posting, modern_fault
from tests.soap.test_profile_commands import run
from tests.soap.tiny import Request, Response, serving

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
GUID = "7f1c2a3b-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Style:
    """One of the ERPs, its profile, and how its WSDL is named on a command line."""

    erp: Callable[[], Foreign]
    profile: str
    wsdl: str
    create: str
    words: tuple[str, ...] = ()


STYLES = {
    "records": Style(
        Ledger, "ledger", "records/services/ledger.wsdl", "save", ("--folder", "records", "--port", "Classic")
    ),
    "encoded": Style(Posting, "posting", "encoded.wsdl", "post"),
    "soap 1.2": Style(Booking, "booking", "modern/booking.wsdl", "Book"),
    "dotnet": Style(DotNet, "dotnet", "dotnet.asmx.wsdl", "AddInvoice"),
}
each_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def adapter(style: Style, address: str) -> SoapAdapter:
    settings = SoapSettings.model_validate({
        "adapter": "soap",
        "profile": FOLDER / f"{style.profile}.yaml",
        "settings": {"address": address},
    })  # fmt: skip
    return SoapAdapter(settings, clock=utc_now)


def record(style: Style) -> Record:
    """Give the example of the profile, as a mapping would make it."""
    [example] = load_profile(FOLDER / f"{style.profile}.yaml").examples
    return example


@each_style
def test_a_new_profile_of_the_wsdl_loads_and_names_every_element(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(FOLDER, tmp_path / "erp")
    monkeypatch.chdir(tmp_path / "erp")

    assert run(monkeypatch, "profile", "new", "--wsdl", style.wsdl, *style.words, "-o", "new.yaml") == 0

    profile = load_profile(tmp_path / "erp" / "new.yaml")
    lookup = profile.lookups[0].call.operation
    assert profile.steps[0].call.operation == style.create
    assert run(monkeypatch, "profile", "call", "new.yaml", lookup, "--show") == 2
    assert f"{lookup} was not sent" in capsys.readouterr().err


@each_style
def test_check_builds_every_message_of_the_finished_profile(
    style: Style, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "profile", "check", str(FOLDER / f"{style.profile}.yaml")) == 0

    assert "2 message(s) built from 1 example(s)" in capsys.readouterr().out


@each_style
def test_call_makes_one_call(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = FOLDER / f"{style.profile}.yaml"
    lookup = yaml.safe_load(profile.read_text(encoding="utf-8"))["lookup"][0]
    body = tmp_path / "body.yaml"
    body.write_text(yaml.safe_dump(lookup["body"]).replace("${key}", GUID), encoding="utf-8")
    erp = style.erp()

    with serving(erp.answer) as address:
        words = ["profile", "call", str(profile), lookup["operation"], "--body", str(body)]
        assert run(monkeypatch, *words, "--set", f"address={address}") == 0

    assert "as a lookup this is: not_found" in capsys.readouterr().out
    assert erp.refusals == []


@each_style
def test_a_record_is_delivered_and_found_and_delivered_once(style: Style) -> None:
    erp = style.erp()
    with serving(erp.answer) as address:
        soap = adapter(style, address)

        first = soap.deliver([record(style)])
        found = soap.lookup([record(style)])
        again = soap.deliver([record(style)])
        soap.close()

    assert erp.refusals == []
    assert [first, found, again] == [
        [Receipt(id="1", created=True)],
        [Receipt(id="1", created=False)],
        [Receipt(id="1", created=False)],
    ]
    assert list(erp.rows.values()) == [[Decimal("12.50")]]


@each_style
def test_a_lost_answer_leaves_a_doubt_that_a_lookup_ends(style: Style) -> None:
    erp = style.erp()
    erp.instead = lambda _body: Response(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})
    with serving(erp.answer) as address:
        soap = adapter(style, address)

        with pytest.raises(OutcomeUnknownError):
            soap.deliver([record(style)])
        found = soap.lookup([record(style)])
        soap.close()

    assert found == [Receipt(id="1", created=False)]
    assert [len(rows) for rows in erp.rows.values()] == [1]


def test_types_of_an_encoded_message_can_be_left_out(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "erp")
    profile = tmp_path / "erp" / "posting.yaml"
    text = profile.read_text(encoding="utf-8").replace("binding: {", "binding: {xsi_types: false, ")
    profile.write_text(text, encoding="utf-8")
    sent: list[bytes] = []

    def answer(request: Request) -> Response:
        sent.append(request.body)
        return Posting().answer(request)

    with serving(answer) as address:
        target = {"adapter": "soap", "profile": profile, "settings": {"address": address}}
        soap = SoapAdapter(SoapSettings.model_validate(target), clock=utc_now)
        with pytest.raises(OutcomeUnknownError, match="cannot look"):
            soap.lookup([record(STYLES["encoded"])])
        soap.close()

    assert len(sent) == 1
    assert b"xsi:type=" not in sent[0]


def test_a_block_of_the_header_can_say_that_it_must_be_understood(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "erp")
    profile, wsdl = tmp_path / "erp" / "dotnet.yaml", tmp_path / "erp" / "dotnet.asmx.wsdl"
    text = profile.read_text(encoding="utf-8").replace("ns: {", f'ns: {{s: "{SOAP_11}", ')
    words = 'value: {"@s:mustUnderstand": "1", '
    profile.write_text(text.replace("value: {", words, 1), encoding="utf-8")
    declared = wsdl.read_text(encoding="utf-8")
    last = declared.rindex("<s:anyAttribute/>")  # the block's type knows no other attributes
    declared = declared[:last] + declared[last:].replace("<s:anyAttribute/>", "", 1)
    wsdl.write_text(declared, encoding="utf-8")
    blocks: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        block = etree.fromstring(request.body).find(".//{http://tempuri.org/}AuthHeader")
        assert block is not None
        blocks.append(dict(block.attrib))
        return DotNet().answer(request)

    with serving(answer) as address:
        target = {"adapter": "soap", "profile": profile, "settings": {"address": address}}
        soap = SoapAdapter(SoapSettings.model_validate(target), clock=utc_now)
        soap.lookup([record(STYLES["dotnet"])])
        soap.close()

    assert blocks == [{f"{{{SOAP_11}}}mustUnderstand": "1"}]


def test_a_number_that_an_encoded_reply_only_refers_to_becomes_the_receipt() -> None:
    reply = (
        '<p:postResponse xmlns:p="urn:posting"><postReturn href="#id0"/></p:postResponse>'
        '<multiRef id="id0">1</multiRef>'
    )
    style, erp = STYLES["encoded"], Posting()
    erp.instead = lambda _body: erp.sent(reply)
    with serving(erp.answer) as address:
        soap = adapter(style, address)
        outcomes = soap.deliver([record(style)])
        soap.close()

    assert outcomes == [Receipt(id="1", created=True)]


ROOT = b"Content-Type: application/xop+xml\r\nContent-ID: <root>\r\n\r\n"
FILE = b"Content-Type: application/pdf\r\nContent-ID: <pdf>\r\n\r\n%PDF"


@pytest.mark.parametrize("root_first", [True, False], ids=["first", "second"])
def test_a_multipart_reply_is_read_by_its_root_part(*, root_first: bool) -> None:
    def multipart(body: bytes) -> Response:
        parts = [ROOT + body, FILE] if root_first else [FILE, ROOT + body]
        content = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
        return Response(200, content, {"Content-Type": 'multipart/related; boundary="b"; start="<root>"'})

    erp = Booking(instead=multipart)
    with serving(erp.answer) as address:
        soap = adapter(STYLES["soap 1.2"], address)
        outcomes = soap.deliver([record(STYLES["soap 1.2"])])
        soap.close()

    assert outcomes == [Receipt(id="1", created=True)]


@pytest.mark.parametrize(
    ("subcode", "blame", "expected", "words"),
    [
        ("Locked", "Receiver", UnavailableError, "Locked: in use"),
        ("Closed", "Receiver", RejectedError, "Closed: in use"),
        ("Strange", "Receiver", OutcomeUnknownError, "Strange: in use"),
        ("Strange", "Sender", RejectedError, "Strange: in use"),
    ],
)
def test_a_fault_of_soap_12_is_judged_by_its_subcode(
    subcode: str, blame: str, expected: type[Exception], words: str
) -> None:
    erp = Booking(refuse=modern_fault(subcode, "in use", blame))
    with serving(erp.answer) as address:
        soap = adapter(STYLES["soap 1.2"], address)
        try:
            [outcome] = soap.deliver([record(STYLES["soap 1.2"])])
        except (UnavailableError, OutcomeUnknownError) as error:
            outcome = error
        soap.close()

    assert type(outcome) is expected
    assert words in str(outcome)
    assert erp.rows == {}

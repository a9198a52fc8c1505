"""WSDLs as they come: big, broken, behind a login, reaching for what they must not."""

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.adapters.soap import wsdl as module
from connector.adapters.soap.documents import WsdlSource
from connector.adapters.soap.made import Branch, Leaf
from connector.adapters.soap.message import Endpoint, MisfitError
from connector.adapters.soap.wsdl import Wsdl, load_wsdl, operation, parse_wsdl
from connector.errors import ConfigError
from tests.soap.big_wsdl import FILES, write_big_wsdl
from tests.soap.tiny import FOLDER

TRIES = 8
TINY = (FOLDER / "tiny.wsdl").read_text(encoding="utf-8")


OTHER = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>'


def importing(location: str) -> str:
    """Give the tiny WSDL with an import from there."""
    first = '<xs:element name="Create">'
    return TINY.replace(first, f'<xs:import namespace="urn:o" schemaLocation="{location}"/>{first}', 1)


def load(folder: Path, text: str) -> Wsdl:
    (folder / "x.wsdl").write_text(text, encoding="utf-8")
    return parse_wsdl(WsdlSource(location=str(folder / "x.wsdl")))


def test_a_big_wsdl_is_parsed_once_for_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = WsdlSource(location=str(write_big_wsdl(tmp_path)))
    parsed: list[Wsdl] = []
    parse = module.parse_wsdl

    def counting(source: WsdlSource, **parts: object) -> Wsdl:
        parsed.append(parse(source, **parts))  # type: ignore[arg-type]
        return parsed[-1]

    monkeypatch.setattr(module, "parse_wsdl", counting)
    threads = [threading.Thread(target=load_wsdl, args=(source,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(parsed) == 1
    assert parsed[0].documents == FILES + 1
    assert parsed[0].bytes > 3_000_000


@pytest.fixture
def undisturbed() -> Iterator[None]:
    """Keep the garbage collector from walking through what other tests left behind."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("undisturbed")
def test_a_big_wsdl_costs_less_than_a_second_and_then_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = WsdlSource(location=str(write_big_wsdl(tmp_path)))
    # Half a second of the processor. What shares the core makes it more: one of several tries has it alone.
    spent: list[float] = []
    while len(spent) < TRIES and min(spent, default=1) >= 1:
        module._loaded.clear()  # noqa: SLF001 as in a new process
        begin = time.process_time()
        first = load_wsdl(source)
        spent.append(time.process_time() - begin)
    monkeypatch.setattr(module, "parse_wsdl", None)  # whoever parses again fails

    assert load_wsdl(source) is first
    assert min(spent) < 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE html><html><body>Log in</body></html>", "HTML page, not a WSDL"),
        ("no xml at all", "no XML"),
        ('<?xml version="1.0"?>\n<!DOCTYPE html>\n<html xmlns="x"/>', "HTML page, not a WSDL"),
        ("<note/>", "neither a WSDL nor a schema"),
        ('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions>&x;</definitions>', "DOCTYPE"),
        (importing("/etc/hosts"), "outside of its folder"),
        (importing("../o.xsd"), "outside of its folder"),
        (importing("http://evil.invalid/o.xsd"), "not in the catalogue"),
        (importing("gone.xsd"), "cannot read gone.xsd"),
        (TINY.replace('type="t:Tiny"', 'type="t:Other"'), "broken"),
    ],
)  # fmt: skip
def test_a_wsdl_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, text)


def test_an_operation_that_cannot_be_resolved_is_an_error_and_not_missing(tmp_path: Path) -> None:
    wsdl = load(
        tmp_path, TINY.replace('<part name="p" element="t:Find"/>', '<part name="p" element="t:Gone"/>')
    )

    with pytest.raises(ConfigError, match="Find"):
        operation(wsdl.port(None, None), "Find", wsdl)
    assert wsdl.warnings


def test_an_unknown_operation_or_port_names_what_there_is(tmp_path: Path) -> None:
    wsdl = load(tmp_path, TINY)

    with pytest.raises(ConfigError, match="did you mean `Create`"):
        operation(wsdl.port(None, None), "Creat", wsdl)
    with pytest.raises(ConfigError, match="it has Tiny/Tiny"):
        wsdl.port("Tiny", "Huge")


def test_an_import_is_read_from_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "kept.xsd").write_text(OTHER, encoding="utf-8")
    (tmp_path / "x.wsdl").write_text(importing("http://vendor.invalid/o.xsd"), encoding="utf-8")
    catalog = {"http://vendor.invalid/o.xsd": tmp_path / "kept.xsd"}

    wsdl = parse_wsdl(WsdlSource(location=str(tmp_path / "x.wsdl"), catalog=catalog))

    assert wsdl.documents == 2


@pytest.mark.parametrize(
    ("namespace", "place"),
    [
        ("http://www.w3.org/2005/05/xmlmime", "http://www.w3.org/2005/05/xmlmime"),
        ("http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2001/xml.xsd"),
        ("http://schemas.xmlsoap.org/soap/encoding/", "http://schemas.xmlsoap.org/soap/encoding/"),
    ],
)
def test_schemas_that_everybody_imports_need_no_network(tmp_path: Path, namespace: str, place: str) -> None:
    wsdl = load(tmp_path, importing(place).replace("urn:o", namespace))

    assert wsdl.documents == 2
    assert len(wsdl.fingerprints) == 1  # they change with the connector, not with the ERP


def test_imports_may_come_from_a_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "o.xsd").write_text(OTHER, encoding="utf-8")
    path = tmp_path / "service" / "x.wsdl"
    path.write_text(importing("../o.xsd"), encoding="utf-8")

    assert parse_wsdl(WsdlSource(location=str(path), folder=tmp_path)).documents == 2


def test_a_changed_import_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "o.xsd").write_text(OTHER, encoding="utf-8")
    before = load(tmp_path, importing("o.xsd")).sha256
    (tmp_path / "o.xsd").write_text(OTHER.replace("/>", "> </xs:schema>"), encoding="utf-8")

    assert load(tmp_path, importing("o.xsd")).sha256 != before


def endpoint(folder: Path) -> Endpoint:
    return Endpoint(load(folder, TINY), service=None, port=None, address=None, ns={"t": "urn:tiny"})


def test_unknown_and_missing_elements_are_all_named_at_once(tmp_path: Path) -> None:
    body = Branch({"Key": Leaf("k"), "note": Leaf("x" * 21, "record.Note")})

    with pytest.raises(MisfitError) as caught:
        endpoint(tmp_path).build("Create", body)

    told = [f"{each.path} ({each.source}): {each.message}" for each in caught.value.misfits]
    assert told == [
        "Key (): the WSDL has no such element here; did you mean `key`?",
        "note (record.Note): is 21 characters long, at most 20 are taken",
        "key (): required by the WSDL, and the profile sends nothing",
        "total (): required by the WSDL, and the profile sends nothing",
    ]


def test_well_known_schemas_are_found_when_an_import_names_no_place(tmp_path: Path) -> None:
    imports = "".join(
        f'<xs:import namespace="{namespace}"/>'
        for namespace in (
            "http://www.w3.org/2005/08/addressing",
            "http://www.w3.org/2003/05/soap-encoding",
            "http://ws-i.org/profiles/basic/1.1/xsd",
        )
    )
    uses = (
        '<xs:element xmlns:a="http://www.w3.org/2005/08/addressing" name="Where" '
        'type="a:EndpointReferenceType"/>'
        '<xs:element xmlns:w="http://ws-i.org/profiles/basic/1.1/xsd" name="File" type="w:swaRef"/>'
        '<xs:element name="Rows"><xs:complexType xmlns:e="http://www.w3.org/2003/05/soap-encoding">'
        '<xs:attribute ref="e:itemType"/></xs:complexType></xs:element>'
    )
    first = '<xs:element name="Create">'
    plain = load(tmp_path, TINY)

    wsdl = load(tmp_path, TINY.replace(first, f"{imports}{uses}{first}", 1))

    assert wsdl.types.get_element("{urn:tiny}Where").type.name == "EndpointReferenceType"
    assert wsdl.documents == plain.documents + 3
    assert len(wsdl.fingerprints) == 1  # bundled ones change with us, not with the ERP

"""A WSDL of many schemas and several megabytes, as a vendor of a whole ERP ships one."""

from pathlib import Path

FILES = 46
TYPES = 40
ELEMENTS = 14

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XSD = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
_WORDS = (
    "This element of the record is described at some length, as vendors do in every one of their schemas. "
)


def write_big_wsdl(folder: Path) -> Path:
    """Write the WSDL with its schemas, and give its file."""
    for number in range(FILES):
        (folder / f"part{number}.xsd").write_text(_schema(number), encoding="utf-8")
    (folder / "big.wsdl").write_text(_wsdl(), encoding="utf-8")
    return folder / "big.wsdl"


def _schema(number: int) -> str:
    before = (
        f'<xs:import namespace="urn:big:{number - 1}" schemaLocation="part{number - 1}.xsd"/>'
        if number
        else ""
    )
    types = "".join(_type(number, at) for at in range(TYPES))
    return (
        f'{_HEAD}<xs:schema {_XSD} xmlns:o="urn:big:{max(number - 1, 0)}" xmlns:t="urn:big:{number}" '
        f'targetNamespace="urn:big:{number}" elementFormDefault="qualified">{before}{types}'
        f'<xs:element name="Root{number}" type="t:Type0"/></xs:schema>'
    )


def _type(number: int, at: int) -> str:
    other = f'<xs:element name="other" type="o:Type{at}" minOccurs="0"/>' if number else ""
    elements = "".join(
        f'<xs:element name="field{field}" type="xs:{kind}" minOccurs="0">'
        f"<xs:annotation><xs:documentation>{_WORDS}</xs:documentation></xs:annotation></xs:element>"
        for field, kind in zip(
            range(ELEMENTS), ["string", "decimal", "date", "boolean", "int"] * ELEMENTS, strict=False
        )
    )
    return f'<xs:complexType name="Type{at}"><xs:sequence>{elements}{other}</xs:sequence></xs:complexType>\n'


def _wsdl() -> str:
    imports = "".join(
        f'<xs:import namespace="urn:big:{number}" schemaLocation="part{number}.xsd"/>'
        for number in range(FILES)
    )
    messages = "".join(
        f'<message name="M{number}"><part name="p" element="b{number}:Root{number}"/></message>'
        for number in range(FILES)
    )
    operations = "".join(
        f'<operation name="Add{number}"><input message="s:M{number}"/>'
        f'<output message="s:M{number}"/></operation>'
        for number in range(FILES)
    )
    bound = "".join(
        f'<operation name="Add{number}"><soap:operation soapAction="Add{number}"/>'
        '<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>'
        for number in range(FILES)
    )
    prefixes = " ".join(f'xmlns:b{number}="urn:big:{number}"' for number in range(FILES))
    return (
        f'{_HEAD}<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" {_XSD} {prefixes} xmlns:s="urn:big" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" targetNamespace="urn:big">'
        f'<types><xs:schema targetNamespace="urn:big">{imports}</xs:schema></types>{messages}'
        f'<portType name="Big">{operations}</portType><binding name="Big" type="s:Big">'
        f'<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>'
        '<service name="Big"><port name="Big" binding="s:Big"><soap:address location="http://big.invalid/"/></port>'
        "</service></definitions>"
    )

"""What `mapping new` asks of an org: an object's fields, and the objects that are its lines. Reads only."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from connector.adapters.base import TargetField, TargetLines, TargetObject
from connector.adapters.salesforce.check import object_names
from connector.adapters.salesforce.describe import FieldShape, read_object
from connector.adapters.salesforce.findings import CURRENCY_CODE, did_you_mean
from connector.adapters.salesforce.json_text import expected
from connector.adapters.salesforce.transport import Transport
from connector.errors import ConfigError

_TYPES: Mapping[str, str] = {
    "boolean": "boolean",
    "currency": "decimal",  # an amount; the code stands in CurrencyIsoCode
    "date": "date",
    "datetime": "datetime",
    "double": "decimal",
    "int": "integer",
    "long": "integer",
    "percent": "decimal",
}
_TEXTS = frozenset(
    {
        "combobox",
        "email",
        "encryptedstring",
        "multipicklist",
        "phone",
        "picklist",
        "string",
        "textarea",
        "url",
    }
)
_MOST_KINDS_OF_LINES = 5  # each costs a call


def describe_object(
    transport: Transport, version: str, name: str, *, own: Collection[str] = ()
) -> TargetObject:
    """Give an object and its lines. `own`: fields of it that no mapping fills, since the adapter does.

    Raises: ConfigError when the org shows this user no such object.
    """
    body = _describe(transport, version, name)
    if body is None:
        message = (
            f"the org shows this user no object {name}{did_you_mean(name, object_names(transport, version))}"
        )
        raise ConfigError(
            message, remedy="name another one, or give the integration user the right to see it"
        )
    described = _read(body, tuple(_lines(transport, version, body)))
    ours = {each.lower() for each in own}
    return replace(
        described, fields=tuple(each for each in described.fields if each.name.lower() not in ours)
    )


def _describe(transport: Transport, version: str, name: str) -> Mapping[str, object] | None:
    body = transport.read_if_known(f"/services/data/v{version}/sobjects/{name}/describe")
    return None if body is None else expected(body, dict, "describe")


def _lines(transport: Transport, version: str, body: Mapping[str, object]) -> Iterator[TargetLines]:
    children = body.get("childRelationships")
    details = [
        (str(child["childSObject"]), str(child["field"]))
        for child in (children if isinstance(children, list) else ())
        if isinstance(child, dict) and "field" in child and _is_detail(child)
    ]
    for name, field in details[:_MOST_KINDS_OF_LINES]:
        described = _describe(transport, version, name)
        if described is not None and described.get("createable") is not False:
            yield TargetLines(object=_read(described, ()), parent_field=field)


def _is_detail(child: Mapping[str, object]) -> bool:
    # Deleted with the header, and not one of the shares, histories and attachments that every object has.
    name = str(child.get("childSObject") or "")
    return child.get("cascadeDelete") is True and (name.endswith(("__c", "LineItem", "Item", "Line")))


def _read(body: Mapping[str, object], lines: tuple[TargetLines, ...]) -> TargetObject:
    shape = read_object(body)
    entries = body.get("fields")
    labels = {
        str(entry.get("name")): str(entry.get("label") or "")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    }
    return TargetObject(
        name=shape.name,
        label=str(body.get("label") or ""),
        fields=tuple(
            _field(field, labels.get(field.name, "")) for field in shape.fields.values() if field.createable
        ),
        lines=lines,
        ignores_case=True,
    )


def _field(field: FieldShape, label: str) -> TargetField:
    is_text = field.type in _TEXTS
    kind = (
        "currency" if field.name == CURRENCY_CODE else _TYPES.get(field.type, "string" if is_text else None)
    )
    return TargetField(
        name=field.name,
        label=label,
        type=kind,
        is_required=field.is_required,
        length=(field.length or None) if is_text else None,
        is_key=field.is_key and field.is_unique,
        choices=field.picklist or (),
        refers_to=field.refers_to,
        named_through=field.relationship or "",
    )

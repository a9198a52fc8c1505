"""An org of another trade, with none of the standard catalogue's names and every type of field."""

from connector.sandbox.salesforce.schema import Field, FieldType, ObjectType, RecordType

AIR = "012Sb00000000A1IAI"
SEA = "012Sb00000000A2IAI"

_SYSTEM_TYPES: dict[str, FieldType] = {
    "Id": "id",
    "IsDeleted": "boolean",
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
}
_SYSTEM = tuple(
    Field(
        name=name,
        label=name,
        type=kind,
        nillable=False,
        createable=False,
        updateable=False,
        defaulted_on_create=True,
        id_lookup=name == "Id",
    )
    for name, kind in _SYSTEM_TYPES.items()
)

CARRIER = ObjectType(
    name="Carrier__c",
    label="Carrier",
    label_plural="Carriers",
    key_prefix="b01",
    fields=(
        *_SYSTEM,
        Field(name="Name", label="Carrier Name", type="string", length=80, id_lookup=True, name_field=True),
        Field(
            name="Scac__c",
            label="SCAC",
            type="string",
            length=4,
            unique=True,
            external_id=True,
            case_sensitive=True,
        ),
        Field(name="Region__c", label="Region", type="string", length=20, external_id=True),
    ),
)

WAYBILL = ObjectType(
    name="Waybill__c",
    label="Waybill",
    label_plural="Waybills",
    key_prefix="b02",
    record_types=(
        RecordType(record_type_id=AIR, developer_name="Air", label="By air", is_default=True),
        RecordType(record_type_id=SEA, developer_name="Sea", label="By sea", available=False),
    ),
    fields=(
        *_SYSTEM,
        Field(
            name="Waybill_No__c",
            label="Waybill No.",
            type="double",
            precision=12,
            unique=True,
            external_id=True,
        ),
        Field(
            name="Carrier__c",
            label="Carrier",
            type="reference",
            reference_to="Carrier__c",
            relationship_name="Carrier__r",
        ),
        Field(name="Freight__c", label="Freight", type="currency", precision=16, scale=2),
        Field(name="Pieces__c", label="Pieces", type="int", precision=8),
        Field(
            name="Insured__c",
            label="Insured",
            type="boolean",
            nillable=False,
            default=False,
            defaulted_on_create=True,
        ),
        Field(name="Contact__c", label="Contact", type="email", length=80),
        Field(name="Pickup__c", label="Pickup", type="datetime"),
        Field(name="Hazards__c", label="Hazards", type="multipicklist", picklist=("Fire", "Acid")),
        Field(
            name="Incoterm__c", label="Incoterm", type="picklist", picklist=("EXW", "FOB"), restricted=False
        ),
    ),
)

PARCEL = ObjectType(
    name="Parcel__c",
    label="Parcel",
    label_plural="Parcels",
    key_prefix="b03",
    fields=(
        *_SYSTEM,
        Field(
            name="Waybill__c",
            label="Waybill",
            type="reference",
            nillable=False,
            reference_to="Waybill__c",
            relationship_name="Waybill__r",
            is_master=True,
        ),
        Field(name="Tag__c", label="Tag", type="string", length=30, unique=True, external_id=True),
        Field(name="Kilos__c", label="Kilos", type="double", precision=9, scale=3),
    ),
)

OBJECTS = (CARRIER, WAYBILL, PARCEL)

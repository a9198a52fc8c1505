"""The three objects that files are made of."""

from dataclasses import replace

from connector.sandbox.salesforce.files import DOCUMENT, LINK, VERSION
from connector.sandbox.salesforce.schema import Field, FieldType, ObjectType

SHARE_TYPES = ("V", "C", "I")


def file_objects(system_fields: tuple[Field, ...], key: Field) -> tuple[ObjectType, ...]:
    """Give versions, documents and links. `key` is the field that this org's people added to versions."""
    return (
        ObjectType(
            name=VERSION,
            label="Content Version",
            label_plural="Content Versions",
            key_prefix="068",
            deletable=False,
            fields=(
                *system_fields,
                replace(
                    _reference("ContentDocumentId", DOCUMENT, "ContentDocument"),
                    is_master=True,
                    updateable=False,
                ),
                _reference("FirstPublishLocationId", "", "", updateable=False),
                _field("Title", "string", 255),
                _field("PathOnClient", "string", 500),
                replace(_field("VersionData", "base64", 0), updateable=False),
                _field("ContentUrl", "url", 1300),
                _filled("Checksum", "string", 50),
                _filled("ContentSize", "int", 0),
                _filled("FileExtension", "string", 40),
                _filled("VersionNumber", "string", 20),
                _filled("IsLatest", "boolean", 0),
                key,
            ),
        ),
        ObjectType(
            name=DOCUMENT,
            label="Content Document",
            label_plural="Content Documents",
            key_prefix="069",
            createable=False,
            fields=(
                *system_fields,
                _field("Title", "string", 255),
                _reference(
                    "LatestPublishedVersionId",
                    VERSION,
                    "LatestPublishedVersion",
                    createable=False,
                    updateable=False,
                ),
            ),
        ),
        ObjectType(
            name=LINK,
            label="Content Document Link",
            label_plural="Content Document Links",
            key_prefix="06A",
            fields=(
                *system_fields,
                _owned(_reference("ContentDocumentId", DOCUMENT, "ContentDocument", updateable=False)),
                _owned(_reference("LinkedEntityId", "", "", updateable=False)),
                replace(
                    _field("ShareType", "picklist", 40),
                    nillable=False,
                    defaulted_on_create=True,
                    default="V",
                    picklist=SHARE_TYPES,
                ),
            ),
        ),
    )


def _owned(field: Field) -> Field:
    return replace(field, nillable=False, is_master=True)


def _field(name: str, kind: FieldType, length: int) -> Field:
    return Field(name=name, label=name, type=kind, length=length)


def _filled(name: str, kind: FieldType, length: int) -> Field:
    return Field(
        name=name, label=name, type=kind, length=length, precision=9, createable=False, updateable=False
    )


def _reference(
    name: str, target: str, relationship: str, *, createable: bool = True, updateable: bool = True
) -> Field:
    """Give a reference; without a target it may lead to a record of any object."""
    return Field(
        name=name,
        label=name,
        type="reference",
        length=18,
        reference_to=target,
        relationship_name=relationship,
        createable=createable,
        updateable=updateable,
    )

"""Objects from a file: another org than the standard one, in JSON or YAML."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import yaml

from connector.sandbox.salesforce.catalog import system_fields
from connector.sandbox.salesforce.schema import ObjectType


def load_objects(path: Path) -> tuple[ObjectType, ...]:
    """Give the objects of a file: a list, each with `ObjectType`'s names. Id and stamps are added.

    Raises: ValueError naming what does not fit.
    """
    read: Any = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML too
    try:
        objects = msgspec.convert(read, tuple[ObjectType, ...], strict=True)
    except msgspec.ValidationError as error:
        message = f"{path}: {error}"
        raise ValueError(message) from error
    return tuple(_complete(found) for found in objects)


def _complete(found: ObjectType) -> ObjectType:
    missing = tuple(field for field in system_fields() if found.field(field.name) is None)
    return replace(found, fields=(*missing, *found.fields))

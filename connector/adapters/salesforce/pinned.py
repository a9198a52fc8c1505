"""Descriptions of objects kept as files: to check mappings without an org, and to see what has changed.

Kept is only what is read of a description, sorted, so that a change is a readable line in version control.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from connector.adapters.salesforce.describe import ObjectShape, read_object
from connector.adapters.salesforce.json_text import NOT_JSON, decode
from connector.errors import ConfigError

_OF_OBJECT = ("name", "createable", "updateable", "deletable")
_OF_FIELD = (
    "name",
    "type",
    "createable",
    "updateable",
    "nillable",
    "defaultedOnCreate",
    "externalId",
    "idLookup",
    "unique",
    "caseSensitive",
    "length",
    "precision",
    "scale",
    "digits",
    "restrictedPicklist",
    "referenceTo",
    "relationshipName",
)
_OF_RECORD_TYPE = ("developerName", "recordTypeId", "available", "master")


class Pinned:
    """One file for each object."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, body: Mapping[str, object]) -> str:
        """Write a describe answer, and give the object's name.

        Raises: UnexpectedResponseError when it is none; ConfigError when the folder cannot be written.
        """
        name = read_object(body).name
        kept = {
            **_only(body, _OF_OBJECT),
            "fields": sorted((_field(each) for each in _mappings(body, "fields")), key=_name),
            "recordTypeInfos": [_only(each, _OF_RECORD_TYPE) for each in _mappings(body, "recordTypeInfos")],
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
            self._file(name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {self._file(name)}: {error.strerror}") from error
        return name

    def shape(self, name: str) -> ObjectShape | None:
        """Give an object as it was when it was pinned; None if it never was.

        Raises: UnexpectedResponseError for a file that somebody broke.
        """
        if not self._file(name).is_file():
            return None
        body = decode(self._file(name).read_bytes())
        if body is NOT_JSON:
            raise ConfigError(f"{self._file(name)} is not JSON", remedy="pin it again: check --pin")
        return read_object(body)

    def changes(self, described: ObjectShape, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Give which of these fields are not what they were, each with what changed."""
        before = self.shape(described.name)
        if before is None:
            return
        for name in names:
            old, new = before.field(name), described.field(name)
            if old is None or new is None:
                if old is not new:
                    yield name, "is new" if old is None else "is gone"
                continue
            for each in fields(new):
                was, now = getattr(old, each.name), getattr(new, each.name)
                if was != now:
                    yield name, f"{each.name.replace('_', ' ')} is {_words(now)}, was {_words(was)}"

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _only(body: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    return {name: body[name] for name in names if name in body}


def _field(body: Mapping[str, object]) -> dict[str, object]:
    values = [_only(each, ("value", "active")) for each in _mappings(body, "picklistValues")]
    return {**_only(body, _OF_FIELD), **({"picklistValues": values} if values else {})}


def _mappings(body: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = body.get(name)
    return [each for each in (found if isinstance(found, list) else ()) if isinstance(each, Mapping)]


def _name(body: Mapping[str, object]) -> str:
    return str(body.get("name"))


def _words(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)

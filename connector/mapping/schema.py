"""The JSON Schema of a mapping file, for editors and CI."""

from typing import Any

from connector.mapping.file import MappingFile


def mapping_json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a mapping file. It knows the keys; `check` knows the rest."""
    schema = MappingFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "docflo-connector mapping",
        **{key: value for key, value in schema.items() if key != "title"},
    }

"""The JSON Schema of a mapping file, for editors and CI."""

from typing import Any

from connector.mapping.file import MappingFile
from connector.mapping.file_values import CONVERSION, CONVERSION_HERE


def mapping_json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a mapping file. It knows the keys; `check` knows the rest."""
    schema = _referring(MappingFile.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "docflo-connector mapping",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": {**schema["$defs"], **CONVERSION},
    }


def _referring(part: Any) -> Any:  # noqa: ANN401 any JSON
    """Put references where conversions are meant; pydantic takes none that it did not make."""
    if part == CONVERSION_HERE:
        return {"$ref": "#/$defs/Conversion"}
    if isinstance(part, dict):
        return {key: _referring(value) for key, value in part.items()}
    return [_referring(entry) for entry in part] if isinstance(part, list) else part

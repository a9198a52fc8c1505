from collections.abc import Callable
from pathlib import Path

import pytest

from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping

_EXAMPLE = "examples:\n  - {name: any, document: {}, record: {}}\n"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Mapping]:
    """Load a mapping with these header fields and, if named, lines over Items; or a whole file."""

    def load_text(fields: str, lines: str = "", examples: str = _EXAMPLE) -> Mapping:
        text = (
            "version: 1\ndocument: invoice\nrecord:\n  object: Invoice__c\n  key: Docflo_Id__c\n"
            f"  fields: {{{fields}}}\n"
        )
        if lines:
            text += (
                "  lines:\n    - object: Invoice_Line__c\n      each: Items\n      key: Docflo_Key__c\n"
                f"      parent: Invoice__c\n      {lines}\n"
            )
        path = tmp_path / "mapping.yaml"
        path.write_text(text + examples, encoding="utf-8")
        return load_mapping(path)

    return load_text

"""config.yaml: the example is complete, and every mistake is named with its place.

After a change of words: RENEW_GOLDEN=1 pytest tests/unit/test_config.py; review the difference.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from connector.adapters.memory import MemorySettings
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.config import Config, config_json_schema, load_config
from connector.docflo.settings import DocfloSettings
from connector.errors import ConfigError
from connector.references import Secret
from connector.shipped_files import shipped

EXAMPLE = shipped("config.example.yaml")
MISTAKES = Path(__file__).parent.parent / "config" / "config"
SECRETS = ("DOCFLO_API_KEY", "SF_CONSUMER_KEY", "SF_CONSUMER_SECRET")


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, f"value of {name}")


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        for candidate in _types(field.annotation):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel) and candidate not in found:
                found |= _models(candidate)
    return found


def _types(annotation: Any) -> list[Any]:
    arguments = getattr(annotation, "__args__", ())
    return [annotation, *(inner for argument in arguments for inner in _types(argument))]


def test_the_example_loads() -> None:
    config = load_config(EXAMPLE)

    assert set(config.targets) == {"crm", "rehearsal"}
    assert config.pipelines["invoices-to-crm"].mapping.is_file()


SECTIONS: Mapping[type[BaseModel], tuple[str, str]] = {
    DocfloSettings: ("docflo:", "database:"),
    SalesforceSettings: ("  crm:", "  rehearsal:"),
    MemorySettings: ("  rehearsal:", "pipelines:"),
}
"""Where the settings of each client stand in the example; all others stand anywhere."""


def test_the_example_names_every_key_there_is() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    models = _models(Config)
    assert set(SECTIONS) <= models

    missing = set()
    for model in models:
        start, end = SECTIONS.get(model, ("docflo:", r"\Z"))
        section = re.search(rf"^{start}.*?^{end}", text + "\n", re.DOTALL | re.MULTILINE)
        assert section is not None
        named = set(re.findall(r"(\w+):(?:\s|$)", section[0]))
        missing |= {f"{model.__name__}.{key}" for key in model.model_fields if key not in named}

    assert missing == set()


def test_the_example_shows_the_defaults_it_claims() -> None:
    shown = load_config(EXAMPLE)

    assert shown.docflo == DocfloSettings(tenant_id="your-tenant-id", api_key=Secret("${env:DOCFLO_API_KEY}"))
    assert shown.service == Config.model_fields["service"].default_factory()  # type: ignore[misc, call-arg]
    assert shown.log == Config.model_fields["log"].default_factory()  # type: ignore[misc, call-arg]


def test_the_example_and_the_schema_agree() -> None:
    schema = config_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    value = yaml.load(EXAMPLE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 text only

    found = [
        error
        for error in jsonschema.Draft202012Validator(schema).iter_errors(value)
        if error.validator == "additionalProperties"
    ]

    assert found == []


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")

    config = load_config(path)

    assert config.pipelines["invoices-to-crm"].mapping == tmp_path / "mappings" / "invoice-salesforce.yaml"
    assert config.database == f"sqlite:///{tmp_path.resolve()}/connector.db"


def test_a_secret_is_read_anew_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    key = load_config(EXAMPLE).docflo.api_key

    monkeypatch.setenv("DOCFLO_API_KEY", "rotated")

    assert key.reveal() == "rotated"
    assert "value of" not in repr(load_config(EXAMPLE))
    assert "rotated" not in repr(key)


def test_offline_needs_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)

    assert load_config(EXAMPLE, offline=True).docflo.tenant_id == "your-tenant-id"
    with pytest.raises(ConfigError) as refused:
        load_config(EXAMPLE)
    assert len(refused.value.problems) == len(SECRETS)


@pytest.mark.parametrize("path", sorted(MISTAKES.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_mistake_is_named_with_its_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MISTAKES)
    golden = path.with_suffix(".txt")

    with pytest.raises(ConfigError) as refused:
        load_config(Path(path.name))

    told = "\n".join([refused.value.message, *map(str, refused.value.problems)]) + "\n"
    if os.environ.get("RENEW_GOLDEN"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


def test_there_is_a_file_for_each_kind_of_mistake() -> None:
    assert len(list(MISTAKES.glob("*.yaml"))) >= 15


def test_the_schema_file_is_what_the_command_prints() -> None:
    committed = json.loads((shipped("docs") / "schemas" / "config.schema.json").read_text(encoding="utf-8"))

    assert committed == json.loads(json.dumps(config_json_schema()))

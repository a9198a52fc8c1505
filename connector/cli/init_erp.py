"""`init --profile`: a first config.yaml for a SOAP ERP with one of the shipped profiles."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

import typer

from connector.adapters.soap.load import load_profile
from connector.cli.yaml_text import write_scalar
from connector.errors import ConfigError
from connector.mapping.load import load_mapping
from connector.shipped_files import shipped
from connector.yaml_words import suggest

_MAPPINGS: Mapping[str, str] = {
    "dolibarr-invoice": "customer-invoice-erp",
    "dolibarr-order": "customer-order-erp",
    "dynamics-purchase-invoice": "invoice-erp",
    "netsuite-vendor-bill": "invoice-amounts-erp",
    "sage-x3-invoice": "invoice-erp",
    "sandbox-erp-invoice": "invoice-erp",
    "sandbox-erp-order": "purchase-order-erp",
    "sap-bapi-invoice": "invoice-amounts-erp",
}
"""Shipped profiles, and the shipped mapping that gives what each sends."""

_CONFIG = Template("""\
# docflo-connector. Every key there is, with its meaning: config.example.yaml and docs/configuration.md.
# Secrets are references: $${env:NAME} or $${file:/path/to/file}, never the value itself.

docflo:
  base_url: $base_url
  tenant_id: "$tenant_id"
  api_key: $${env:DOCFLO_API_KEY}

database: sqlite:///connector.db

targets:
  erp:
    adapter: soap
    profile: soap/$profile.yaml
$settings
pipelines:
  $pipeline:
    documents: {types: [$document], statuses: [APPROVED], since: $since}
    mapping: mappings/$mapping.yaml
    target: erp
    # What Docflo is told once the ERP has the record. The fields must exist on the document type.
    # write_back:
    #   delivered:
    #     fields: {ErpId: receipt.id, SyncedOn: today()}
    #     status: CONFIRMED
""")


def mapping_of(profile: str) -> str:
    """Give the name of the mapping that goes with a shipped profile.

    Raises: ConfigError naming the profiles there are.
    """
    if profile not in _MAPPINGS:
        raise ConfigError(f"no profile `{profile}` is shipped; {suggest(profile, _MAPPINGS)}")
    return _MAPPINGS[profile]


def pipeline_of(profile: str) -> str:
    """Give what the pipeline is called: invoices-to-erp."""
    document = load_mapping(shipped("mappings") / f"{mapping_of(profile)}.yaml").document
    return f"{document.replace('_', '-')}s-to-erp"


def write_erp_config(
    folder: Path, profile: str, given: Sequence[str], *, tenant_id: str, base_url: str, since: str
) -> list[str]:
    """Write configuration, profile and mapping; ask for settings that are not given.

    Shape: the names of the environment's variables that hold the secrets.
    Raises: ConfigError for a setting that the profile does not have.
    """
    mapping = mapping_of(profile)
    read = load_profile(shipped("soap") / f"{profile}.yaml")
    settings = _settings(read.settings, given)
    secrets = {name: f"ERP_{name.upper()}" for name in read.secrets}
    lines = _section(
        "settings", {name: write_scalar(value) for name, value in settings.items()}, read.settings
    )
    lines += _section("secrets", {name: f"${{env:{env}}}" for name, env in secrets.items()}, read.secrets)
    document = load_mapping(shipped("mappings") / f"{mapping}.yaml").document
    text = _CONFIG.substitute(
        base_url=base_url,
        tenant_id=tenant_id,
        profile=profile,
        settings="".join(f"{line}\n" for line in lines),
        pipeline=pipeline_of(profile),
        document=document,
        since=since,
        mapping=mapping,
    )
    for name, file in (("soap", profile), ("mappings", mapping)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(shipped(name) / f"{file}.yaml", folder / name)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return list(secrets.values())


def _settings(declared: Mapping[str, str], given: Sequence[str]) -> dict[str, str]:
    pairs = dict(each.partition("=")[::2] for each in given)
    unknown = [name for name in pairs if name not in declared]
    if unknown:
        raise ConfigError(f"the profile has no setting `{unknown[0]}`; {suggest(unknown[0], declared)}")
    return {name: pairs.get(name) or typer.prompt(f"{name} ({about})") for name, about in declared.items()}


def _section(name: str, values: Mapping[str, str], about: Mapping[str, str]) -> list[str]:
    if not values:
        return []
    return [f"    {name}:", *(f"      {key}: {value}  # {about[key]}" for key, value in values.items())]

"""Both sides of one case, freshly set up: a Docflo, a target, an empty ledger, and their configuration."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from connector.cli.crash_matrix import Held, Seen, Stages
from connector.cli.sandbox_setup import SECRETS, TENANT
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.document import SandboxDocument
from connector.sandbox.docflo.schema import TypeSchema
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce.sandbox import SalesforceSandbox
from connector.sandbox.salesforce.schema import ObjectType
from connector.sandbox.server import SandboxServer

BATCH = 2  # small, so that a few documents make several batches

_UNTOLD = ("Id", "Name", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsDeleted")


class TargetSide(Protocol):
    """A target that outlives the connector."""

    @property
    def app(self) -> ASGIApp:
        """Give what answers requests."""
        ...

    def section(self, url: str) -> Mapping[str, Any]:
        """Give the target's part of config.yaml."""
        ...

    def held(self) -> Mapping[str, Held]:
        """Give everything it holds, by the id that it gave."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What every case begins with: made once, so that all cases play the same."""

    pipelines: Mapping[str, Any]  # as in config.yaml
    targets: tuple[str, ...]  # names; all of them are one and the same
    documents: tuple[SandboxDocument, ...]
    types: Mapping[str, TypeSchema]
    written: Mapping[str, str]  # Docflo field -> its source
    make_target: Callable[[], TargetSide]
    faults: tuple[Fault, ...] = ()  # of Docflo, besides a lost answer to a write-back
    make_ledger: Callable[
        [Path], str
    ]  # puts an empty ledger into a folder, if it is a file; gives its address


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStage:
    """Both sides while one case is played."""

    config: Path
    docflo: DocfloSandbox
    target: TargetSide
    target_url: str
    written: Mapping[str, str]

    def seen(self) -> Seen:
        """Read both sides; ids that the target gave stand as the keys they belong to."""
        held = self.target.held()
        keys = {identifier: each.key for identifier, each in held.items()}
        shown = {name: self._shown(name, keys) for name in self.docflo.documents}
        return Seen(held=tuple(held.values()), shown=shown)

    def _shown(self, document_id: str, keys: Mapping[str, str]) -> str:
        fields = self.docflo.documents[document_id].fields
        told: dict[str, str] = {}
        for name, source in self.written.items():
            value = (fields.get(name) or {}).get("value")
            if source.startswith("receipt"):
                told[name] = (_named(value, keys) or "").removeprefix(self.target_url)
            else:
                told[name] = "" if value is None else "told"  # a time, and the clock moved between runs
        return f"{self.docflo.status(document_id)} {json.dumps(told, sort_keys=True)}"


class SalesforceSide:
    """The Salesforce sandbox as a target of the matrix."""

    def __init__(self, objects: Sequence[ObjectType]) -> None:
        self._objects = objects
        self._sandbox = SalesforceSandbox(objects=objects)
        self.app = self._sandbox.app
        # Lost answers, so that what follows them is on every way.
        self._sandbox.faults.add(Fault(operation="graph", kind="drop_after"))
        self._sandbox.faults.add(Fault(method="POST", path="/sobjects/ContentVersion", kind="drop_after"))

    def section(self, url: str) -> Mapping[str, Any]:
        """Give the target's part of config.yaml."""
        return {
            "adapter": "salesforce",
            "login_url": url,
            "consumer_key": "${file:secrets/salesforce-consumer-key}",
            "consumer_secret": "${file:secrets/salesforce-consumer-secret}",
            "batch_size": BATCH,
        }

    def held(self) -> Mapping[str, Held]:
        """Give every row; what refers to another is told by the other's key."""
        rows = [(found, row) for found in self._objects for row in self._sandbox.rows(found.name)]
        keys: dict[str, str] = {}
        # What has no key of its own is known by what it refers to: links after documents, after versions.
        for found, row in sorted(rows, key=lambda each: _rank(each[0])):
            keys[row["Id"]] = _key(found, row, keys)
        return {row["Id"]: Held(key=keys[row["Id"]], content=_content(row, keys)) for _, row in rows}


@contextmanager
def sandbox_stages(script: Script, folder: Path) -> Iterator[Stages]:
    """Open both servers for a whole matrix; each stage puts new sandboxes behind them, in an empty folder."""
    docflo_door, target_door = Door(), Door()
    with SandboxServer(docflo_door) as docflo_server, SandboxServer(target_door) as target_server:

        @contextmanager
        def stage() -> Iterator[SandboxStage]:
            docflo = DocfloSandbox(
                tenant_id=TENANT, documents=script.documents, types=script.types, rate_limit=None
            )
            for fault in (Fault(operation="update_fields", kind="drop_after"), *script.faults):
                docflo.faults.add(fault)
            target = script.make_target()
            docflo_door.app, target_door.app = docflo.app, target.app
            yield SandboxStage(
                config=_write_config(script, folder, docflo_server.url, target.section(target_server.url)),
                docflo=docflo,
                target=target,
                target_url=target_server.url,
                written=script.written,
            )

        yield stage


class Door:
    """A server's application that can be changed while it serves."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let whatever stands behind the door now answer."""
        await self.app(scope, receive, send)


def _write_config(script: Script, folder: Path, docflo_url: str, target: Mapping[str, Any]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "secrets").mkdir(parents=True)
    for name, value in SECRETS.items():
        (folder / "secrets" / name).write_text(value, encoding="utf-8")
    whole = {
        "docflo": {"base_url": docflo_url, "tenant_id": TENANT, "api_key": "${file:secrets/docflo-api-key}"},
        "database": script.make_ledger(folder),
        "targets": dict.fromkeys(script.targets, target),
        "pipelines": script.pipelines,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(whole, default=str), encoding="utf-8")  # JSON is YAML
    return path


def _rank(found: ObjectType) -> tuple[bool, str]:
    return not any(field.external_id for field in found.fields), found.name


def _key(found: ObjectType, row: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    own = [str(row[field.name]) for field in found.fields if field.external_id and row[field.name]]
    told = own or [_named(row[field.name], keys) or "" for field in found.fields if field.type == "reference"]
    return f"{found.name}/{','.join(told)}"


def _content(row: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    told = {name: _named(value, keys) for name, value in sorted(row.items()) if name not in _UNTOLD}
    return json.dumps(told, ensure_ascii=False)


def _named(value: object, keys: Mapping[str, str]) -> str | None:
    """Give a value as text, digit for digit, with keys in the place of ids."""
    if value is None:
        return None
    text = str(value)
    for identifier, key in keys.items():
        text = text.replace(identifier, key)
    return text

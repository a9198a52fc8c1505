"""The web side of a running service: health, metrics, Docflo's webhooks, alarms."""

import base64
import hashlib
import hmac
import json
import re
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connector.clock import utc_now
from connector.sandbox.docflo.document import SandboxDocument
from connector.sandbox.docflo.generate import generate_documents
from connector.sandbox.server import SandboxServer
from tests.scenario.conftest import GOOD, Cli, World
from tests.scenario.test_service import SCHEDULE, approved, logged, running
from tests.scenario.test_survival import created_headers, wait_for

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
EVERY_MINUTE = "    target: crm\n    schedule: {every: 1m}\n"


def configure(world: World, *, webhook: str = "", schedule: str = SCHEDULE) -> None:
    world.edit("    target: crm\n", schedule)
    world.edit("pipelines:\n", f"{webhook}\npipelines:\n")


def address(world: World) -> str:
    wait_for(lambda: bool(logged(world, "web.listens")))
    return str(logged(world, "web.listens")[-1]["address"])


@contextmanager
def serving(world: World) -> Iterator[str]:
    with running(world):
        yield address(world)


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=60.0)  # the machine may be busy with other tests


def samples(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = get(f"{url}/metrics").text
    return {
        (sample.name.removeprefix("docflo_connector_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_is_told_apart_from_readiness_and_readiness_ends_first(world: World) -> None:
    configure(world)
    with running(world) as process:
        url = address(world)
        wait_for(lambda: get(f"{url}/readyz").status_code == 200)
        wait_for(lambda: approved(world) == GOOD)
        alive = get(f"{url}/livez")
        process.terminate()
        seen = []
        try:
            while True:
                seen.append((get(f"{url}/livez").status_code, get(f"{url}/readyz").status_code))
        except httpx.HTTPError:
            pass

    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert {live for live, _ in seen} <= {200}
    assert {ready for _, ready in seen} <= {200, 503}


def test_metrics_tell_the_ledger_and_what_this_process_did(world: World) -> None:
    configure(world)
    with serving(world) as url:
        wait_for(lambda: samples(url).get(("moves_total", label(state="completed"))) == GOOD)
        wait_for(lambda: ("replicas", (("config", "in_use"),)) in samples(url))  # an errand's second is over
        told = samples(url)

    assert told["deliveries", label(state="completed")] == GOOD
    assert told["dead", label(error="MappingError")] == 2
    assert told["requests_total", (("call", "update_fields"), ("outcome", "ok"), ("side", "docflo"))] == GOOD
    assert told["delivery_seconds_count", (("pipeline", "invoices-to-crm"),)] == GOOD
    assert told["database_up", ()] == 1
    assert told["replicas", (("config", "in_use"),)] == 1
    labels = {key for _, labels in told for key, _ in labels}
    assert labels <= {
        "pipeline",
        "state",
        "error",
        "side",
        "call",
        "outcome",
        "le",
        "step",
        "lane",
        "config",
        "version",
    }


def label(**values: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"pipeline": "invoices-to-crm", **values}.items()))


def _named(expression: str) -> set[str]:
    return set(re.findall(r"docflo_connector_\w+", expression))


def test_every_metric_of_an_alert_or_a_panel_is_one_that_there_is(world: World) -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    expressions = [rule["expr"] for rule in alerts]
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    configure(world)
    with serving(world) as url:
        wait_for(lambda: approved(world) == GOOD)
        text = get(f"{url}/metrics").text

    declared = set()
    for family in text_string_to_metric_families(text):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        declared |= {family.name + suffix for suffix in suffixes}
    missing = set().union(*map(_named, expressions)) - declared
    assert missing == set()
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    assert all({"summary", "description"} <= rule["annotations"].keys() for rule in alerts)
    assert all(rule["labels"]["severity"] in {"critical", "warning"} for rule in alerts)
    assert all(panel["title"] and panel["gridPos"] for panel in dashboard["panels"])


FORGED = 2_000  # 10,000 in `make soak`
BEARER = 'webhook: {auth: {type: bearer, token: "${file:secrets/docflo-api-key}"}, max_kilobytes: 64}\n'


def test_what_a_webhook_names_is_delivered_in_a_moment(world: World) -> None:
    configure(world, webhook=BEARER, schedule=EVERY_MINUTE)
    late = generate_documents(15, seed="late", now=utc_now())
    with serving(world) as url, httpx.Client(headers={"Authorization": "Bearer sandbox-key"}) as docflo:
        wait_for(lambda: approved(world) == GOOD)
        seconds = [_until_delivered(world, docflo, url, document) for document in late]

    print(f"webhook to record: median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s")  # noqa: T201 the measurement
    assert approved(world) == GOOD + 15
    assert world.running.docflo.journal.count()["document"] == 15


def _until_delivered(world: World, docflo: httpx.Client, url: str, document: SandboxDocument) -> float:
    before = approved(world)
    world.running.docflo.add(document)
    began = time.monotonic()
    answer = docflo.post(
        f"{url}/webhooks/docflo", json={"event": "document.approved", "document": {"_id": document.id}}
    )
    assert answer.status_code == 202
    wait_for(lambda: approved(world) == before + 1)
    return time.monotonic() - began


def test_documents_whose_webhooks_are_lost_are_found_by_the_next_listing(world: World) -> None:
    configure(world, webhook=BEARER)
    late = generate_documents(10, seed="late", now=utc_now())
    with serving(world) as url, httpx.Client(headers={"Authorization": "Bearer sandbox-key"}) as docflo:
        wait_for(lambda: approved(world) == GOOD)
        for number, document in enumerate(late):
            world.running.docflo.add(document)
            if number % 2:  # the other half of the calls never reaches us
                docflo.post(f"{url}/webhooks/docflo", json={"documentId": document.id})
        wait_for(lambda: approved(world) == GOOD + 10)

    assert set(created_headers(world).values()) == {1}


def test_replays_and_duplicates_of_a_call_change_nothing(world: World) -> None:
    configure(world, webhook=BEARER, schedule=EVERY_MINUTE)
    with serving(world) as url, httpx.Client(headers={"Authorization": "Bearer sandbox-key"}) as docflo:
        wait_for(lambda: approved(world) == GOOD)
        document = next(
            name
            for name in world.running.docflo.documents
            if world.running.docflo.status(name) == "CONFIRMED"
        )
        for _ in range(20):
            docflo.post(f"{url}/webhooks/docflo", json={"documentId": document})
        wait_for(lambda: samples(url)["wakeups", ()] == 0)

    assert approved(world) == GOOD


def test_a_call_without_an_id_lets_every_pipeline_be_listed(world: World) -> None:
    configure(world, webhook=BEARER, schedule=EVERY_MINUTE)
    with serving(world) as url, httpx.Client(headers={"Authorization": "Bearer sandbox-key"}) as docflo:
        wait_for(lambda: approved(world) == GOOD)
        [late] = generate_documents(1, seed="late", now=utc_now())
        world.running.docflo.add(late)
        docflo.post(f"{url}/webhooks/docflo", content=b"what is this")
        wait_for(lambda: approved(world) == GOOD + 1)


def test_strangers_large_bodies_and_slow_clients_are_refused_while_deliveries_go_on(world: World) -> None:
    configure(world, webhook=BEARER, schedule=EVERY_MINUTE)
    with ExitStack() as stack:
        url = stack.enter_context(serving(world))
        host, _, port = url.removeprefix("http://").partition(":")
        slow = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(250)]
        for each in slow:
            each.sendall(b"POST /webhooks/docflo HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        refused = sum(_forge(host, int(port)) for _ in range(FORGED))
        large = httpx.post(
            f"{url}/webhooks/docflo", content=b"x" * 70_000, headers={"Authorization": "Bearer sandbox-key"}
        )
        ready = get(f"{url}/livez")
        wait_for(lambda: approved(world) == GOOD)
        told = samples(url)
        wait_for(lambda: all(_is_closed(each) for each in slow))

    assert refused == FORGED
    assert (large.status_code, ready.status_code) == (413, 200)
    assert told["webhooks_total", (("outcome", "refused"),)] == FORGED
    assert told["wakeups", ()] == 0


def _forge(host: str, port: int) -> bool:
    """Make a call that nobody signed; tell whether it was refused."""
    head = "POST /webhooks/docflo HTTP/1.1", "Host: x", "Authorization: Bearer y", "Content-Length: 2"
    with socket.create_connection((host, port), timeout=60) as connection:
        connection.sendall("\r\n".join([*head, "", "{}"]).encode())
        return connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_body_without_a_length_is_cut_at_the_cap(world: World) -> None:
    configure(world, webhook=BEARER, schedule=EVERY_MINUTE)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 2**30:
            sent += 16_384
            yield b"x" * 16_384

    with serving(world) as url:
        try:
            status = httpx.post(
                f"{url}/webhooks/docflo", content=endless(), headers={"Authorization": "Bearer sandbox-key"}
            ).status_code
        except httpx.TransportError:
            status = 413  # cut while we were still sending
    assert status == 413
    assert sent < 2**28


class Receiver:
    """Somebody who is told of alarms."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

        async def take(request: Request) -> Response:
            self.calls.append((dict(request.headers), await request.body()))
            return PlainTextResponse("", status_code=self.status)

        self.app = Starlette(routes=[Route("/", take, methods=["POST"])])


def test_alarms_are_told_once_when_they_begin_and_once_when_they_end(
    world: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver()
    key = base64.b64encode(b"k" * 24).decode()
    with SandboxServer(receiver.app) as server:
        monkeypatch.setenv("CHANNEL_URL", server.url + "/")
        monkeypatch.setenv("CHANNEL_SECRET", f"whsec_{key}")
        configure(world)
        world.edit(
            "pipelines:\n",
            "notifications:\n"
            '  ops: {type: webhook, url: "${env:CHANNEL_URL}", secret: "${env:CHANNEL_SECRET}"}\n'
            '  chat: {type: slack, url: "${env:CHANNEL_URL}"}\n\npipelines:\n',
        )
        world.edit_mapping("InvoiceTotal.amount", "NoSuchTotal.amount")
        with serving(world):
            wait_for(lambda: len(receiver.calls) == 2)
            world.edit_mapping("NoSuchTotal.amount", "InvoiceTotal.amount")
            wait_for(lambda: bool(logged(world, "config.read")))
            cli("pipelines", "resume", "invoices-to-crm", "--reason", "repaired", "-c", world.config)
            wait_for(lambda: len(receiver.calls) == 4)

    signed = [
        (headers, json.loads(body), body) for headers, body in receiver.calls if "webhook-id" in headers
    ]
    events = [(each["data"]["event"], each["data"]["kind"], each["data"]["subject"]) for _, each, _ in signed]
    assert events == [("raised", "halted", "invoices-to-crm"), ("recovered", "halted", "invoices-to-crm")]
    headers, _, body = signed[0]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(b"k" * 24, content, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    texts: list[Any] = [
        json.loads(body)["text"] for headers, body in receiver.calls if "webhook-id" not in headers
    ]
    assert "invoices-to-crm is halted" in texts[0]
    assert "no longer" in texts[1]

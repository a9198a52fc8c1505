"""What an ERP or an operator can get wrong: said clearly, and nothing doubled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.errors import ConnectorError
from connector.ledger.delivery import State
from connector.sandbox.erp.sandbox import ErpSandbox
from connector.sandbox.proxy.faults import Fault
from connector.sandbox.proxy.server import FaultProxy
from connector.sandbox.proxy.spelling import read_fault
from connector.sandbox.server import SandboxServer
from tests.sandbox.proxy.certificate import loopback_certificate
from tests.scenario.soap.world import HOUR, World, edit, invoices, soap_world, strict

BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]><a>&e;</a>"""
XXE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with soap_world(tmp_path, strict(), invoices(2)) as world:
        yield world


def _reasons(world: World) -> str:
    found = (delivery.failure for delivery in world.deliveries().values())
    return "; ".join(failure.reason for failure in found if failure)


@pytest.mark.parametrize("content", [BOMB, XXE], ids=["bomb", "external entity"])
def test_a_reply_with_entities_is_not_believed(world: World, content: bytes) -> None:
    world.proxy.plan.add(Fault(kind="answer", forward=True, header="createvendorinvoice", content=content))

    world.cycle()
    doubts = {delivery.state for delivery in world.deliveries().values()}
    world.assert_honest()
    world.clock.advance(HOUR)
    world.cycle()

    assert doubts == {State.IN_DOUBT}
    assert {delivery.state for delivery in world.deliveries().values()} == {State.COMPLETED}
    assert {world.rows(each) for each in world.docflo.documents} == {1}


@pytest.mark.parametrize(
    ("spelt", "told"),
    [
        ("login-page:method=get", "HTML"),
        ("gateway-before:method=get,status=404", "404"),
        ("empty-after:method=get", "XML"),
    ],
)
def test_a_wsdl_that_cannot_be_had_delivers_nothing_and_says_so(world: World, spelt: str, told: str) -> None:
    world.proxy.plan.add(read_fault(spelt))

    said = _said_by_a_cycle(world)

    assert told in said
    assert {world.rows(each) for each in world.docflo.documents} == {0}
    assert not {delivery.state for delivery in world.deliveries().values()} & {
        State.DELIVERED,
        State.COMPLETED,
    }


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "operation: CreateVendorInvoice",
            "operation: CreateInvoice",
            "has no operation `CreateInvoice`; did you mean `CreateVendorInvoice`",
        ),
        ("port: Purchasing", "port: Sales", "Sales"),
        ("grossTotal: ${record.Total}", "grossTotals: ${record.Total}", "grossTotals"),
        ("kind: Invoice", "kind: Reminder", "kind"),
        ("currency: ${record.Currency}", "currency: ${record.Currency | lower}", "currency"),
        ("grossTotal: ${record.Total}", "grossTotal: ${record.Currency}", "grossTotal"),
    ],
    ids=["operation", "port", "element", "enumeration", "pattern", "no number"],
)
def test_a_profile_that_does_not_fit_the_wsdl_sends_nothing_and_names_what(
    world: World, old: str, new: str, told: str
) -> None:
    edit(world.config.parent / "soap" / "sandbox-erp-invoice.yaml", [(old, new)])

    said = _said_by_a_cycle(world)

    assert told in said
    assert {world.rows(each) for each in world.docflo.documents} == {0}


def test_an_expired_certificate_is_named_and_nothing_is_sent(world: World) -> None:
    erp = ErpSandbox()
    expired = loopback_certificate(expired=True)
    with SandboxServer(erp.app) as server, FaultProxy(server.url, tls=expired.server()) as secure:
        edit(world.config, [(world.proxy.url, secure.url)])

        said = _said_by_a_cycle(world)

    assert "certificate" in said
    assert erp.journal.requests == ()


def _said_by_a_cycle(world: World) -> str:
    """Give all that a cycle says of what went wrong."""
    try:
        cycle = world.cycle()
    except ConnectorError as error:
        return " ".join([str(error), *map(str, getattr(error, "problems", ()))])
    return " ".join([_reasons(world), *map(str, cycle.errors)])

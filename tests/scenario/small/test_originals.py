"""The original file beside each record: there once, never waited for, and nothing of it in memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.clock import utc_now
from connector.ledger.original import Original, OriginalState
from connector.sandbox.docflo.document import Upload
from connector.sandbox.faults import Fault
from tests.factories import HandClock
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import HOUR, NAME, a_small_world, assert_each_once, connected, cycle

APPROVED = 3
UPLOADS: dict[str, Any] = {"method": "POST", "path": "/sobjects/ContentVersion"}
MEGABYTE = b"x" * (2**20 + 1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_small_world(tmp_path, approved=APPROVED) as world:
        want(world, "{policy: file}")
        yield world


def want(world: World, settings: str) -> None:
    world.edit("    target: crm\n", f"    target: crm\n    original: {settings}\n")


def documents_approved(world: World) -> list[str]:
    docflo = world.running.docflo
    return [name for name in docflo.documents if docflo.status(name) in {"APPROVED", "CONFIRMED"}]


def make_large(world: World) -> str:
    """Let one approved document be larger than a megabyte; give its id."""
    documents = world.running.docflo.documents
    large = documents_approved(world)[0]
    upload = Upload(content=MEGABYTE, content_type="application/pdf")
    world.running.docflo.documents[large] = replace(documents[large], upload=upload)
    return large


def files(world: World) -> dict[str, list[bytes]]:
    """Give the contents beside each header."""
    contents = {
        row["ContentDocumentId"]: row["VersionData"]
        for row in world.running.salesforce.rows("ContentVersion")
    }
    found: dict[str, list[bytes]] = {}
    for link in world.running.salesforce.rows("ContentDocumentLink"):
        found.setdefault(link["LinkedEntityId"], []).append(contents[link["ContentDocumentId"]])
    return found


def downloads(world: World) -> int:
    return sum(request.operation == "original" for request in world.running.docflo.journal.requests)


def originals(world: World) -> list[Original]:
    with connected(world) as connector:
        known = [connector.store.originals.of(each.id) for each in connector.store.find()]
    return [original for original in known if original is not None]


def assert_attached_once(world: World) -> None:
    assert_each_once(world)
    headers = {row["Id"] for row in world.running.salesforce.rows("Invoice__c")}
    assert len(headers) == APPROVED
    assert {header: len(contents) for header, contents in files(world).items()} == dict.fromkeys(headers, 1)
    assert {original.state for original in originals(world)} == {OriginalState.ATTACHED}


def test_each_record_shows_the_file_that_was_uploaded(world: World) -> None:
    large = make_large(world)

    done = cycle(world)

    assert not done.originals
    assert_attached_once(world)
    header = world.running.docflo.documents[large].fields["ErpId"]["value"]
    assert files(world)[header] == [MEGABYTE]
    assert downloads(world) == APPROVED


def test_a_delivery_waits_for_no_file(world: World, cli: Cli) -> None:
    world.running.docflo.faults.add(Fault(kind="status", operation="original", times=None))

    ran = cli("sync", "-c", world.config)

    assert_each_once(world)
    assert ran.code == 75
    assert "3 original files are to follow" in ran.out
    shown = cli("deliveries", "show", 1, "-c", world.config).out
    assert "completed" in shown
    assert "original_retry" in shown
    status = cli("status", "-c", world.config, "-o", "json").json["pipelines"][NAME]
    assert status["originals"]["wanted"] == APPROVED
    assert "original files: 3 to come" in cli("status", "-c", world.config).out


def test_an_upload_without_an_answer_is_asked_for_and_nothing_is_fetched_again(world: World) -> None:
    clock = HandClock(now=utc_now())
    world.running.salesforce.faults.add(Fault(kind="drop_after", times=APPROVED, **UPLOADS))

    cycle(world, clock)
    doubted = originals(world)
    cycle(world, clock)  # nothing is asked before the request must have taken effect
    asked_early = files_asked(world)
    clock.advance(HOUR)
    cycle(world, clock)

    assert {original.state for original in doubted} == {OriginalState.IN_DOUBT}
    assert asked_early == APPROVED
    assert downloads(world) == APPROVED
    assert_attached_once(world)


def files_asked(world: World) -> int:
    """Count the look-ups of files."""
    requests = world.running.salesforce.journal.requests
    return sum("FROM ContentVersion" in request.query.get("q", "") for request in requests)


@pytest.mark.parametrize("kind", ["drop_before", "status", "html", "truncate"])
def test_whatever_goes_wrong_each_record_shows_one_file(world: World, kind: Any) -> None:
    clock = HandClock(now=utc_now())
    world.running.docflo.faults.add(Fault(kind=kind, operation="original"))
    world.running.salesforce.faults.add(Fault(kind=kind, **UPLOADS))
    world.running.salesforce.faults.add(Fault(kind=kind, operation="query", containing="ContentVersion"))

    for _ in range(4):
        cycle(world, clock)
        clock.advance(HOUR)

    assert_each_once(world)
    dead = [original for original in originals(world) if original.state is OriginalState.DEAD]
    # A web page in the place of a file is nothing that waiting cures.
    assert len(dead) == (1 if kind == "html" else 0)
    assert sum(map(len, files(world).values())) == APPROVED - len(dead)


def test_a_right_to_files_that_is_missing_stops_no_delivery(world: World) -> None:
    refused = Fault(kind="status", operation="original", status=403, body=b"{}", times=None)
    world.running.docflo.faults.add(refused)

    done = cycle(world)

    assert_each_once(world)
    assert [breaker.side for breaker in done.breakers] == [f"originals {NAME}"]
    assert {original.attempts for original in originals(world)} == {0}


def test_a_document_without_an_original_is_said_to_have_none(world: World, cli: Cli) -> None:
    gone = b'{"code": "FILE_NOT_FOUND", "message": "There is no file"}'
    world.running.docflo.faults.add(Fault(kind="status", operation="original", status=404, body=gone))

    ran = cli("sync", "-c", world.config)

    assert ran.code == 0
    assert sorted(original.state for original in originals(world)) == ["absent", "attached", "attached"]
    assert "1 not in Docflo" in cli("status", "-c", world.config).out


@pytest.mark.parametrize(
    ("larger", "state", "code"),
    [("skip", "left_out", 0), ("link", "linked", 0), ("refuse", "dead", 4)],
)
def test_a_file_above_the_limit_follows_the_policy(
    tmp_path: Path, cli: Cli, larger: str, state: str, code: int
) -> None:
    with a_small_world(tmp_path, approved=1) as world:
        address = "'https://docs.acme.example/{document_id}'"
        want(world, f"{{policy: file, max_mb: 1, larger: {larger}, link: {address}}}")
        large = make_large(world)

        ran = cli("sync", "-c", world.config)

        assert ran.code == code
        assert [original.state for original in originals(world)] == [state]
        urls = [row["ContentUrl"] for row in world.running.salesforce.rows("ContentVersion")]
        assert urls == ([f"https://docs.acme.example/{large}"] if larger == "link" else [])
        if larger == "refuse":
            assert "deliveries attach" in ran.out


def test_what_was_given_up_is_attached_when_a_person_says_so(tmp_path: Path, cli: Cli) -> None:
    with a_small_world(tmp_path, approved=1) as world:
        want(world, "{policy: file, max_mb: 1, larger: refuse}")
        make_large(world)
        cli("sync", "-c", world.config)
        world.edit("max_mb: 1,", "max_mb: 2,")

        attached = cli("deliveries", "attach", 1, "-c", world.config, "--reason", "the limit was raised")
        again = cli("deliveries", "attach", 1, "-c", world.config)
        cli("sync", "-c", world.config)

        assert "1 of 1" in attached.out
        assert "0 of 1" in again.out
        assert [original.state for original in originals(world)] == ["attached"]
        assert [len(contents) for contents in files(world).values()] == [1]


def test_links_cost_no_request_to_docflo(tmp_path: Path) -> None:
    with a_small_world(tmp_path, approved=2) as world:
        want(world, "{policy: link, link: 'https://docs.acme.example/{document_id}'}")

        cycle(world)

        assert downloads(world) == 0
        assert {original.state for original in originals(world)} == {OriginalState.LINKED}
        assert len(world.running.salesforce.rows("ContentDocumentLink")) == 2


def test_files_leave_the_budget_to_write_backs(tmp_path: Path) -> None:
    with a_small_world(tmp_path, approved=6, rate_limit=25) as world:
        want(world, "{policy: file}")
        clock = HandClock(now=utc_now())

        first = cycle(world, clock)
        early = downloads(world)
        world.running.docflo.faults.clear()

        assert_each_once(world)
        assert early < 6
        assert first.originals[NAME] == 6 - early
        assert first.come_back_at() is not None


def test_a_corrected_document_keeps_its_one_file(world: World) -> None:
    clock = HandClock(now=utc_now())
    cycle(world, clock)
    edited = world.running.docflo.documents[documents_approved(world)[0]]
    number = {**edited.fields["InvoiceId"], "value": "R-corrected"}
    world.running.docflo.add(edited.with_fields({**edited.fields, "InvoiceId": number}, utc_now()))

    clock.advance(timedelta(days=2))
    again = cycle(world, clock, full=True)

    assert sum(found.listed.changed_after_delivery for found in again.discovered) == 1
    assert "R-corrected" in {row["Number__c"] for row in world.running.salesforce.rows("Invoice__c")}
    assert downloads(world) == APPROVED
    assert {len(contents) for contents in files(world).values()} == {1}

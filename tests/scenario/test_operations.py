"""What an operator and a reviewer do, over both sandboxes: halts, bulk acts, links, reasons, corrections."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.sandbox.docflo.demo import documents_without_known_currency, documents_without_total
from connector.sandbox.faults import Fault
from connector.wiring import connect
from tests.factories import HandClock
from tests.scenario.conftest import APPROVED, BATCH, GOOD, Cli, World

DEAD_STEP = (
    "        status: CONFIRMED\n      dead: {status: REQUIRES_VALIDATION, fields: {SyncError: reason}}\n"
)


def _cycle(world: World, clock: HandClock) -> Cycle:
    with connect(open_session(world.config), clock=clock) as connector:
        return run_cycle(connector, full=False, bar=Bar("test"))


def _tell_reviewers(world: World) -> None:
    world.edit("        status: CONFIRMED\n", DEAD_STEP)


def _dead(world: World, cli: Cli) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli(
        "deliveries", "list", "--state", "dead", "-c", world.config, "-o", "json"
    ).json
    return found


def _field(world: World, document_id: str, name: str) -> Any:
    return world.running.docflo.documents[document_id].fields.get(name, {}).get("value")


def test_a_dead_letter_goes_back_to_its_reviewer_with_the_reason(world: World, cli: Cli) -> None:
    _tell_reviewers(world)
    without_total = documents_without_total(world.running.docflo.documents.values())

    cli("sync", "-c", world.config)

    assert len(without_total) == 2
    for document_id in without_total:
        assert "InvoiceTotal" in _field(world, document_id, "SyncError")
        assert world.running.docflo.status(document_id) == "REQUIRES_VALIDATION"
    dead = _dead(world, cli)
    assert len(dead) == 4
    assert {each["died_in"] for each in dead} == {"pending"}


def test_the_reviewers_correction_delivers_it_and_clears_the_reason(world: World, cli: Cli) -> None:
    _tell_reviewers(world)
    [document_id, _] = documents_without_total(world.running.docflo.documents.values())
    cli("sync", "-c", world.config)
    total = {"amount": Decimal("12.50"), "currencyCode": "EUR"}
    cli(
        "api", "update-fields", document_id, 'InvoiceTotal={"amount": 12.50, "currencyCode": "EUR"}',
        "-c", world.config,
    )  # fmt: skip
    assert _field(world, document_id, "InvoiceTotal") == total
    world.running.docflo.put_status(document_id, "APPROVED")

    cli("sync", "-c", world.config)

    assert _field(world, document_id, "ErpId") is not None
    assert _field(world, document_id, "SyncError") is None
    assert world.running.docflo.status(document_id) == "CONFIRMED"


def test_the_reason_is_no_edit(world: World, cli: Cli) -> None:
    _tell_reviewers(world)
    rejected = documents_without_known_currency(world.running.docflo.documents.values())
    cli("sync", "-c", world.config)
    for document_id in rejected:
        assert world.running.docflo.status(document_id) == "REQUIRES_VALIDATION"
        world.running.docflo.put_status(document_id, "APPROVED")

    again = cli("sync", "-c", world.config, "-o", "json")

    assert again.json["pipelines"]["invoices-to-crm"]["changed"] == 0
    assert len(_dead(world, cli)) == 4


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "status"])
def test_a_reason_that_docflo_does_not_take_is_told_later_and_holds_nothing_up(
    world: World, kind: Any
) -> None:
    _tell_reviewers(world)
    world.running.docflo.faults.add(
        Fault(operation="update_fields", containing="SyncError", kind=kind, times=2)
    )
    without_total = documents_without_total(world.running.docflo.documents.values())
    clock = HandClock(now=utc_now())

    first = _cycle(world, clock)
    clock.advance(timedelta(hours=1))
    _cycle(world, clock)

    assert not first.open
    assert len(without_total) == 2
    for document_id in without_total:
        assert _field(world, document_id, "SyncError")
        assert world.running.docflo.status(document_id) == "REQUIRES_VALIDATION"


@pytest.mark.parametrize("operation", ["update_fields", "update_status"])
def test_after_a_lost_answer_only_what_differs_is_written(world: World, operation: str) -> None:
    world.running.docflo.faults.add(Fault(operation=operation, kind="drop_after", times=1, after=5))
    clock = HandClock(now=utc_now())
    _cycle(world, clock)

    clock.advance(timedelta(hours=1))
    _cycle(world, clock)

    written = Counter((effect.kind, effect.subject) for effect in world.running.docflo.journal.effects)
    assert len(written) == 2 * GOOD
    assert set(written.values()) == {1}


def test_a_first_write_back_costs_two_writes_and_no_reading(world: World) -> None:
    _cycle(world, HandClock(now=utc_now()))

    requests = world.running.docflo.journal.count()
    assert (requests["update_fields"], requests["update_status"], requests["document"]) == (GOOD, GOOD, 0)


def test_a_run_of_dead_letters_halts_says_so_and_is_resumed(world: World, cli: Cli) -> None:
    world.edit_mapping("InvoiceTotal.amount", "NoSuchTotal.amount")
    world.edit("    target: crm\n", "    target: crm\n    halt_after: 7\n")

    ran = cli("sync", "-c", world.config)
    status = cli("status", "-c", world.config, "-o", "json").json["pipelines"]["invoices-to-crm"]

    assert ran.code == 4
    assert "invoices-to-crm is halted" in ran.out
    assert "pipelines resume invoices-to-crm" in ran.out
    assert (status["halted"]["error"], status["halted"]["dead_letters"]) == ("MappingError", 7)
    assert status["pending"] >= APPROVED - 2 * BATCH
    world.edit_mapping("NoSuchTotal.amount", "InvoiceTotal.amount")
    assert cli("sync", "-c", world.config).code == 4
    assert world.running.salesforce.rows("Invoice__c") == ()
    resumed = cli(
        "pipelines", "resume", "invoices-to-crm", "--reason", "mapping repaired", "-c", world.config
    )
    assert resumed.code == 0
    replayed = cli(
        "deliveries", "replay", "--state", "dead", "--class", "MappingError", "--yes", "-c", world.config
    )
    assert replayed.code == 0
    cli("sync", "-c", world.config)
    assert len(world.running.salesforce.rows("Invoice__c")) == GOOD


def test_resume_of_a_pipeline_that_runs_is_refused(world: World, cli: Cli) -> None:
    refused = cli("pipelines", "resume", "invoices-to-crm", "--reason", "x", "-c", world.config)

    assert refused.code == 2
    assert "neither paused nor halted" in refused.err


def test_a_bulk_act_shows_count_and_money_and_needs_a_yes(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)

    refused = cli("deliveries", "dismiss", "--state", "dead", "--reason", "by hand", "-c", world.config)
    done = cli("deliveries", "dismiss", "--state", "dead", "--reason", "by hand", "--yes", "-c", world.config)

    assert refused.code == 2
    assert "4 deliveries" in refused.err
    assert "XQX" in refused.err
    assert "--yes" in refused.err
    assert done.code == 0
    assert _dead(world, cli) == []
    [act] = cli("deliveries", "acts", "-c", world.config, "-o", "json").json
    assert (act["act"], act["count"], act["reason"], act["filter"]) == (
        "dismiss",
        4,
        "by hand",
        "states=dead",
    )


def test_an_act_without_a_choice_or_on_what_is_completed_is_refused(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)

    nothing = cli("deliveries", "replay", "--yes", "-c", world.config)
    completed = cli("deliveries", "replay", "--state", "completed", "--yes", "-c", world.config)
    dismissed = cli(
        "deliveries", "dismiss", "--state", "completed", "--reason", "x", "--yes", "-c", world.config
    )

    assert (nothing.code, completed.code, dismissed.code) == (2, 2, 2)
    assert "only dead deliveries are replayed: the target has it as" in completed.err
    assert cli("deliveries", "acts", "-c", world.config, "-o", "json").json == []


def test_link_takes_only_an_id_that_the_target_has(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)
    dead = _dead(world, cli)[0]["id"]
    held = world.running.salesforce.rows("Invoice__c")[0]["Id"]
    config = ("--reason", "entered by hand", "-c", world.config)

    unknown = cli("deliveries", "link", dead, "--receipt", "a01000000000zzzAAA", *config)
    nonsense = cli("deliveries", "link", dead, "--receipt", "no id'; --", *config)
    linked = cli("deliveries", "link", dead, "--receipt", held, *config)

    assert (unknown.code, nonsense.code, linked.code) == (2, 2, 0), linked.err
    assert "the target has no Invoice__c with the id" in unknown.err
    assert cli("sync", "-c", world.config).code == 0
    shown = cli("deliveries", "show", dead, "-c", world.config, "-o", "json").json
    assert (shown["state"], shown["receipt"]) == ("completed", held)


def test_replay_as_fetch_delivers_what_docflo_has_now(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)
    [document_id, other] = documents_without_total(world.running.docflo.documents.values())
    ids = {each["document"]: each["id"] for each in _dead(world, cli)}
    cli(
        "api", "update-fields", document_id, 'InvoiceTotal={"amount": 7, "currencyCode": "EUR"}',
        "-c", world.config,
    )  # fmt: skip
    world.running.docflo.put_status(other, "REQUIRES_VALIDATION")

    fetched = cli("deliveries", "replay", ids[document_id], "--as", "fetch", "-c", world.config)
    unready = cli("deliveries", "replay", ids[other], "--as", "fetch", "-c", world.config)

    assert fetched.code == 0, fetched.err
    assert unready.code == 2
    assert "REQUIRES_VALIDATION" in unready.err
    shown = cli("deliveries", "show", ids[document_id], "-c", world.config, "-o", "json").json
    assert (shown["state"], shown["revision"]) == ("pending", 2)


def test_replay_as_record_needs_a_record_and_sends_the_same_again(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)
    by_class = {each["error"]: each["id"] for each in _dead(world, cli)}

    never_sent = cli("deliveries", "replay", by_class["MappingError"], "--as", "record", "-c", world.config)
    rejected = cli("deliveries", "replay", by_class["RejectedError"], "--as", "record", "-c", world.config)
    world.edit_mapping("InvoiceTotal.amount", "NoSuchTotal.amount")
    cli("sync", "-c", world.config)

    assert never_sent.code == 2
    assert "no record" in never_sent.err
    assert rejected.code == 0
    shown = cli("deliveries", "show", by_class["RejectedError"], "-c", world.config, "-o", "json").json
    assert shown["error"] == "RejectedError"  # the record went out again, whatever the mapping says now


def test_show_tells_requests_and_answers_without_contents(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)
    done = cli("deliveries", "list", "--state", "completed", "--limit", 1, "-c", world.config, "-o", "json")

    events = cli("deliveries", "show", done.json[0]["id"], "-c", world.config, "-o", "json").json["events"]

    requests = {event["event"]: event["requests"] or "" for event in events}
    assert "POST /services/data/v66.0/composite/graph -> 200" in requests["delivered"]
    lines = requests["completed"].splitlines()
    assert [line.split()[0] + line[-3:] for line in lines] == ["PATCH200", "PATCH200"]
    assert done.json[0]["number"] not in "".join(requests.values())

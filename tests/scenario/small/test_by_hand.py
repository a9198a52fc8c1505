"""What a person asks for by hand: the same budget as the service, and every gap named before it hurts."""

from pathlib import Path

from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import a_small_world

DEAD_STEP = "      dead: {status: REQUIRES_VALIDATION, fields: {SyncProblem: reason}}\n"


def test_check_names_a_field_for_the_reason_that_docflo_does_not_have(small_world: World, cli: Cli) -> None:
    small_world.edit("        status: CONFIRMED\n", "        status: CONFIRMED\n" + DEAD_STEP)

    ran = cli("check", "--config", small_world.config)

    assert ran.code == 2
    assert "`invoice` has no field SyncProblem" in ran.out


def test_check_names_a_missing_person_for_doubts(small_world: World, cli: Cli) -> None:
    small_world.edit("targets:\n", "targets:\n  till:\n    adapter: memory\n    idempotency: create_only\n")
    small_world.edit("    target: crm\n", "    target: till\n")

    ran = cli("check", "--config", small_world.config)

    assert ran.code == 2
    assert "pipelines.invoices-to-crm.in_doubt.person" in ran.out
    assert "✓ target till" in ran.out


def test_api_check_and_preview_spend_from_the_budget_of_the_service(small_world: World, cli: Cli) -> None:
    cli("api", "list", "--config", small_world.config)
    cli("preview", "invoices-to-crm", "--config", small_world.config)
    cli("check", "--config", small_world.config)

    budget = cli("status", "--config", small_world.config, "--output", "json").json["budget"]

    sent = len(small_world.running.docflo.journal.requests)
    assert sent > 3
    assert budget["used"] == sent


def test_a_spent_budget_refuses_at_once_and_sends_nothing(tmp_path: Path, cli: Cli) -> None:
    with a_small_world(tmp_path, rate_limit=10) as world:
        ran = [cli("api", "list", "--config", world.config) for _ in range(12)]

        assert [each.code for each in ran] == [0] * 9 + [75] * 3
        assert "by-hand" in ran[-1].err
        assert len(world.running.docflo.journal.requests) == 9


def test_without_a_ledger_a_person_can_still_ask(small_world: World, cli: Cli) -> None:
    (small_world.config.parent / "connector.db").unlink()

    assert cli("api", "list", "--config", small_world.config).code == 0
    assert not (small_world.config.parent / "connector.db").exists()

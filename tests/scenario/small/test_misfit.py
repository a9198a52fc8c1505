"""A target that no longer takes what a mapping writes: its pipeline waits, says so, and goes on by itself."""

from connector.cli.exits import Exit
from connector.clock import utc_now
from connector.ledger.delivery import State
from connector.sandbox.salesforce import SalesforceSandbox
from tests.factories import HandClock
from tests.scenario.conftest import World
from tests.scenario.small.world import APPROVED, NAME, assert_each_once, cycle, until_quiet

USER = "sandbox-consumer"


def hide(org: SalesforceSandbox, *names: str) -> None:
    """Take rights to fields from the integration user, or give them back."""
    assert isinstance(org.hidden, dict)
    org.hidden[USER] = names


def test_a_pipeline_whose_field_is_gone_waits_and_goes_on_when_it_is_back(small_world: World) -> None:
    org, clock = small_world.running.salesforce, HandClock(now=utc_now())
    hide(org, "Invoice__c.PO_Number__c")

    held = cycle(small_world, clock)

    assert held.exit() is Exit.CONFIGURATION
    [breaker] = held.breakers
    assert breaker.side == f"mapping {NAME}"
    assert "PO_Number__c" in breaker.reason
    assert "invoice-salesforce.yaml:" in breaker.reason
    assert (held.open[NAME], held.count(State.DEAD), org.rows("Invoice__c")) == (APPROVED, 0, ())
    hide(org)
    until_quiet(small_world, clock)
    assert_each_once(small_world)


def test_a_misfit_leaves_other_pipelines_into_the_same_target_alone(small_world: World) -> None:
    org = small_world.running.salesforce
    mappings = small_world.config.parent / "mappings"
    whole = (mappings / "invoice-salesforce.yaml").read_text(encoding="utf-8")
    short = "\n".join(line for line in whole.splitlines() if not line.strip().startswith("PO_Number__c:"))
    (mappings / "short.yaml").write_text(short, encoding="utf-8")
    section = small_world.config.read_text(encoding="utf-8").partition(f"  {NAME}:\n")[2]
    other = section.replace("invoice-salesforce.yaml", "short.yaml").partition("    write_back:")[0]
    other = other.replace("[APPROVED]", "[APPROVED, CONFIRMED]")
    with small_world.config.open("a", encoding="utf-8") as file:
        file.write(f"  others:\n{other}")
    hide(org, "Invoice__c.PO_Number__c")

    held = cycle(small_world)

    assert [breaker.side for breaker in held.breakers] == [f"mapping {NAME}"]
    assert held.open[NAME] == APPROVED
    assert {row["Docflo_Id__c"].split(":")[1] for row in org.rows("Invoice__c")} == {"others"}


def test_who_does_not_want_to_be_held_up_is_not(small_world: World) -> None:
    small_world.edit("    target: crm\n", "    target: crm\n    on_misfit: ignore\n")
    hide(small_world.running.salesforce, "Invoice__c.PO_Number__c")

    tried = cycle(small_world)

    assert tried.breakers == ()
    assert {move.failure.error_class for move in tried.failures.values() if move.failure} == {"ConfigError"}

"""The state machine is told three times: in Python, in SQL and in docs/states.md. They agree."""

import re
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, insert, select, update
from sqlalchemy.exc import IntegrityError

from connector.ledger.database import Database
from connector.ledger.delivery import ARROWS, OPEN_STATES, State
from connector.ledger.operations import Operations
from connector.ledger.outcomes import Outcomes
from connector.ledger.store import Store
from connector.ledger.tables import delivery
from tests.factories import NOON, HandClock, make_found

DOCS = Path(__file__).parents[2] / "docs" / "states.md"


def rows_below(heading: str) -> list[list[str]]:
    section = DOCS.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_docs_explain_every_state_once() -> None:
    assert [row[0].strip("`") for row in rows_below("States")] == [state.value for state in State]


def test_docs_name_the_open_states() -> None:
    (sentence,) = re.findall(r"^(.*) are open:", DOCS.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", sentence)) == {state.value for state in OPEN_STATES}


def test_docs_list_every_arrow_once() -> None:
    arrows = [(State(row[0].strip("`")), State(row[1].strip("`"))) for row in rows_below("Arrows")]

    assert len(arrows) == len(set(arrows))
    assert set(arrows) == ARROWS


def test_docs_name_methods_that_exist() -> None:
    for _, _, methods, _ in rows_below("Arrows"):
        named = re.findall(r"`(\w+)\.(\w+)`", methods)
        assert named
        for owner, method in named:
            assert callable(
                vars({"Store": Store, "Outcomes": Outcomes, "Operations": Operations}[owner])[method]
            )


def test_sql_knows_exactly_the_states() -> None:
    (check,) = [
        str(constraint.sqltext)
        for constraint in delivery.constraints
        if isinstance(constraint, CheckConstraint) and str(constraint.name).endswith("ck_delivery_state")
    ]

    assert re.findall(r"'(\w+)'", check) == [state.value for state in State]


VALID = {
    "pipeline": "invoices",
    "document_id": "document",
    "revision": 1,
    "state": "pending",
    "digest": "digest",
    "snapshot": b"{}",
    "found_at": NOON,
    "changed_at": NOON,
    "attempts": 0,
    "due_at": NOON,
    "lease_epoch": 0,
}
FAILURE = {"failure_class": "RejectedError", "failure_reason": "no"}
DEAD = {"state": "dead", "due_at": None, "died_in": "pending", **FAILURE}
DELIVERED = {"state": "delivered", "receipt_id": "a01"}
LEASED = {"lease_owner": "worker", "lease_until": NOON}


@pytest.mark.parametrize(
    "values",
    [
        VALID,
        VALID | LEASED,
        VALID | DEAD,
        VALID | DELIVERED,
        VALID | DELIVERED | {"state": "completed", "due_at": None},
        VALID | {"state": "skipped", "due_at": None},
        VALID | {"state": "dismissed", "due_at": None, "died_in": "in_doubt"},
    ],
)
def test_sql_takes_a_row_that_makes_sense(any_database: Database, values: dict[str, object]) -> None:
    with any_database.write() as connection:
        connection.execute(insert(delivery).values(values))

    with any_database.read() as connection:
        assert connection.execute(select(delivery.c.state)).scalars().all() == [values["state"]]


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("ck_delivery_state", VALID | {"state": "lost", "due_at": None}),
        ("ck_delivery_died_in", VALID | DEAD | {"died_in": None}),
        ("ck_delivery_died_in", VALID | {"died_in": "pending"}),
        ("ck_delivery_died_in", VALID | {"state": "dismissed", "due_at": None}),
        ("ck_delivery_died_in_open", VALID | DEAD | {"died_in": "completed"}),
        ("ck_delivery_dead_reason", VALID | DEAD | {"failure_class": None, "failure_reason": None}),
        ("ck_delivery_failure", VALID | {"failure_class": "RejectedError"}),
        ("ck_delivery_due", VALID | {"due_at": None}),
        ("ck_delivery_due", VALID | {"state": "skipped"}),
        ("ck_delivery_lease_open", VALID | LEASED | {"state": "skipped", "due_at": None}),
        ("ck_delivery_lease_end", VALID | {"lease_owner": "worker"}),
        ("ck_delivery_receipt", VALID | {"state": "delivered"}),
        ("ck_delivery_counters", VALID | {"attempts": -1}),
        ("ck_delivery_counters", VALID | {"revision": 0}),
    ],
)
def test_sql_refuses_a_row_that_makes_no_sense(
    any_database: Database, constraint: str, values: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError, match=rf"{constraint}\b"), any_database.write() as connection:
        connection.execute(insert(delivery).values(values))


def test_sql_refuses_a_state_no_version_knows_in_an_update(any_database: Database) -> None:
    Store(any_database, clock=HandClock()).record_listing("invoices", [make_found()], None)

    with pytest.raises(IntegrityError), any_database.write() as connection:
        connection.execute(update(delivery).values(state="lost"))

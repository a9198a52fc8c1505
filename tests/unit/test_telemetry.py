"""What every line of the log carries, and how it is written."""

import json
from datetime import date
from decimal import Decimal

import pytest

from connector.calls import under_way
from connector.telemetry import bind_ids, write_json


def bound(**event: object) -> dict[str, object]:
    return dict(bind_ids(None, "info", event))


def test_a_line_names_the_pipeline_and_the_document_that_its_thread_is_busy_with() -> None:
    with under_way("look_at", pipeline="invoices", documents=("d1",)), under_way("send", side="target crm"):
        told = bound(event="adapter.slow")

    assert told == {"event": "adapter.slow", "pipeline": "invoices", "document_id": "d1"}


def test_what_a_line_says_itself_is_kept_and_a_batch_is_not_repeated_on_each() -> None:
    with under_way("deliver", pipeline="invoices", documents=("d1", "d2")):
        told = bound(event="delivery.moved", document_id="d2")
        other = bound(event="docflo.request")

    assert told["document_id"] == "d2"
    assert other == {"event": "docflo.request", "pipeline": "invoices"}


def test_a_line_of_an_idle_thread_is_left_as_it_is() -> None:
    assert bound(event="service.started") == {"event": "service.started"}


@pytest.mark.parametrize("reason", ["plain", "Größe \u2028 😀", "half of one: \ud83d", 'quoted "\\" \n'])
def test_any_line_is_json_in_ascii_that_gives_back_what_was_said(reason: str) -> None:
    line = write_json(None, "info", {"event": "delivery.dead", "reason": reason, "attempt": 3})

    assert isinstance(line, str)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"event": "delivery.dead", "reason": reason, "attempt": 3}


def test_what_json_does_not_know_is_written_all_the_same() -> None:
    line = write_json(
        None, "info", {"on": date(2026, 1, 2), "amount": Decimal("1.50"), "error": ValueError("odd")}
    )

    assert json.loads(line) == {"on": "2026-01-02", "amount": "1.50", "error": "ValueError('odd')"}

"""Deliveries of several calls: what is kept when one of them fails, and how the next attempt goes on."""

from pathlib import Path

import pytest

from connector.errors import OutcomeUnknownError, RejectedError, UnavailableError
from connector.record import Receipt
from tests.soap.tiny import (
    PROFILE,
    XML,
    Request,
    Response,
    TinyErp,
    adapter,
    envelope,
    fault,
    record,
    serving,
)

SECOND = """  - operation: Login
    name: Post
    body: {user: "${record_id}", password: pass-word}
    outcome: [{when: "//t:LoginResponse/t:token[.!='']", is: delivered}]
lookup:
"""


def two_steps(*, changes: bool = True, resume: bool = False) -> str:
    """Give the tiny profile with a second step, for which its login serves."""
    profile = PROFILE.replace("lookup:\n", SECOND, 1)
    if not changes:
        profile = profile.replace("    record_id: //t:id\n  - operation: Login", CHANGELESS, 1)
    if resume:
        profile = profile.replace("    compare:", "    resume: Post\n    compare:", 1)
    return profile


CHANGELESS = "    record_id: //t:id\n    changes: false\n  - operation: Login"


def failing_second(erp: TinyErp, answer: Response) -> None:
    def guard(request: Request) -> Response | None:
        return answer if request.operation == "Login" else None

    erp.guard = guard


def test_steps_run_in_order_and_know_what_came_before(tmp_path: Path) -> None:
    erp = TinyErp()
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=two_steps())

        assert soap.deliver([record()]) == [Receipt(id="1", created=True)]

        soap.close()
    assert [request.operation for request in erp.requests] == ["Find", "Create", "Login"]
    assert erp.requests[-1].text("user") == "1"


def test_a_refusal_after_a_step_that_the_erp_keeps_is_a_doubt(tmp_path: Path) -> None:
    erp = TinyErp()
    failing_second(erp, fault("Client", "the period is closed"))
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=two_steps())
        with pytest.raises(
            OutcomeUnknownError, match=r"Post failed after Create had been done: .*period is closed"
        ):
            soap.deliver([record()])
        soap.close()
    assert len(erp.rows) == 1


def test_a_refusal_after_a_step_that_the_erp_does_not_keep_is_a_refusal(tmp_path: Path) -> None:
    erp = TinyErp()
    failing_second(erp, fault("Client", "the period is closed"))
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=two_steps(changes=False))

        [outcome] = soap.deliver([record()])

        soap.close()
    assert isinstance(outcome, RejectedError)


def test_a_lost_answer_of_a_step_that_the_erp_does_not_keep_is_no_doubt(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = lambda request: Response(503) if request.operation == "Create" else None
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=two_steps(changes=False))
        with pytest.raises(UnavailableError):
            soap.deliver([record()])
        soap.close()


def test_what_stopped_between_two_steps_goes_on_there_and_creates_nothing_again(tmp_path: Path) -> None:
    erp = TinyErp()
    failing_second(erp, Response(503))
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=two_steps(resume=True))
        with pytest.raises(OutcomeUnknownError):
            soap.deliver([record()])
        assert soap.lookup([record()]) == [None]  # not whole: to be delivered again
        erp.guard = lambda _request: None

        assert soap.deliver([record()]) == [Receipt(id="1", created=False)]

        soap.close()
    assert len(erp.rows) == 1
    assert [request.operation for request in erp.requests[-2:]] == ["Find", "Login"]


def test_an_accepted_record_is_asked_for_later(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = lambda request: Response(202) if request.operation == "Create" else None
    profile = PROFILE.replace("{http_status: 429, is: throttled}", "{http_status: 202, is: accepted}")
    profile = profile.replace("then: recreate", "then: hold")
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=profile)
        with pytest.raises(OutcomeUnknownError, match="is asked later"):
            soap.deliver([record()])
        erp.rows.append(("k1", "12.50"))

        assert soap.lookup([record()]) == [Receipt(id="1", created=False)]

        soap.close()


def test_a_duplicate_becomes_the_receipt_of_what_a_lookup_finds(tmp_path: Path) -> None:
    erp = TinyErp()
    duplicate = Response(200, envelope("<duplicate/>"), XML)

    def guard(request: Request) -> Response | None:
        if request.operation != "Create":
            return None
        erp.rows.append(("k1", "12.50"))
        return duplicate

    erp.guard = guard
    profile = PROFILE.replace("{http_status: 429, is: throttled}", "{when: //duplicate, is: duplicate}")
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=profile)

        assert soap.deliver([record()]) == [Receipt(id="1", created=False)]

        soap.close()


def test_a_duplicate_that_no_lookup_finds_is_a_doubt(tmp_path: Path) -> None:
    erp = TinyErp()
    duplicate = Response(200, envelope("<duplicate/>"), XML)
    erp.guard = lambda request: duplicate if request.operation == "Create" else None
    profile = PROFILE.replace("{http_status: 429, is: throttled}", "{when: //duplicate, is: duplicate}")
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=profile)
        with pytest.raises(OutcomeUnknownError, match="no lookup finds"):
            soap.deliver([record()])
        soap.close()

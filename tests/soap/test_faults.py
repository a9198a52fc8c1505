"""What an ERP can answer, and what may be concluded: rows are counted behind the adapter's back."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
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


def outcome_of(folder: Path, erp: TinyErp, more: str = "") -> Receipt | ConnectorError:
    with serving(erp.answer) as address:
        soap = adapter(folder, address, more)
        try:
            [outcome] = soap.deliver([record()])
        except ConnectorError as error:
            return error
        finally:
            soap.close()
    return outcome


def creating(answer: Callable[[Request], Response], *, before: bool = False) -> TinyErp:
    """Give an ERP that creates the row, unless `before`, and then answers something else."""
    erp = TinyErp()

    def guard(request: Request) -> Response | None:
        if request.operation != "Create":
            return None
        if not before:
            erp.rows.append((request.text("key"), request.text("total")))
        return answer(request)

    erp.guard = guard
    return erp


HTML = b"<!DOCTYPE html><html><body>Log in</body></html>"
BOMB = b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><b>&b;</b>'


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(200, HTML, {"Content-Type": "text/html"}), OutcomeUnknownError),
        (Response(202, HTML, {"Content-Type": "text/html"}), OutcomeUnknownError),
        (Response(202), OutcomeUnknownError),
        (Response(204), OutcomeUnknownError),
        (Response(302, b"", {"Location": "/login"}), OutcomeUnknownError),
        (Response(502, HTML, {"Content-Type": "text/html"}), OutcomeUnknownError),
        (Response(503), OutcomeUnknownError),
        (Response(500), OutcomeUnknownError),
        (Response(200, envelope("")[:60], XML), OutcomeUnknownError),
        (Response(200, envelope(""), XML), OutcomeUnknownError),
        (Response(200, envelope("<other/>"), XML), OutcomeUnknownError),
        (Response(200, BOMB, XML), OutcomeUnknownError),
        (Response(200, b"x" * 200_000, XML), OutcomeUnknownError),
        (fault("Server", "something broke"), OutcomeUnknownError),
        (fault("Server", "something broke", 200), OutcomeUnknownError),
    ],
)
def test_an_answer_that_does_not_tell_leaves_the_record_in_doubt(
    tmp_path: Path, answer: Response, error: type[ConnectorError]
) -> None:
    erp = creating(lambda _: answer)

    assert type(outcome_of(tmp_path, erp)) is error
    assert len(erp.rows) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (fault("Client", "no such supplier"), RejectedError),
        (fault("Server", "the record is locked"), UnavailableError),
        (Response(401), AccessRefusedError),
        (Response(403, HTML), AccessRefusedError),
        (Response(404, HTML), ConfigError),
        (Response(415), ConfigError),
        (Response(429, b"", {"Retry-After": "7"}), ThrottledError),
    ],
)
def test_an_answer_that_says_no_leaves_no_doubt(
    tmp_path: Path, answer: Response, error: type[ConnectorError]
) -> None:
    erp = creating(lambda _: answer, before=True)

    outcome = outcome_of(tmp_path, erp)

    assert type(outcome) is error
    assert erp.rows == []


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    erp = creating(lambda _: Response(307, b"", {"Location": "/tiny"}))

    outcome_of(tmp_path, erp)

    assert [request.operation for request in erp.requests] == ["Find", "Create"]


def test_a_success_without_an_id_is_in_doubt(tmp_path: Path) -> None:
    erp = creating(lambda _: Response(200, envelope('<CreateResponse xmlns="urn:tiny"/>'), XML))

    assert isinstance(outcome_of(tmp_path, erp), OutcomeUnknownError)


@contextmanager
def raw_server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections one after another and let `behave` do what it likes with each."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    behave(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/tiny"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def deliver_natively(folder: Path, address: str) -> ConnectorError:
    profile = PROFILE.replace("class: lookup_only", "class: native").replace(
        "read: 3, deadline: 4", "read: 1, deadline: 1.5"
    )
    soap = adapter(folder, address, profile=profile)
    with pytest.raises(ConnectorError) as caught:
        soap.deliver([record()])
    soap.close()
    return caught.value


def test_a_refused_connection_has_sent_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert isinstance(deliver_natively(tmp_path, f"http://127.0.0.1:{port}/tiny"), UnavailableError)


def test_an_unknown_host_has_sent_nothing(tmp_path: Path) -> None:
    assert isinstance(deliver_natively(tmp_path, "http://no-such-host.invalid/tiny"), UnavailableError)


def take_and_drop(connection: socket.socket) -> None:
    connection.recv(100_000)


def say_nothing(_connection: socket.socket) -> None:
    time.sleep(2)


def test_a_connection_that_is_reset_after_the_request_leaves_a_doubt(tmp_path: Path) -> None:
    with raw_server(take_and_drop) as address:
        assert isinstance(deliver_natively(tmp_path, address), OutcomeUnknownError)


def test_silence_ends_with_a_doubt(tmp_path: Path) -> None:
    with raw_server(say_nothing) as address:
        error = deliver_natively(tmp_path, address)

    assert isinstance(error, OutcomeUnknownError)


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "]
)
def test_what_drips_meets_the_deadline(tmp_path: Path, start: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(start)
        for _ in range(200):
            connection.sendall(b"H" if not start else b"x")
            time.sleep(0.05)

    with raw_server(drip) as address:
        began = time.monotonic()
        error = deliver_natively(tmp_path, address)

        assert isinstance(error, OutcomeUnknownError)
        assert time.monotonic() - began < 8  # far less than the 10 seconds of dripping


def test_a_body_that_is_cut_short_leaves_a_doubt(tmp_path: Path) -> None:
    whole = envelope('<t:CreateResponse xmlns:t="urn:tiny"><t:id>1</t:id></t:CreateResponse>')

    def cut(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(whole) + 10) + whole)

    with raw_server(cut) as address:
        assert isinstance(deliver_natively(tmp_path, address), OutcomeUnknownError)


def test_a_lost_answer_is_found_and_nothing_is_created_again(tmp_path: Path) -> None:
    erp = creating(lambda _: Response(503))
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)
        with pytest.raises(OutcomeUnknownError):
            soap.deliver([record()])

        assert soap.lookup([record()]) == [Receipt(id="1", created=False)]
        assert soap.deliver([record()]) == [Receipt(id="1", created=False)]
        soap.close()
    assert len(erp.rows) == 1


def test_another_record_under_the_key_is_a_conflict_that_says_what_differs(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.rows.append(("k1", "99.00"))

    outcome = outcome_of(tmp_path, erp)

    assert isinstance(outcome, OutcomeUnknownError)
    assert '//t:total is "99.00", expected "12.50"' in outcome.message
    assert len(erp.rows) == 1


def test_two_records_under_the_key_are_a_conflict(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.rows += [("k1", "12.50"), ("k1", "12.50")]

    outcome = outcome_of(tmp_path, erp)

    assert isinstance(outcome, OutcomeUnknownError)
    assert "several records" in outcome.message


def test_one_conflict_does_not_hide_what_is_known_of_the_others(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.rows += [("k1", "99.00"), ("k2", "12.50")]
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)

        found = soap.lookup([record("k1"), record("k2"), record("k3")])

        soap.close()
    assert isinstance(found[0], OutcomeUnknownError)
    assert found[1:] == [Receipt(id="2", created=False), None]


def test_a_lookup_that_is_not_understood_is_never_absent(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = lambda _: Response(200, HTML)
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)
        with pytest.raises(UnavailableError):
            soap.lookup([record()])
        with pytest.raises(UnavailableError):
            soap.deliver([record()])
        soap.close()
    assert erp.rows == []


def test_hold_leaves_what_is_not_found_to_a_person(tmp_path: Path) -> None:
    with serving(TinyErp().answer) as address:
        soap = adapter(tmp_path, address, profile=PROFILE.replace("then: recreate", "then: hold"))
        with pytest.raises(OutcomeUnknownError, match="left to a person"):
            soap.lookup([record()])
        soap.close()


def test_a_read_back_that_differs_is_in_doubt_with_its_evidence(tmp_path: Path) -> None:
    erp = TinyErp()
    wrong = "verify: {operation: Find, body: {key: '${key}'}, compare: {//t:row/t:total: '1.00'}}\n"

    outcome = outcome_of(tmp_path, erp, wrong)

    assert isinstance(outcome, OutcomeUnknownError)
    assert "record 1 was made, but not as it was sent" in outcome.message


@pytest.mark.parametrize(
    ("total", "words"),
    [("1.005", r"total \(record.Total\): has 3 decimal places"), ("NaN", "not finite")],
)
def test_a_value_that_the_schema_does_not_take_is_never_sent(tmp_path: Path, total: str, words: str) -> None:
    erp = TinyErp()
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)

        [outcome] = soap.deliver([record(total=total)])

        soap.close()
    assert isinstance(outcome, RejectedError)
    assert re.search(words, outcome.message)
    assert [request.operation for request in erp.requests] == ["Find"]


@pytest.mark.parametrize(
    ("declared", "header"),
    [
        ("", "text/xml; charset=ISO-8859-1"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "text/xml; charset=utf-8"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "text/xml"),
    ],
)
def test_a_reply_in_another_encoding_is_read_as_it_says(tmp_path: Path, declared: str, header: str) -> None:
    erp = TinyErp()
    text = envelope('<t:CreateResponse xmlns:t="urn:tiny"><t:id>\u00c4-1</t:id></t:CreateResponse>').decode()
    answer = Response(200, (declared + text).encode("iso-8859-1"), {"Content-Type": header})
    erp.guard = lambda request: answer if request.operation == "Create" else None
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)

        assert soap.deliver([record()]) == [Receipt(id="\u00c4-1", created=True)]

        soap.close()

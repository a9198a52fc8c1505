"""What threads are busy with."""

import threading

import pytest

from connector.calls import Call, listening, now_under_way, signs, under_way


def test_the_innermost_call_is_told_with_what_the_outer_one_names() -> None:
    with under_way("deliver", pipeline="p", deliveries=(7,)), under_way("send", side="target crm"):
        [call] = [call for call in now_under_way() if call.thread == threading.current_thread().name]

    assert (call.what, call.side, call.pipeline, call.deliveries) == ("send", "target crm", "p", (7,))


def test_a_call_that_ended_is_not_under_way_though_it_failed() -> None:
    with pytest.raises(ValueError, match="odd"), under_way("deliver"):
        raise ValueError("odd")

    assert threading.current_thread().name not in {call.thread for call in now_under_way()}
    assert threading.current_thread().name in signs()


def test_listeners_are_told_of_the_end_and_of_the_error() -> None:
    told: list[tuple[str, str | None]] = []

    def listen(call: Call, error: BaseException | None) -> None:
        told.append((call.what, type(error).__name__ if error else None))

    with listening(listen):
        with under_way("page"):
            pass
        with pytest.raises(ValueError, match="odd"), under_way("list"):
            raise ValueError("odd")
    with under_way("later"):
        pass

    assert told == [("page", None), ("list", "ValueError")]

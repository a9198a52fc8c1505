"""How many workers of a process work at a time."""

from connector.pipeline.crew import EVERY, Crew


class Machine:
    """A clock, and how much of its time the process was busy."""

    def __init__(self, size: int) -> None:
        self.now = self.used = 0.0
        self.crew = Crew(size, used=lambda: self.used, now=lambda: self.now)

    def runs(self, load: float, *, looks: int = 1) -> int:
        """Give how many work after so many looks at this load."""
        for _ in range(looks):
            self.now += EVERY
            self.used += EVERY * load
            self.wanted()
        return self.wanted()

    def wanted(self) -> int:
        return sum(self.crew.wants(number) for number in range(64))


def test_all_work_while_there_is_something_to_wait_for() -> None:
    assert Machine(4).runs(0.6, looks=10) == 4


def test_one_after_the_other_rests_while_the_interpreter_is_busy_and_two_never_do() -> None:
    machine = Machine(5)
    machine.runs(0.1, looks=2)

    assert [machine.runs(1.0) for _ in range(5)] == [4, 3, 2, 2, 2]
    assert Machine(1).runs(1.0) == 1


def test_between_busy_and_free_it_stays_as_it_is() -> None:
    machine = Machine(8)
    machine.runs(0.1, looks=2)
    machine.runs(1.0, looks=2)

    assert machine.runs(0.9, looks=5) == 6


def test_it_begins_with_two_and_workers_that_wait_get_help_however_long_their_calls_take() -> None:
    machine = Machine(8)

    assert machine.wanted() == 2
    assert [machine.runs(0.1) for _ in range(3)] == [4, 8, 8]


def test_a_moment_says_nothing() -> None:
    machine = Machine(4)
    machine.runs(0.1)
    machine.now, machine.used = machine.now + EVERY / 2, machine.used + EVERY / 2

    assert machine.wanted() == 4

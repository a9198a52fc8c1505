"""The process that dies: forks a child for each order, which runs the connector until nothing waits.

Started as a program of its own, it has imported everything and started no thread before it forks, so a child
costs milliseconds and nothing is shared with it. Orders come on standard input, ends go to standard output.
"""

import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

import connector.adapters.salesforce.adapter  # noqa: F401 imported before the fork, not after each
from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.clock import utc_now
from connector.config import Config, load_config
from connector.crashpoint import arm, arrivals
from connector.ledger.database import open_database
from connector.telemetry import configure_logging
from connector.wiring import connect

PAUSE = timedelta(hours=1)  # between two cycles: longer than a lease and any retry
MOST_CYCLES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One life of a connector: its configuration, where it dies, and how far its clock is ahead."""

    config: str
    armed: str  # as in `connector.crashpoint.ARMED`
    ahead: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How it ended: its exit code, negative for a signal. The rest is told by those that survived."""

    code: int = 0
    arrivals: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0  # deliveries that were still open, and listings that failed


def serve() -> None:
    """Carry out orders until standard input ends."""
    # The driver's import alone takes longer than a case.
    open_database("postgresql+psycopg://localhost/none").close()
    for line in sys.stdin.buffer:
        end = _fork(msgspec.json.decode(line, type=Order))
        sys.stdout.buffer.write(msgspec.json.encode(end) + b"\n")
        sys.stdout.buffer.flush()


def _fork(order: Order) -> End:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(_live(order, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return msgspec.json.decode(told, type=End) if code == 0 else End(code=code)


def _live(order: Order, writing: int) -> int:
    try:
        os.write(writing, msgspec.json.encode(run_until_quiet(order)))
    except BaseException:  # noqa: BLE001 the parent's loop must not go on in this process
        traceback.print_exc()
        return 1
    return 0


def run_until_quiet(order: Order) -> End:
    """Run cycles, an hour apart by the connector's own clock, until nothing waits."""
    arm(order.armed)
    configure_logging("critical")
    config = load_config(Path(order.config))
    ahead = timedelta(seconds=order.ahead)
    waiting = 0
    for _ in range(MOST_CYCLES):
        waiting = _waiting(_cycle(config, ahead))
        if not waiting:
            break
        ahead += PAUSE
    return End(arrivals={point.value: count for point, count in arrivals().items()}, waiting=waiting)


def _cycle(config: Config, ahead: timedelta) -> Cycle:
    def clock() -> datetime:
        return utc_now() + ahead

    with connect(config, clock=clock) as connector:
        return run_cycle(connector, full=False, bar=Bar("crash"))


def _waiting(cycle: Cycle) -> int:
    return cycle.open.total() + cycle.in_doubt + cycle.originals.total() + len(cycle.errors)


if __name__ == "__main__":
    serve()

"""A crash matrix over one kind of ledger and one kind of target, set up for tests."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connector.cli.crash_matrix import CHILD, Clean, Forks, Kill, Stages, Verdict, play, run_clean
from connector.cli.crash_script import write_script
from connector.cli.crash_stage import Script, TargetSide, sandbox_stages
from connector.cli.sandbox_setup import sandboxes, write_sandbox_config
from connector.config import load_config
from connector.sandbox.faults import Fault
from tests.crash.rows_target import RowsTarget

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

SECOND_TYPE = "receipt"
ON_POSTGRESQL = pytest.mark.xdist_group("postgresql")
# Each ledger and each kind of target; `make soak` plays the other combinations too.
KINDS = [
    pytest.param(("sqlite", "lookup"), id="sqlite-lookup"),
    pytest.param(("postgresql", None), id="postgresql-native", marks=ON_POSTGRESQL),
]
ALL_KINDS = [
    *KINDS,
    pytest.param(("sqlite", None), id="sqlite-native"),
    pytest.param(("postgresql", "lookup"), id="postgresql-lookup", marks=ON_POSTGRESQL),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    forks: Forks
    stages: Stages
    script: Script
    clean: Clean

    def play(self, *kills: Kill) -> Verdict:
        return play(self.forks, self.stages, self.clean, kills)


@contextmanager
def opened(
    folder: Path,
    *,
    make_ledger: Callable[[Path], str] | None = None,
    promise: str | None = None,
    make_target: Callable[[], TargetSide] = RowsTarget,
) -> Iterator[Matrix]:
    """`promise`: a target that has rows and says this of its idempotency; None is Salesforce."""
    with sandboxes() as running:
        config = write_sandbox_config(folder / "user", running)
    script = write_script(load_config(config), config, folder)
    # Two parts, and the second fails at first: what the first brought is stored by itself.
    script = replace(
        script,
        pipelines={name: with_second_part(each) for name, each in script.pipelines.items()},
        faults=(Fault(operation="list", kind="drop_before", containing=f"type={SECOND_TYPE}"),),
    )
    command: Sequence[str] = CHILD
    if promise is None:
        files = {"original": {"policy": "file"}}
        script = replace(
            script, pipelines={name: {**each, **files} for name, each in script.pipelines.items()}
        )
    else:
        command = (sys.executable, "-m", "tests.crash.child", promise)
        script = replace(script, make_target=make_target)
    if make_ledger is not None:
        script = replace(script, make_ledger=make_ledger)
    with Forks(command) as forks, sandbox_stages(script, folder / "case") as stages:
        yield Matrix(forks=forks, stages=stages, script=script, clean=run_clean(forks, stages))


def with_second_part(pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let a pipeline list documents of another type too, of which there are none."""
    documents = pipeline["documents"]
    return {**pipeline, "documents": {**documents, "types": [*documents["types"], SECOND_TYPE]}}


def matrix_of(request: pytest.FixtureRequest, folder: Path) -> Iterator[Matrix]:
    """Set up the kind that the fixture is for."""
    ledger, promise = request.param
    make_ledger: Callable[[Path], str] | None = None
    if ledger == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")

        def make_ledger(_folder: Path) -> str:
            return server.emptied("crash")

    with opened(folder, make_ledger=make_ledger, promise=promise) as matrix:
        yield matrix


@pytest.fixture(name="matrix", scope="module", params=KINDS)
def any_matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    yield from matrix_of(request, tmp_path_factory.mktemp("crash"))

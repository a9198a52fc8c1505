"""A dry run: every document of a range is mapped, nothing is written anywhere, and problems are grouped."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.backfill.window import query_of, read_stretch
from connector.document import Document
from connector.errors import ConnectorError, MappingError
from connector.ledger.backfill import Part
from connector.mapping.apply import apply_mapping, find_queries
from connector.mapping.mapped import unwanted
from connector.pipeline.definition import Pipeline
from connector.pipeline.failure import describe
from connector.pipeline.work import Work
from connector.record import TargetQuery, record_key

EXAMPLES = 3  # documents named for a problem
MOST_PROBLEMS = 500  # told apart; what comes after is counted together
OTHERS = ("", "more kinds of problems than are told apart")


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One problem, and the documents that have it."""

    documents: int = 0
    examples: list[str] = field(default_factory=list)  # ids of the first


@dataclass(slots=True, kw_only=True)
class Trial:
    """What a dry run found."""

    documents: int = 0
    fit: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # reason -> documents that the pipeline leaves out
    failed: int = 0  # documents
    unreadable: int = 0
    problems: dict[tuple[str, str], Trouble] = field(default_factory=dict)  # (place, what) -> who has it

    def note(self, document_id: str, error: ConnectorError) -> None:
        """Count a document that does not fit."""
        self.failed += 1
        problems: Sequence[tuple[str, str]] = (
            [(problem.place, problem.message) for problem in error.problems]
            if isinstance(error, MappingError) and error.problems
            else [(describe(error).error_class, error.message)]
        )
        for key in dict.fromkeys(problems):
            known = key if key in self.problems or len(self.problems) < MOST_PROBLEMS else OTHERS
            trouble = self.problems.setdefault(known, Trouble())
            trouble.documents += 1
            if len(trouble.examples) < EXAMPLES:
                trouble.examples.append(document_id)


def try_out(
    parts: Sequence[Part],
    pipeline: Pipeline,
    work: Work,
    *,
    most: int | None,
    ended: Callable[[Trial], None],
) -> Trial:
    """Read and map a range, window by window. `ended` is told after each stretch.

    Raises: what the client and the target raise; what was seen until then has been told.
    """
    trial = Trial()
    first, last = _ends(parts)
    for part in parts:
        query = query_of(part, first=first, last=last)
        while True:
            documents, unreadable, window = read_stretch(query, part, pipeline, work, lambda: None)
            trial.unreadable += len(unreadable)
            room = None if most is None else most - trial.documents
            _map(documents[:room], pipeline, work, trial)
            ended(trial)
            if most is not None and trial.documents >= most:
                return trial
            if window.rest is None:
                break
            query = window.rest
    return trial


def _map(documents: Sequence[Document], pipeline: Pipeline, work: Work, trial: Trial) -> None:
    wanted: list[Document] = []
    for document in documents:
        trial.documents += 1
        reason = unwanted(pipeline.mapping, document)
        if reason is None:
            wanted.append(document)
        else:
            trial.skipped[reason] += 1
    queries = frozenset().union(*(find_queries(pipeline.mapping, document) for document in wanted))
    answers: Mapping[TargetQuery, tuple[str, ...]] = {}
    if pipeline.answers is not None and queries:
        answers = pipeline.answers.answers(queries, now=work.clock())
    for document in wanted:
        key = record_key(pipeline.tenant_id, pipeline.name, document.id)
        try:
            apply_mapping(pipeline.mapping, document, key, answers)
            trial.fit += 1
        except ConnectorError as error:
            trial.note(document.id, error)


def _ends(parts: Sequence[Part]) -> tuple[datetime, datetime]:
    return min(part.created_from for part in parts), max(part.created_to for part in parts)

"""How far each pipeline has seen: listings under way, and edits that it may not have seen yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from connector.ledger.delivery import Checkpoint, Progress
from connector.pipeline.settings import DocumentsSection

_WORDS = {"listed": "A listing", "swept": "A sweep", "rescanned": "A rescan"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenEdits:
    """How old an edit after delivery can be that no listing has seen. None: as old as the delivery."""

    recent: timedelta | None  # of documents that a sweep looks at
    any: timedelta | None  # of documents that a rescan looks at
    created_since: datetime  # edits of documents created before are never looked for


def unseen_edits(checkpoint: Checkpoint | None, documents: DocumentsSection, now: datetime) -> UnseenEdits:
    """Give how old an edit can be that was not seen."""
    since = datetime.combine(documents.since, time.min, tzinfo=UTC)
    reached = max(since, now - max(documents.rescan, documents.lookback))
    if checkpoint is None:
        return UnseenEdits(recent=None, any=None, created_since=reached)
    swept, rescanned = checkpoint.swept_at, checkpoint.rescanned_at
    looked = [moment for moment in (swept, rescanned) if moment is not None]
    recent = now - max(looked) if looked else None
    return UnseenEdits(
        recent=recent, any=None if rescanned is None else now - rescanned, created_since=reached
    )


def edits_json(edits: UnseenEdits) -> Mapping[str, object]:
    """Give it as JSON values."""
    return {
        "oldest_unseen_seconds": None if edits.any is None else round(edits.any.total_seconds()),
        "oldest_unseen_recent_seconds": None if edits.recent is None else round(edits.recent.total_seconds()),
        "looked_for_since": edits.created_since,
    }


def edits_line(pipeline: str, edits: UnseenEdits) -> str:
    """Say it."""
    return (
        f"{pipeline}: edits after delivery: the age of the oldest that may be unseen is {_age(edits.any)}, "
        f"of recent documents {_age(edits.recent)}; "
        f"documents created before {edits.created_since:%Y-%m-%d} are not looked at."
    )


def progress_json(progress: Progress) -> Mapping[str, object]:
    """Give a listing under way as JSON values."""
    return {
        "kind": progress.kind,
        "began_at": progress.began_at,
        "parts_done": progress.part,
        "rest_from": progress.rest_from,
        "rest_to": progress.rest_to,
    }


def progress_line(progress: Progress) -> str:
    """Say how far a listing came."""
    what = _WORDS.get(progress.kind, progress.kind)
    rest = ""
    if progress.rest_from is not None:
        until = f" to {progress.rest_to:%Y-%m-%d %H:%M}" if progress.rest_to is not None else ""
        rest = f", the next from {progress.rest_from:%Y-%m-%d %H:%M}{until}"
    return (
        f"{what} of {progress.pipeline} that began at {progress.began_at:%Y-%m-%d %H:%M} UTC is under way: "
        f"{progress.part} types and statuses are done{rest}."
    )


def _age(age: timedelta | None) -> str:
    if age is None:
        return "unknown"
    seconds = max(0, round(age.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"

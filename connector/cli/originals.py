"""The original files beside the records, as people and scripts read them."""

from collections.abc import Iterator, Mapping

from connector.ledger.original import OPEN_ORIGINALS, Original, OriginalState

_WORDS = {
    OriginalState.WANTED: "to come",
    OriginalState.IN_DOUBT: "in doubt",
    OriginalState.ATTACHED: "attached",
    OriginalState.LINKED: "linked",
    OriginalState.LEFT_OUT: "too large",
    OriginalState.ABSENT: "not in Docflo",
    OriginalState.DEAD: "given up",
}


def original_json(original: Original | None) -> Mapping[str, object] | None:
    """Give the original of a delivery as JSON values; None: the pipeline wants none."""
    if original is None:
        return None
    failure = original.failure
    return {
        "state": original.state.value,
        "target_id": original.target_id,
        "attempts": original.attempts,
        "due_at": original.due_at,
        "error": failure.error_class if failure else None,
        "code": failure.code if failure else None,
        "reason": failure.reason if failure else original.detail,
        "changed_at": original.changed_at,
    }


def original_line(original: Original) -> str:
    """Say where the original of a delivery is, and why it is not further."""
    parts = [_WORDS[original.state]]
    if original.target_id is not None:
        parts.append(f"as {original.target_id}")
    if original.state in OPEN_ORIGINALS and original.due_at is not None:
        parts.append(f"not before {original.due_at:%Y-%m-%d %H:%M:%S}")
    if original.attempts > 1 or original.failure is not None:
        parts.append(f"attempts {original.attempts}")
    reason = original.failure.reason if original.failure else original.detail
    return ", ".join(parts) + (f": {reason}" if reason else "")


def originals_json(counts: Mapping[OriginalState, int]) -> Mapping[str, int]:
    """Give how many originals of a pipeline are in each state."""
    return {state.value: counts.get(state, 0) for state in OriginalState}


def originals_lines(all_counts: Mapping[str, Mapping[OriginalState, int]]) -> Iterator[str]:
    """Say how many originals of each pipeline are where; nothing of pipelines that want none."""
    for pipeline, counts in all_counts.items():
        told = ", ".join(f"{counts[state]} {_WORDS[state]}" for state in OriginalState if state in counts)
        remedy = (
            "; `docflo-connector deliveries attach` tries them again" if OriginalState.DEAD in counts else ""
        )
        yield f"{pipeline}: original files: {told}{remedy}."

"""Which fields and lines of a record a profile sends: what it does not send must not get lost silently."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from connector.adapters.soap.profile import Profile
from connector.adapters.soap.scope import OWN_NAMES
from connector.errors import ConfigError
from connector.record import Line, Record


@dataclass(frozen=True, slots=True)
class Uses:
    """Names that are read, by object: the record's own under its name, those of lines under theirs."""

    fields: Mapping[str, frozenset[str]]
    lines: Mapping[str, frozenset[str]] = field(default_factory=dict)  # object -> kinds of lines in it


def uses_of(profile: Profile) -> Uses:
    """Give what the messages of a profile read of a record."""
    fields: dict[str, set[str]] = {profile.object: set()}
    lines: dict[str, set[str]] = {profile.object: set()}
    for reading in profile.readings():
        owners = {"record": profile.object}
        for alias, over in reading.loops:
            if len(over) > 1 and over[0] in owners:
                outer, kind = owners[over[0]], over[1]
                lines.setdefault(outer, set()).add(kind)
                lines.setdefault(kind, set())
                fields.setdefault(kind, set())
                owners[alias] = kind
        root, *rest = reading.path
        if root in owners and rest and rest[0] not in OWN_NAMES:
            fields.setdefault(owners[root], set()).add(rest[0])
    known = {name: frozenset(found - lines.get(name, set())) for name, found in fields.items()}
    return Uses(known, {name: frozenset(found) for name, found in lines.items()})


def refuse_unused(profile: Profile, uses: Uses, record: Record) -> None:
    """Refuse a record with a part that no message would carry.

    Raises: ConfigError naming every such part.
    """
    problems = [*_problems(profile, uses, record)]
    if problems:
        raise ConfigError(
            f"{profile.path.name} does not send {'; '.join(dict.fromkeys(problems))}",
            remedy="Send it in the profile's body, or take it out of the mapping.",
        )


def did_you_mean(name: str, known: frozenset[str]) -> str:
    """Give "; did you mean ...?" for what is nearly right, else nothing."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), list(by_lower), n=1)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""


def _problems(profile: Profile, uses: Uses, record: Record) -> Iterator[str]:
    if record.object != profile.object:
        yield f"{record.object}: it sends {profile.object}"
        return
    if record.companions:
        yield f"companions such as {record.companions[0].object}"
    yield from _unsent(uses, record.object, record.fields)
    for line in record.lines:
        yield from _line_problems(uses, record.object, line)


def _line_problems(uses: Uses, outer: str, line: Line) -> Iterator[str]:
    if line.object not in uses.lines.get(outer, frozenset()):
        yield f"lines {line.object} of {outer}"
        return
    yield from _unsent(uses, line.object, line.fields)
    for inner in line.lines:
        yield from _line_problems(uses, line.object, inner)


def _unsent(uses: Uses, object_: str, fields: Mapping[str, object]) -> Iterator[str]:
    known = uses.fields.get(object_, frozenset())
    for name in fields:
        if name not in known:
            yield f"{object_}.{name}{did_you_mean(name, known)}"

"""Who looks at the console, and what they may do. Who they are is found out before a page is asked."""

from dataclasses import dataclass
from enum import IntEnum

from starlette.requests import Request


class Role(IntEnum):
    """What a person may do; each may also do what those below may."""

    VIEWER = 1  # looks
    OPERATOR = 2  # replays, links, dismisses, pauses
    ADMIN = 3  # moves checkpoints, changes what others rely on


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One caller of a page."""

    name: str  # as the record of an act names them
    role: Role
    sees_contents: bool = True  # amounts, parties, and everything else that documents say
    form_token: str = ""  # goes into every form; only a form of ours has it
    can_leave: bool = False  # logged in, so they can log out

    def may(self, role: Role) -> bool:
        """Tell whether they may do what `role` may."""
        return self.role >= role


def person_of(request: Request) -> Person:
    """Give who asks. Whatever lets requests through to pages has put it there."""
    person: Person = request.state.person
    return person

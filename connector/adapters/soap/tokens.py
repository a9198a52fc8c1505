"""One token for all threads: many of them meeting one expiry cause one login."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.clock import Clock
from connector.errors import ConnectorError

_EARLY = timedelta(seconds=60)  # a token is renewed before it ends on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a login gave."""

    value: str = field(repr=False)
    issued_at: datetime  # when the answer came
    ends_at: datetime | None = None  # None: a refusal will tell

    @property
    def renewed_at(self) -> datetime | None:
        """When the next one is fetched, if nobody refuses this one before."""
        return None if self.ends_at is None else self.ends_at - _EARLY


class Tokens:
    """Keeps a token, and asks for a new one when it is refused or about to end."""

    def __init__(self, log_in: Callable[[], Token], clock: Clock) -> None:
        self._log_in = log_in
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._tries = 0
        self._failure: ConnectorError | None = None

    def current(self) -> Token:
        """Give the token, logging in first if there is none.

        Raises: AccessRefusedError, ThrottledError, UnavailableError.
        """
        token = self._token
        if token is not None and (token.renewed_at is None or self._clock() < token.renewed_at):
            return token
        return self.renew(token)

    def renew(self, refused: Token | None) -> Token:
        """Give a token newer than the one that was refused; log in only if nobody has done so since.

        Raises: as `current`.
        """
        seen = self._tries
        with self._lock:
            if self._token is not None and self._token is not refused:
                return self._token
            if self._tries != seen and self._failure is not None:
                raise self._failure  # of the login that this thread waited for: again helps nobody
            self._token, self._failure = None, None
            try:
                self._token = self._log_in()
            except ConnectorError as error:
                self._failure = error
                raise
            finally:
                self._tries += 1
            return self._token

    @property
    def held(self) -> Token | None:
        """The token, if there is one now."""
        return self._token

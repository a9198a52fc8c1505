"""Reads configuration, mappings and secrets again when they change, without a restart.

What is new is validated first; while it is not right, the old one stays in use, and says so.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from connector.clock import Clock
from connector.config import Config
from connector.errors import ConfigError, ConnectorError
from connector.service.files import Watch, secret_files, settings_files
from connector.service.setup import Current, Setup

log = structlog.get_logger(__name__)

AT_START = ("database", "service", "storage", "web", "webhook", "log")
"""Sections that are read when the process starts, and then no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The configuration in use, and why a later one is not."""

    at: datetime  # when the one in use was read
    refused: str | None = None
    needs_restart: tuple[str, ...] = ()  # sections that differ from the file


class Keeper:
    """Looks after the files of one configuration."""

    def __init__(
        self,
        path: Path,
        config: Config,
        current: Current,
        *,
        load: Callable[[], Config],
        build: Callable[[Config], Setup],
        on_new: Callable[[Config], None],
        on_new_secrets: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._path = path
        self._started_with = config
        self._current = current
        self._load = load
        self._build = build
        self._on_new = on_new
        self._on_new_secrets = on_new_secrets
        self._clock = clock
        self._asked = threading.Event()
        with current.use() as setup:
            self._settings = Watch(settings_files(path, config) | setup.files)
        self._secrets = Watch(secret_files(config))
        self.reading = Reading(at=clock())

    def ask(self) -> None:
        """Let the next look read everything again; safe from a signal handler."""
        self._asked.set()

    def look(self) -> None:
        """Read again what has changed since the last look."""
        secrets = self._secrets.look()
        if secrets:
            log.info("secrets.changed", files=[path.name for path in secrets])
            self._on_new_secrets()
        is_asked = self._asked.is_set()
        changed = self._settings.take() if is_asked else self._settings.look()
        if changed or is_asked:
            self._asked.clear()
            self._read_again(changed)

    def _read_again(self, changed: tuple[Path, ...]) -> None:
        files = [path.name for path in changed]
        try:
            config = self._load()
            # Before it is judged: its correction may come in a file that it is the first to name.
            with self._current.use() as before:
                self._settings.follow(settings_files(self._path, config) | before.files)
            setup = self._build(config)
        except ConfigError as error:
            self._refuse(files, error.message, [str(problem) for problem in error.problems])
            return
        except ConnectorError as error:
            self._refuse(files, error.message)
            self._asked.set()  # the file may be right: the next look tries again
            return
        except Exception:
            log.exception("config.bug", files=files)
            self._refuse(files, "a bug; see the log")
            return
        needs_restart = tuple(self._unused(config))
        self._settings.follow(settings_files(self._path, config) | setup.files)
        self._current.replace(setup)
        self._secrets.follow(secret_files(config))
        self.reading = Reading(at=self._clock(), needs_restart=needs_restart)
        log.info("config.read", files=files, pipelines=[pipeline.name for pipeline in setup.pipelines])
        if needs_restart:
            log.warning("config.needs_restart", sections=list(needs_restart))
        self._on_new(config)

    def _refuse(self, files: Sequence[str], reason: str, problems: Sequence[str] = ()) -> None:
        self.reading = Reading(at=self.reading.at, refused="; ".join([reason, *problems]))
        log.error("config.refused", files=files, reason=reason, problems=problems)

    def _unused(self, config: Config) -> Iterator[str]:
        for section in AT_START:
            if getattr(config, section) != getattr(self._started_with, section):
                yield section

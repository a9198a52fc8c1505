"""Logging: structlog, to standard error, one line per fact. Never document contents, never credentials."""

import logging
import sys
from typing import Literal

import structlog

from connector.calls import this_thread


def configure_logging(level: str = "info", style: Literal["auto", "console", "json"] = "auto") -> None:
    """Set up structlog for this process. `auto`: for people on a terminal, JSON lines elsewhere."""
    for_people = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            bind_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info
            if not for_people
            else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def bind_ids(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the ids of what the thread is busy with, so that any line can be found by its document."""
    call = this_thread()
    if call is not None:
        if call.pipeline:
            event.setdefault("pipeline", call.pipeline)
        if len(call.documents) == 1:  # a batch's lines name theirs themselves
            event.setdefault("document_id", call.documents[0])
    return event

"""Logging: structlog, to standard error, one line per fact. Never document contents, never credentials."""

import logging
import sys
from contextlib import suppress
from typing import Literal

import msgspec
import structlog

from connector.calls import this_thread

_ENCODER = msgspec.json.Encoder(enc_hook=repr)
_write_any = structlog.processors.JSONRenderer()


def configure_logging(level: str = "info", style: Literal["auto", "console", "json"] = "auto") -> None:
    """Set up structlog for this process. `auto`: for people on a terminal, JSON lines elsewhere."""
    for_people = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer() if for_people else write_json
    structlog.configure(
        processors=[
            bind_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info
            if not for_people
            else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
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


def write_json(logger: object, method: str, event: structlog.typing.EventDict) -> str | bytes:
    """Write a line as JSON in ASCII, which every standard error can carry."""
    with suppress(UnicodeEncodeError):  # half a character
        line = _ENCODER.encode(event)
        if line.isascii():
            return line.decode()
    return _write_any(logger, method, event)

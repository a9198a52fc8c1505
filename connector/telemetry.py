"""Logging: structlog, to standard error, one line per fact. Never document contents, never credentials."""

import logging
import sys
from typing import Literal

import structlog


def configure_logging(level: str = "info", style: Literal["auto", "console", "json"] = "auto") -> None:
    """Set up structlog for this process. `auto`: for people on a terminal, JSON lines elsewhere."""
    for_people = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
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

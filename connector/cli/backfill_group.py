"""`backfill PIPELINE ...` beside `backfill list`: a group that takes what is no command as a pipeline."""

from typing import Any

from typer.core import TyperGroup

START = "start"
_HELP = ("-h", "--help")


class BackfillGroup(TyperGroup):
    """Puts `start` before arguments that name none of its commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 typer's own context
        """Read the arguments; a pipeline that is called as a command is, is named after `start`."""
        if args and args[0] not in self.commands and args[0] not in _HELP:
            args = [START, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

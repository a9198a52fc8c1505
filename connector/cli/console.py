"""`console`: the pages alone, beside a service that runs elsewhere, or none; and who may log in to them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from connector.config import Config

RoleName = Literal["viewer", "operator", "admin"]  # as in `web_settings`, which --help need not import

app = typer.Typer(invoke_without_command=True, help="The console's pages, and who may log in to them.")


@app.callback()
def console(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of `web.port`; 0: any free one.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Serve the console's pages on the ledger, until Ctrl-C. `run` serves them too.

    Nothing is listed or delivered: what a person replays here is taken up by `run`, or by the next `sync`.
    """
    if context.invoked_subcommand is not None:
        return
    import signal
    import threading

    from connector.cli.serving_console import serve_console
    from connector.cli.session import open_session

    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _number, _frame: stop.set())
    with serve_console(open_session(config), port=port) as address:
        typer.echo(f"The console is on {address} until Ctrl-C.")
        stop.wait()


@app.command()
def password(
    name: Annotated[str, typer.Argument(help="What the person is called in the record of acts.")],
    role: Annotated[
        RoleName | None, typer.Option(help="What they may do; default: as before, viewer for somebody new.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them out of the file.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a person to the file of `web.access.passwords`, or give them a new password or role.

    The password is asked for, or read from standard input. Who is logged in with another one is logged out.
    """
    from connector.cli.session import open_session
    from connector.console.access.passwords import read_people, remove_person, write_person
    from connector.console.person import Role

    path = _password_file(open_session(config, offline=True))
    if remove:
        typer.echo(f"{name} is taken out." if remove_person(path, name) else f"{name} is not in {path}.")
        return
    before = read_people(path).get(name) if path.exists() else None
    chosen = Role[role.upper()] if role else before.role if before else Role.VIEWER
    is_new = write_person(path, name, chosen, _ask())
    typer.echo(f"{name} {'is added' if is_new else 'has a new password'}, as {chosen.name.lower()}.")


def _password_file(config: "Config") -> Path:
    from connector.errors import ConfigError

    access = config.web.access
    if access is None or access.passwords is None:
        raise ConfigError(
            "no password file is configured", remedy="name one: web: {access: {passwords: console-people}}"
        )
    return access.passwords


def _ask() -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\n")

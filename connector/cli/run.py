"""`run`: the service."""

import typer

from connector.cli.exits import Exit
from connector.cli.options import DEFAULT_CONFIG, ConfigOption


def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run as a service: list on schedule, deliver, write back, until SIGTERM or Ctrl-C.

    Stopping finishes what is in flight within `service.grace`; the ledger keeps the rest for the next start.
    """
    from connector.config import load_config
    from connector.pipeline.work import log_halt
    from connector.service import Scheduled, Service
    from connector.telemetry import configure_logging
    from connector.wiring import connect

    settings = load_config(config)
    configure_logging(settings.log.level, settings.log.format)
    with connect(settings) as connector:
        service = Service(
            scheduled=[
                Scheduled(pipeline=pipeline, every=schedule.every, sweep=schedule.sweep)
                for pipeline in connector.pipelines
                for schedule in [settings.pipelines[pipeline.name].schedule]
            ],
            make_work=connector.work,
            workers=settings.service.workers,
            grace=settings.service.grace,
        )
        for halt in connector.store.halts():
            log_halt(halt)
        service.stop_on_signals()
        finished = service.run()
        halts = connector.store.halts()
    if finished and halts:
        raise typer.Exit(Exit.DEAD)
    raise typer.Exit(Exit.FINE if finished else Exit.TERMINATED)

"""`status`: how many deliveries are where, and how far each pipeline has listed."""

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption


def status(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """Show each pipeline: deliveries by state, and how far it has listed."""
    from connector.cli.output import console, print_json, table
    from connector.cli.report import halt_json, halt_line
    from connector.cli.session import open_session
    from connector.ledger.delivery import State
    from connector.wiring import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        counts = store.counts()
        halts = {halt.pipeline: halt for halt in store.halts() if halt.pipeline in settings.pipelines}
        checkpoints = {name: store.checkpoint(name) for name in settings.pipelines}
    rows = {
        name: {
            **{state.value: counts.get(name, {}).get(state, 0) for state in State},
            "halted": "HALTED" if name in halts else None,
            "listed_until": checkpoint.listed_until if (checkpoint := checkpoints[name]) else None,
        }
        for name in settings.pipelines
    }
    if output is Output.JSON:
        print_json(
            {
                "pipelines": {
                    name: {**row, "halted": halt_json(halts[name]) if name in halts else None}
                    for name, row in rows.items()
                }
            }
        )
        return
    columns = ("pipeline", *(state.value.replace("_", " ") for state in State), "", "listed until (UTC)")
    console().print(table("Deliveries", columns, [(name, *row.values()) for name, row in rows.items()]))
    for halt in halts.values():
        console().print(halt_line(halt), markup=False, soft_wrap=True)

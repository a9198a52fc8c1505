"""`status`: how many deliveries are where, how far each pipeline has listed, and what holds them up."""

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption


def status(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """Show each pipeline, what is left of the request budget, and who is left alone for now."""
    from connector.cli.backfill_report import backfill_json, backfill_line
    from connector.cli.originals import originals_json, originals_lines
    from connector.cli.output import console, print_json, table
    from connector.cli.report import (
        breaker_json,
        breaker_table,
        budget_json,
        budget_line,
        halt_json,
        halt_line,
        job_json,
        job_line,
        pause_json,
        pause_line,
        replica_json,
        replica_lines,
        unreadable_json,
        unreadable_table,
    )
    from connector.cli.seen import (
        edits_json,
        edits_line,
        progress_json,
        progress_line,
        unseen_edits,
    )
    from connector.cli.session import open_session
    from connector.clock import utc_now
    from connector.ledger.delivery import State
    from connector.sight import open_sight

    settings = open_session(config, offline=True)
    with open_sight(settings) as sight:
        counts = sight.store.counts()
        halts = {halt.pipeline: halt for halt in sight.store.halts() if halt.pipeline in settings.pipelines}
        originals = {
            name: counted
            for name, counted in sight.store.originals.counts().items()
            if name in settings.pipelines
        }
        checkpoints = {name: sight.store.checkpoint(name) for name in settings.pipelines}
        progress = {name: sight.store.progress(name).values() for name in settings.pipelines}
        unreadable = [note for note in sight.store.unreadable() if note.pipeline in settings.pipelines]
        backfills = [(each, sight.backfills.tally(each)) for each in sight.backfills.all() if each.is_active]
        budget = sight.budget.balance()
        breakers = sight.breakers.open()
        jobs = [job for target in settings.targets for job in sight.store.jobs.of(target)]
        replicas = sight.replicas.all()
        pauses = {pause.pipeline: pause for pause in sight.pauses.all()}
    rows = {
        name: {
            **{state.value: counts.get(name, {}).get(state, 0) for state in State},
            "halted": " ".join(_holds(name in halts, name in pauses)) or None,
            "listed_until": checkpoint.listed_until if (checkpoint := checkpoints[name]) else None,
        }
        for name in settings.pipelines
    }
    now = utc_now()
    edits = {
        name: unseen_edits(checkpoints[name], section.documents, now)
        for name, section in settings.pipelines.items()
    }
    if output is Output.JSON:
        print_json(
            {
                "pipelines": {
                    name: {
                        **row,
                        "halted": halt_json(halts[name]) if name in halts else None,
                        "paused": pause_json(pauses[name]) if name in pauses else None,
                        "listing": [progress_json(each) for each in progress[name]],
                        "unreadable": [unreadable_json(note) for note in unreadable if note.pipeline == name],
                        "edits": edits_json(edits[name]),
                        "originals": originals_json(originals.get(name, {})),
                    }
                    for name, row in rows.items()
                },
                "backfills": [backfill_json(*each) for each in backfills],
                "budget": budget_json(budget),
                "breakers": [breaker_json(breaker) for breaker in breakers],
                "jobs": [job_json(job) for job in jobs],
                "replicas": [replica_json(replica) for replica in replicas],
            }
        )
        return
    columns = ("pipeline", *(state.value.replace("_", " ") for state in State), "", "listed until (UTC)")
    screen = console()
    screen.print(table("Deliveries", columns, [(name, *row.values()) for name, row in rows.items()]))
    for halt in halts.values():
        screen.print(halt_line(halt), markup=False, soft_wrap=True)
    for pause in pauses.values():
        screen.print(pause_line(pause), markup=False, soft_wrap=True)
    for name in settings.pipelines:
        for each in progress[name]:
            screen.print(progress_line(each), markup=False, soft_wrap=True)
        screen.print(edits_line(name, edits[name]), markup=False, soft_wrap=True)
    backfill_lines = (backfill_line(*each) for each in backfills)
    for line in (*originals_lines(originals), *map(job_line, jobs), *backfill_lines):
        screen.print(line, markup=False, soft_wrap=True)
    if unreadable:
        screen.print(unreadable_table(unreadable))
    if breakers:
        screen.print(breaker_table(breakers))
    for line in replica_lines(replicas, now=utc_now()):
        screen.print(line, markup=False, soft_wrap=True)
    screen.print(budget_line(budget))


def _holds(is_halted: bool, is_paused: bool) -> list[str]:
    return ["HALTED"] * is_halted + ["PAUSED"] * is_paused

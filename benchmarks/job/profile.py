"""What the connector's processor time goes to, line by line: one worker, sampled by the time it uses.

A signal comes each two milliseconds of processor time of this process; what runs then is counted, by the
innermost of our own modules. Waiting costs nothing and is not seen. It prints the counts as JSON.
"""

import json
import resource
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from connector.config import load_config
from connector.pipeline.advance import drain
from connector.pipeline.discover import discover
from connector.telemetry import configure_logging
from connector.wiring import connect

INTERVAL = 0.002
REST = "everything else"

# By the beginning of a module's path below `connector/`; the first that fits counts.
_LINES: Mapping[str, str] = {
    "ledger/budget": "the request budget in SQL",
    "ledger/listing": "ledger: storing what was listed",
    "ledger/outcomes": "ledger: outcomes",
    "ledger/": "ledger: claims, transactions, the rest",
    "docflo/budget": "the request budget",
    "docflo/shared_budget": "the request budget",
    "docflo/fields": "reading documents: fields and rows",
    "docflo/envelope": "reading documents: fields and rows",
    "docflo/wire": "reading documents: fields and rows",
    "docflo/jsontext": "reading documents: JSON",
    "docflo/": "Docflo: HTTP",
    "pipeline/found": "fingerprint and headline of a document",
    "pipeline/listing": "proving the listing",
    "pipeline/joining": "proving the listing",
    "mapping/": "mapping",
    "document": "mapping",
    "record": "mapping",
    "adapters/salesforce/transport": "Salesforce: HTTP",
    "adapters/salesforce/session": "Salesforce: HTTP",
    "adapters/salesforce/deadline": "Salesforce: HTTP",
    "adapters/salesforce/": "Salesforce: plans, graphs, answers",
    "pipeline/stored_record": "the record as it is kept",
    "pipeline/": "the pipeline's own steps, and their log lines",
}


def line_of(frame: FrameType | None) -> str:
    """Give what the innermost of our modules does."""
    while frame is not None:
        _, ours, path = frame.f_code.co_filename.partition("/connector/")
        if ours:
            for beginning, line in _LINES.items():
                if path.startswith(beginning):
                    return line
        frame = frame.f_back
    return REST


def main(config: Path) -> None:
    """List, deliver and write back all there is, and print what it took."""
    counts: Counter[str] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        counts[line_of(frame)] += 1

    configure_logging("info", "json")
    with connect(load_config(config)) as connector:
        work = connector.work()
        signal.signal(signal.SIGPROF, sample)
        before = resource.getrusage(resource.RUSAGE_SELF)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        for pipeline in connector.pipelines:
            discover(pipeline, work)
        drain(connector.pipelines, work, stop=lambda: False)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)  # one may be on its way
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(json.dumps({"cpu": cpu, "counts": counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A book of jobs in memory, whose waits are short, and which can break off wherever a test wants."""

import time
from collections.abc import Callable, Sequence

from connector.adapters.base import Job


class MemoryBook:
    """Keeps the contract of `JobBook` for one test."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.opened_jobs = 0
        self.is_taken = False
        self.on_pause: Callable[[], None] = lambda: None

    def open_jobs(self) -> Sequence[Job]:
        return tuple(self.jobs.values())

    def take_turn(self) -> bool:
        return not self.is_taken

    def opened(self, job: Job) -> None:
        self.jobs[job.id] = job
        self.opened_jobs += 1

    def ended(self, job_id: str) -> None:
        self.jobs.pop(job_id, None)

    def pause(self, seconds: float) -> None:
        self.on_pause()
        time.sleep(min(seconds, 0.01))

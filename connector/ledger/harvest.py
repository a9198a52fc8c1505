"""What listings bring, so that a pipeline that suddenly finds nothing is noticed."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import insert, select, update

from connector.ledger.database import Database
from connector.ledger.service_tables import harvest

MEMORY = 200  # listings: older ones fade
LEAST = 20  # listings from which on "usually" means something


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """How the listings of one pipeline went lately."""

    pipeline: str
    listings: int = 0  # without those that found nothing in a row, until now
    fruitful: int = 0
    empty: int = 0  # in a row, until now
    matched_at: datetime | None = None

    def is_suspicious(self, after: int) -> bool:
        """Tell whether it usually finds documents and has found none `after` times in a row; 0: never."""
        is_usual = self.listings >= LEAST and 2 * self.fruitful >= self.listings
        return 0 < after <= self.empty and is_usual


def harvested(before: Harvest, matched: int, now: datetime) -> Harvest:
    """Give it after one more listing."""
    if not matched:
        return replace(before, empty=before.empty + 1)
    listings, fruitful = before.listings + before.empty + 1, before.fruitful + 1
    if listings > MEMORY:
        listings, fruitful = listings // 2, fruitful // 2
    return replace(before, listings=listings, fruitful=fruitful, empty=0, matched_at=now)


class HarvestStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, pipeline: str, matched: int, now: datetime) -> None:
        """Count one listing. Whoever lists holds the pipeline's discovery, so nobody else counts it now."""
        is_ours = harvest.c.pipeline == pipeline
        with self._database.write() as connection:
            row = connection.execute(select(harvest).where(is_ours)).mappings().first()
            before = Harvest(**dict(row)) if row is not None else Harvest(pipeline=pipeline)
            after = asdict(harvested(before, matched, now))
            if row is None:
                connection.execute(insert(harvest).values(**after))
            else:
                connection.execute(update(harvest).where(is_ours).values(**after))

    def all(self) -> tuple[Harvest, ...]:
        """Give those of all pipelines."""
        with self._database.read() as connection:
            rows = connection.execute(select(harvest).order_by(harvest.c.pipeline)).mappings()
            return tuple(Harvest(**dict(row)) for row in rows)

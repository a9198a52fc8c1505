"""Leases on what one process may do at a time: a row with owner, epoch and end.

No session lock: it would vanish with a pooled connection, and outlive a frozen process. The epoch makes the
former holder harmless: what it brings is refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.errors import LeaseLostError
from connector.ledger.tables import lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A right that is ours until `until`. `epoch` proves it."""

    name: str
    owner: str
    epoch: int
    until: datetime


def discovery_of(pipeline: str) -> str:
    """Give the name of the lease that the discovery of a pipeline needs."""
    return f"discovery {pipeline}"


def take(connection: Connection, name: str, *, owner: str, now: datetime, length: timedelta) -> Lease | None:
    """Take the lease if nobody holds it, or its end has come; None when somebody does."""
    columns = lease.c
    until = now + length
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    taken = dialect.insert(lease).values(name=name, owner=owner, epoch=1, until=until)
    statement = taken.on_conflict_do_update(
        index_elements=["name"],
        set_={"owner": owner, "epoch": columns.epoch + 1, "until": until},
        where=or_(columns.until.is_(None), columns.until <= now),
    ).returning(columns.epoch)
    epoch = connection.execute(statement).scalar()
    return None if epoch is None else Lease(name=name, owner=owner, epoch=epoch, until=until)


def is_held(connection: Connection, name: str, now: datetime) -> bool:
    """Tell whether somebody holds it."""
    columns = lease.c
    held = select(columns.name).where(columns.name == name, columns.until > now)
    return connection.execute(held).first() is not None


def require(connection: Connection, held: Lease) -> None:
    """Lock the row until the transaction ends. One that ended counts until somebody else took it.

    Raises: LeaseLostError when it is no longer ours.
    """
    _change(connection, held, until=held.until)


def extend(connection: Connection, held: Lease, until: datetime) -> None:
    """Hold on to it until `until`.

    Raises: LeaseLostError when it is no longer ours.
    """
    _change(connection, held, until=until)


def release(connection: Connection, held: Lease) -> None:
    """Give it back; nothing happens when it is no longer ours."""
    columns = lease.c
    connection.execute(
        update(lease)
        .where(columns.name == held.name, columns.owner == held.owner, columns.epoch == held.epoch)
        .values(owner=None, until=None)
    )


def revoke(connection: Connection, name: str) -> None:
    """Take it from whoever holds it: what they bring is refused."""
    columns = lease.c
    connection.execute(
        update(lease).where(columns.name == name).values(owner=None, until=None, epoch=columns.epoch + 1)
    )


def _change(connection: Connection, held: Lease, until: datetime) -> None:
    columns = lease.c
    ours = connection.execute(
        update(lease)
        .where(columns.name == held.name, columns.owner == held.owner, columns.epoch == held.epoch)
        .values(until=until)
    )
    if ours.rowcount == 0:
        raise LeaseLostError(f"{held.owner} no longer holds {held.name} (epoch {held.epoch})")

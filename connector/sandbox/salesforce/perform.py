"""One operation on records, in an open transaction: the same for a request and a part of a composite."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import Answer, RecordAddress
from connector.sandbox.salesforce.addresses import DATA_PATH, Target
from connector.sandbox.salesforce.call import may_duplicate
from connector.sandbox.salesforce.collection import Collections
from connector.sandbox.salesforce.describe import basic, describe, describe_all
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.query import Queries
from connector.sandbox.salesforce.records import Records
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.soql import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A user in an org at one moment."""

    org: Org
    schema: Schema  # what the user sees
    now: datetime

    def records(self, root: str, headers: Mapping[str, str]) -> Records:
        """Give the records, as the user may read and write them."""
        return Records(
            schema=self.schema,
            store=self.org.store,
            rules=self.org.rules,
            now=self.now,
            root=f"{root}/sobjects",
            may_duplicate=may_duplicate(headers),
        )


def perform(visit: Visit, target: Target, body: object, headers: Mapping[str, str]) -> Answer:
    """Do what one request or subrequest asks.

    Raises: ApiError.
    """
    root = f"{DATA_PATH}/{target.version}"
    match target:
        case Target(
            operation="create" | "read" | "update" | "upsert" | "delete" | "file_data" as operation,
            address=RecordAddress() as address,
        ):
            return visit.records(root, headers).answer(operation, address, body)
        case Target(operation="query"):
            return Answer(status=200, body=_query(visit, target, root))
        case Target(operation="record_count"):
            return Answer(status=200, body=_record_count(visit, target.query.get("sObjects", "")))
        case Target(operation="global_describe"):
            return Answer(status=200, body=describe_all(visit.schema, target.version))
        case Target(operation="describe" | "object_info", address=RecordAddress(object_name=name)):
            found = visit.schema.object(name)
            is_whole = target.operation == "describe"
            body = describe(visit.schema, found, target.version) if is_whole else basic(found, target.version)
            return Answer(status=200, body=body)
        case Target(address=RecordAddress() as address) if target.is_collection:
            collections = Collections(
                schema=visit.schema,
                store=visit.org.store,
                records=visit.records(root, headers),
                options=visit.org.options,
            )
            return Answer(status=200, body=collections.answer(target.operation, address, body))
    if target.allowed and target.method not in target.allowed:
        raise errors.method_not_allowed(target.method, ",".join(target.allowed))
    raise errors.not_found()


def _record_count(visit: Visit, names: str) -> dict[str, Any]:
    """Count the records of each object that has some."""
    asked = [visit.schema.object(name.strip()) for name in names.split(",") if name.strip()]
    counted = [(found.name, len(visit.org.store.rows(found))) for found in asked or visit.schema]
    return {"sObjects": [{"count": count, "name": name} for name, count in counted if count]}


def _query(visit: Visit, target: Target, root: str) -> dict[str, Any]:
    if target.locator:
        return visit.org.pages.next(target.locator, root)
    queries = Queries(schema=visit.schema, store=visit.org.store, root=f"{root}/sobjects")
    return visit.org.pages.first(queries.run(parse(target.query.get("q", ""))), root)

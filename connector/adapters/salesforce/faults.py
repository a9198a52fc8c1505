"""What Salesforce says when it refuses, and the table that tells what each refusal asks for. Pure.

Look at the code first, then the message, the HTTP status last: a 403 is a missing right, a spent
quota or a security policy, and only the code tells.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from connector.adapters.salesforce.json_text import encode
from connector.errors import RemoteAnswer

HALTED = "PROCESSING_HALTED"
SESSION_EXPIRED = "INVALID_SESSION_ID"
NOT_WRITEABLE = "INVALID_FIELD_FOR_INSERT_UPDATE"
DUPLICATE_VALUE = "DUPLICATE_VALUE"
COLLATERAL = frozenset({HALTED, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "BATCH_PROCESSING_HALTED"})
"""What is said of those that failed with another and are not to blame."""
GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
"""What is said of an id that is not there any more."""

_ENTRY_LIMIT = 2_000
_MESSAGE_LIMIT = 500  # characters of Salesforce's words that are worth keeping

APP_REMEDY = (
    "In Setup, External Client App Manager: the app is enabled for this flow, has a run-as user "
    "(client credentials) or the user pre-authorised (JWT bearer), and its OAuth scopes include api."
)


_TOO_MUCH_CODE = "Code of the org (a trigger, a flow) does too much for one record: ask its administrator."


class Kind(Enum):
    """What a refusal asks for."""

    TRANSIENT = auto()  # the same again, later
    LOCK = auto()  # somebody else holds the row: the same again, alone
    SHRINK = auto()  # too much at once, perhaps: the same again, in smaller calls
    GOVERNOR = auto()  # too much at once for the org's own code: smaller, and alone it will never go in
    LONG_WAIT = auto()  # a quota is spent
    SHORT_WAIT = auto()  # too many at once
    ACCESS = auto()  # a person must change rights, the app or the org
    CONFIG = auto()  # no record of this mapping will go in until someone edits a file or the org
    RIGHTS = auto()  # a right to one record, or to all of them: how many are refused tells
    DUPLICATE = auto()  # a duplicate rule: what follows is a setting
    REJECTED = auto()  # this record, as it is, will never go in
    UNKNOWN = auto()  # nobody here knows the code: the same, and all that was said is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One entry of an error answer."""

    status: int
    code: str | None
    message: str
    fields: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()  # ids of the records that a duplicate rule found
    entry: str = field(default="", compare=False)  # as it came, JSON; for codes that nobody here knows

    @property
    def remote(self) -> RemoteAnswer:
        """Give it as what the other side said."""
        return RemoteAnswer(status=self.status, code=self.code, message=self.message)

    def __str__(self) -> str:
        words = f"{', '.join(self.fields)}: {self.message}" if self.fields else self.message
        return f"{words} ({self.code or f'HTTP {self.status}'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table: the first that fits decides."""

    codes: frozenset[str] | None  # None: any code
    pattern: str = ""  # searched in the message, without case
    kind: Kind
    remedy: str = ""

    def fits(self, fault: Fault) -> bool:
        """Tell whether this row speaks of the fault."""
        return (self.codes is None or (fault.code or "").upper() in self.codes) and (
            re.search(self.pattern, fault.message, re.IGNORECASE) is not None
        )


def _rule(codes: str, kind: Kind, *, pattern: str = "", remedy: str = "") -> Rule:
    return Rule(codes=frozenset(codes.split()) or None, pattern=pattern, kind=kind, remedy=remedy)


TABLE: tuple[Rule, ...] = (
    _rule("UNABLE_TO_LOCK_ROW", Kind.LOCK),
    _rule(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER",
        Kind.LOCK,
        pattern="UNABLE_TO_LOCK_ROW|Record Currently Unavailable",
    ),
    _rule("", Kind.SHORT_WAIT, pattern="login rate exceeded"),
    _rule("REQUEST_LIMIT_EXCEEDED", Kind.SHORT_WAIT, pattern="Concurrent"),
    _rule("REQUEST_LIMIT_EXCEEDED", Kind.LONG_WAIT),
    _rule("", Kind.LONG_WAIT, pattern="Too many API requests|exceeded .*API request limit"),
    _rule("", Kind.LONG_WAIT, pattern="AsyncApexExecutions Limit exceeded"),
    _rule("EMAIL_LIMIT_EXCEEDED SINGLE_EMAIL_LIMIT_EXCEEDED MASS_MAIL_LIMIT_EXCEEDED", Kind.LONG_WAIT),
    _rule("SERVER_UNAVAILABLE", Kind.TRANSIENT),
    _rule("UNKNOWN_EXCEPTION QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG EXCEEDED_MAX_TIME", Kind.SHRINK),
    # Apex governor limits depend on what else ran in the transaction.
    _rule(
        "LIMIT_EXCEEDED",
        Kind.GOVERNOR,
        remedy=_TOO_MUCH_CODE,
    ),
    _rule(
        "",
        Kind.GOVERNOR,
        pattern="Too many SOQL queries|Too many DML|CPU time limit",
        remedy=_TOO_MUCH_CODE,
    ),
    _rule(
        "API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED",
        Kind.ACCESS,
        remedy="Give the user the permission API Enabled.",
    ),
    _rule("", Kind.ACCESS, pattern="not valid for use with the REST API", remedy=APP_REMEDY),
    _rule(
        "INVALID_SESSION_ID INVALID_AUTH_HEADER INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        Kind.ACCESS,
        remedy=APP_REMEDY,
    ),
    _rule(
        "TXN_SECURITY_NO_ACCESS TXN_SECURITY_METERING_ACTION",
        Kind.ACCESS,
        remedy="A transaction security policy of the org stops this user: ask the security administrator.",
    ),
    _rule(
        "STORAGE_LIMIT_EXCEEDED", Kind.ACCESS, remedy="The org's data storage is full: free some or buy more."
    ),
    _rule(
        "UNSUPPORTED_API_VERSION",
        Kind.ACCESS,
        remedy="Set api_version to one that `docflo-connector check` lists.",
    ),
    _rule(
        "INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY "
        "TRANSFER_REQUIRES_READ",
        Kind.RIGHTS,
        remedy="Give the integration user the right to this record, then replay.",
    ),
    _rule(
        "INVALID_FIELD",
        Kind.REJECTED,
        pattern="Foreign key external ID",
        remedy="Create the record that is referred to (or correct its key), then replay.",
    ),
    _rule(
        "INVALID_CROSS_REFERENCE_KEY",
        Kind.REJECTED,
        remedy="Create or correct what is referred to, then replay.",
    ),
    _rule(
        "INVALID_FIELD INVALID_TYPE INVALID_FIELD_FOR_INSERT_UPDATE METHOD_NOT_ALLOWED MISSING_ARGUMENT",
        Kind.CONFIG,
        remedy="Run `docflo-connector check`: the mapping and the fields this user can write disagree.",
    ),
    _rule(
        "INVALIDBATCH",
        Kind.CONFIG,
        pattern="Field name not found",
        remedy="Run `docflo-connector check`: the mapping writes a field that this user cannot see.",
    ),
    _rule(
        "NOT_FOUND",
        Kind.CONFIG,
        pattern="Provided external ID field",
        remedy="Run `docflo-connector check`: the mapping's key field is no external id that this user sees.",
    ),
    _rule(
        "NOT_FOUND",
        Kind.REJECTED,
        remedy="Run `docflo-connector check`: the mapping and the fields this user can write disagree.",
    ),
    _rule(
        "DUPLICATE_VALUE",
        Kind.REJECTED,
        remedy="Another record holds a value that must be unique: correct one of the two, then replay.",
    ),
    _rule(
        "DUPLICATES_DETECTED",
        Kind.DUPLICATE,
        remedy="A duplicate rule of the org matched: merge the records or change the rule, then replay; or "
        "set duplicates to allow or use_match.",
    ),
    _rule(
        "ENTITY_IS_LOCKED",
        Kind.REJECTED,
        remedy="The record is in an approval process: unlock it, then replay.",
    ),
    _rule(
        "REQUIRED_FIELD_MISSING STRING_TOO_LONG INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST "
        "FIELD_INTEGRITY_EXCEPTION NUMBER_OUTSIDE_VALID_RANGE INVALID_EMAIL_ADDRESS TOO_MANY_ENUM_VALUE "
        "JSON_PARSER_ERROR MALFORMED_ID INVALID_DATE INVALID_INPUT",
        Kind.REJECTED,
        remedy="Correct the document or the mapping, then replay.",
    ),
    _rule(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION CIRCULAR_DEPENDENCY "
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER",
        Kind.REJECTED,
        remedy="A rule or a trigger of the org says so: correct the document, or ask its administrator.",
    ),
    _rule("ENTITY_IS_DELETED", Kind.REJECTED, remedy="Take the record out of the recycle bin, then replay."),
    _rule(
        "",
        Kind.UNKNOWN,
        remedy="Look the code up, correct the document, the mapping or the org, then replay.",
    ),
)
"""Rows for everything that is answered with 4xx. A 5xx is decided by its status."""


def rule_for(fault: Fault) -> Rule:
    """Give the first row of the table that fits; the last one fits everything."""
    return next(rule for rule in TABLE if rule.fits(fault))


def read_faults(status: int, body: object) -> tuple[Fault, ...]:
    """Give the entries of an error body: an array, a single object, an OAuth error, or nothing readable."""
    entries = body if isinstance(body, list) else [body]
    faults = tuple(fault_of(status, entry) for entry in entries if isinstance(entry, Mapping))
    return faults or (
        Fault(status=status, code=None, message=f"HTTP {status} without an error that we can read"),
    )


def fault_of(status: int, entry: Mapping[str, object]) -> Fault:
    """Give one entry of an error body."""
    # Collections say statusCode where everything else says errorCode; OAuth says error.
    code = entry.get("errorCode") or entry.get("statusCode") or entry.get("error")
    words = entry.get("message") or entry.get("error_description") or "no message"
    names = entry.get("fields")
    return Fault(
        status=status,
        code=str(code) if code else None,
        message=str(words)[:_MESSAGE_LIMIT],
        fields=tuple(str(name) for name in names) if isinstance(names, list) else (),
        matches=tuple(_matches(entry)),
        entry=encode(entry)[:_ENTRY_LIMIT].decode(errors="replace"),
    )


def _matches(entry: Mapping[str, object]) -> Iterator[str]:
    # Salesforce spells it "duplicateResut"; should that ever be corrected, we know both.
    found = entry.get("duplicateResut") or entry.get("duplicateResult")
    for result in _dicts(found.get("matchResults") if isinstance(found, Mapping) else None):
        for match in _dicts(result.get("matchRecords")):
            record = match.get("record")
            record_id = record.get("Id") if isinstance(record, Mapping) else None
            if isinstance(record_id, str):
                yield record_id


def _dicts(value: object) -> Iterator[Mapping[str, object]]:
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))

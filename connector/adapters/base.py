"""The contract between the pipelines and a target. A new target is one file that keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

from connector.errors import ConnectorError
from connector.record import Receipt, Record, RecordShape, TargetQuery

Outcome: TypeAlias = Receipt | ConnectorError
"""What became of one record: its receipt, or the error that says what to do next."""

Found: TypeAlias = Receipt | ConnectorError | None
"""What the target has of one record: its receipt; None, it has not; an error, it cannot tell of this one."""


class Idempotency(StrEnum):
    """What a target can promise about a record that is sent twice."""

    NATIVE = "native"  # the target sets by key: sending again is harmless
    LOOKUP = "lookup"  # the target finds by key: ask after any doubt, then create
    CREATE_ONLY = "create_only"  # neither: a person must resolve doubts


class Severity(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of what `check` found out about a target."""

    severity: Severity
    subject: str  # "credentials", "Invoice__c.Total__c", "api limit"
    message: str
    remedy: str = ""


class Adapter(Protocol):
    """Delivers records to one kind of target."""

    idempotency: Idempotency
    batch_size: int  # records that one call of `deliver` takes at most

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Make the target hold each record and its lines, both or neither.

        Steps: build the requests, send them, read one outcome per record, in the order given.
        Idempotency: the same `record.key` names the same target object, however often it is
        called, also after a lost answer (`native`); a `lookup` target is asked by the caller first.
        Raises: what concerns every record of the call alike: `AccessRefusedError`,
        `ThrottledError`, `UnavailableError` (nothing was sent), `OutcomeUnknownError` (something
        may have been). Errors of single records are outcomes and are never raised.
        """
        ...

    def lookup(self, records: Sequence[Record]) -> Sequence[Found]:
        """Ask the target which of these records it has, by key; None means "it has not".

        An error in place of a receipt: the target cannot tell of this record, such as of two with one key.
        Raises: any `ConnectorError` when the target cannot tell at all; silence is never "absent".
        """
        ...

    def check(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare credentials, rights and the fields of `shapes` with the target. Writes nothing."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class SettlesLate(Protocol):
    """A target that knows how long a request may still take effect after its answer was lost."""

    settle: timedelta  # no lookup before that is believed


@runtime_checkable
class FindsById(Protocol):
    """A target that can be asked for an object by the target's own id. Not every target can."""

    def find(self, record: Record, receipt_id: str) -> Receipt | None:
        """Give the receipt of the object of this record's kind with this id; None: there is none.

        Raises: any `ConnectorError` when the target cannot tell.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFile:
    """The file that a document was made of."""

    key: str  # the same for the same document and contents, in all pipelines
    name: str  # "invoice 17.pdf"
    content_type: str
    contents: BinaryIO  # may be read again from its beginning
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalLink:
    """An address at which people find the file that a document was made of."""

    key: str  # the same for the same document and address, in all pipelines
    name: str
    url: str


@runtime_checkable
class ShowsOriginals(Protocol):
    """A target that can show a document's original beside its record. Not every target can.

    Idempotency: a caller who does not know what became of `add_original` asks with `show_original` first, and
    not before the request can take effect no more; so a key never has two originals.
    """

    def show_original(self, key: str, receipt_id: str) -> str | None:
        """Let the record show the original with this key, if the target has it, and give its id there.

        None: the target does not have it.
        Raises: any `ConnectorError`; silence is never "it has not".
        """
        ...

    def add_original(self, original: OriginalFile | OriginalLink, receipt_id: str) -> str:
        """Put it into the target, shown beside the record; give its id there. Streamed, never held whole.

        One that is there already, since somebody else was faster, is shown like one that was asked for.
        Raises: any `ConnectorError`; OutcomeUnknownError when it may be there now.
        """
        ...

    def check_originals(self) -> Sequence[Finding]:
        """Say what the target lacks for it. Writes nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetField:
    """One field that a mapping can write, as the target tells it."""

    name: str  # as a mapping writes it
    label: str = ""  # as the target's own screens show it
    type: str | None = None  # a mapping's word (string, integer, decimal, date, datetime, boolean, currency)
    is_required: bool = False  # the target refuses a new record without it
    length: int | None = None  # characters of text; None: not told
    is_key: bool = False  # can hold the connector's key of the record
    choices: tuple[str, ...] = ()  # the only values it takes; empty: no such limit
    refers_to: tuple[str, ...] = ()  # objects; such a field is written by name: `Vendor__r.Tax_Id__c`
    named_through: str = ""  # what stands before the dot of such a name: `Vendor__r`


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLines:
    """One kind of lines below an object, and the line's field that refers to it."""

    object: "TargetObject"
    parent_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetObject:
    """One object of the target: what `mapping new` proposes fields for."""

    name: str
    label: str = ""
    key: str = ""  # the field that holds the record's key; empty: one of the fields with `is_key`
    fields: tuple[TargetField, ...] = ()  # what a mapping can write; empty: the target takes any name
    lines: tuple[TargetLines, ...] = ()
    ignores_case: bool = False  # of names of fields and objects


@runtime_checkable
class DescribesTargets(Protocol):
    """A target that tells which fields its objects have. Not every target can."""

    def describe(self, object_name: str) -> TargetObject:
        """Give an object with its fields and its kinds of lines. Writes nothing.

        Shape: fields in the target's order, without those that nobody can write or the adapter fills itself.
        Raises: ConfigError, with what there is, when the target has no such object; any `ConnectorError`
            when it cannot tell.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLife:
    """What is known of how long a token lasts. Never the token itself."""

    name: str  # "access token", "session"
    issued_at: datetime  # as its server says; where it does not, when the answer came
    ends_at: datetime | None = None  # None: its server does not tell
    renewed_at: datetime | None = None  # when the next is fetched; None: when this one is refused


@runtime_checkable
class HoldsTokens(Protocol):
    """A target that is spoken to with tokens that do not last. Not every target is."""

    def tokens(self) -> Sequence[TokenLife]:
        """Give those that are held at this moment. Asks nobody, and fetches none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that a target does by itself after it was asked to, and the records that it may write."""

    id: str
    record_keys: frozenset[str]


class JobBook(Protocol):
    """The jobs of one target, kept where no crash reaches them, and the patience to wait for one."""

    def open_jobs(self) -> Sequence[Job]:
        """Give those that may still run, whoever opened them."""
        ...

    def take_turn(self) -> bool:
        """Be the only one to load into this target until `load` ends; False: somebody else is."""
        ...

    def opened(self, job: Job) -> None:
        """Store that a job is open; when this returns, a crash does not forget it.

        Raises: LeaseLostError when somebody else is busy with the records by now.
        """
        ...

    def ended(self, job_id: str) -> None:
        """Store that nothing will be written by a job any more."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait, and go on holding the records that are being loaded.

        Raises: StoppingError when this process is told to stop, LeaseLostError when somebody else is busy
            with the records by now. What is in the book is found again.
        """
        ...


@runtime_checkable
class LoadsInBulk(Protocol):
    """A target that takes very many records at once, by jobs that run for minutes."""

    bulk_from: int | None  # due records from which a batch of `bulk_size` is worth its while; None: never
    bulk_size: int

    def load(self, records: Sequence[Record], book: JobBook) -> Sequence[Outcome]:
        """Do what `deliver` does, by jobs or without them, whatever costs fewer requests.

        A record that an open job may write is not sent before that job has ended.
        Raises: what `deliver` raises, and what the book raises, at once.
        """
        ...


@runtime_checkable
class TellsCalls(Protocol):
    """A target that knows about how many calls documents take, before any of them is read."""

    def calls_for(self, documents: int, shapes: Sequence[RecordShape], /) -> int:
        """Give about how many calls so many documents of these shapes take, if none is there yet."""
        ...


@runtime_checkable
class TellsMisfits(Protocol):
    """A target that can tell beforehand that it would refuse whatever a mapping makes."""

    def misfits(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Give only what stops records of these shapes from going in. Writes nothing, and asks little.

        Raises: any `ConnectorError` when the target cannot tell.
        """
        ...


@runtime_checkable
class PinsDescriptions(Protocol):
    """A target whose description can be kept as files, so that mappings are checked without it."""

    def pin(self, shapes: Sequence[RecordShape]) -> Sequence[str]:
        """Keep the description of what these shapes write, if there is a folder for it; give what was kept.

        Raises: any `ConnectorError` when the target cannot tell; ConfigError when it cannot be kept.
        """
        ...

    def check_pinned(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare what was kept with what mappings will write. Needs neither network nor credentials."""
        ...


@runtime_checkable
class AnswersQueries(Protocol):
    """A target that mappings can ask for values, such as the id of a vendor with a tax number."""

    def query(self, queries: Sequence[TargetQuery]) -> Mapping[TargetQuery, tuple[str, ...]]:
        """Give the wanted values of each query: none, one or many, in any order. Reads only.

        Steps: put queries for the same object and fields together into as few requests as possible.
        Values are compared as the target compares its keys. An object whose wanted field is empty counts as
        none. Callers keep the answers for a while, and never ask the same twice in one call.
        Raises: any `ConnectorError` when the target cannot tell; a query without an entry in the answer
        means the same, never "none".
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Which objects are read back, and the fields that hold what is compared; None: nothing holds it."""

    object: str
    key_field: str
    number: str | None = None
    amount: str | None = None
    currency: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldObject:
    """One object as the target has it now."""

    id: str
    key: str | None  # as a record's key; None: the object has none of ours
    number: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    date: "date | None" = None  # quoted: the default would otherwise hide the type
    created_at: datetime | None = None  # in the target
    url: str | None = None


@runtime_checkable
class ReadsBack(Protocol):
    """A target whose objects can be read back, to be compared with the documents. Not every target can."""

    def read_back(
        self, wanted: ReadBack, *, keys: Sequence[str], numbers: Sequence[str]
    ) -> Sequence[HeldObject]:
        """Give every object that has one of the keys, or one of the numbers, as it is now. Writes nothing.

        Shape: each object once, in any order; several may have the same number, and even the same key.
        Raises: any `ConnectorError` when the target cannot tell; silence is never "there is none".
        """
        ...

    def read_back_since(self, wanted: ReadBack, *, prefix: str, since: datetime) -> Sequence[HeldObject]:
        """Give every object that was created at or after `since` with a key that begins so. Writes nothing.

        Raises: any `ConnectorError` when the target cannot tell.
        """
        ...

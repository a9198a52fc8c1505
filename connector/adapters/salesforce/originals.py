"""The original of a document beside its record: one ContentVersion per document and contents, linked to it.

An insert of a file is not idempotent by itself: its key field, unique, says which document and which contents
it holds. Whoever does not know what became of an insert asks by key first.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from requests_toolbelt import MultipartEncoder

from connector.adapters.base import Finding, OriginalFile, OriginalLink, Severity
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.describe import ObjectShape
from connector.adapters.salesforce.faults import DUPLICATE_VALUE, Fault, Kind, rule_for
from connector.adapters.salesforce.json_text import encode
from connector.adapters.salesforce.quota import Quota
from connector.adapters.salesforce.soql import Question, select, text_in
from connector.adapters.salesforce.transport import Transport
from connector.errors import ConfigError, OutcomeUnknownError, RejectedError

VERSION = "ContentVersion"
LINK = "ContentDocumentLink"
LONGEST_TITLE = 255
_ID = 15  # characters of an id that tell it; three more may follow, which only repeat the case of these


class Originals:
    """The originals in one org. `key_field`: of ContentVersion; text, External ID and Unique."""

    def __init__(
        self, transport: Transport, catalogue: Catalogue, quota: Quota, *, version: str, key_field: str
    ) -> None:
        self._transport = transport
        self._catalogue = catalogue
        self._quota = quota
        self._version = version
        self._key_field = key_field

    def show(self, key: str, record_id: str) -> str | None:
        """Let the record show the version with this key, if there is one, and give its id."""
        self._quota.require()
        question = Question(
            object=VERSION, fields=("Id", "ContentDocumentId", self._key_field), where=self._key_field
        )
        with _config_errors():
            found = [
                row
                for row in select(self._transport.read, self._version, question, [key])
                if text_in(row, self._key_field) == key  # the field may ignore case, our keys do not
            ]
            if not found:
                return None
            first = min(found, key=lambda row: text_in(row, "Id"))
            self._link(text_in(first, "ContentDocumentId"), record_id)
        return text_in(first, "Id")

    def add(self, original: OriginalFile | OriginalLink, record_id: str) -> str:
        """Insert a version that is shown beside the record, and give its id.

        Raises: OutcomeUnknownError when it may be there now.
        """
        self._quota.require()
        try:
            with _config_errors():
                return self._insert(original, record_id)
        except RejectedError as error:
            if error.remote is None or error.remote.code != DUPLICATE_VALUE:
                raise
            found = self.show(original.key, record_id)
            if found is None:
                raise  # it is another unique field, or a file that this user may not see
            return found

    def check(self) -> Sequence[Finding]:
        """Say what the org lacks for it."""
        described = self._catalogue.shape(VERSION)
        if described is None or not described.createable:
            remedy = "Enable Salesforce Files, and let the integration user upload files."
            return [_wrong(VERSION, "this user may not add files", remedy)]
        return [*self._check_key(described)] or [
            Finding(severity=Severity.OK, subject=VERSION, message=f"can be added, key {self._key_field}")
        ]

    def _check_key(self, described: ObjectShape) -> Iterator[Finding]:
        subject = f"{VERSION}.{self._key_field}"
        field = described.field(self._key_field)
        if field is None:
            remedy = "Deploy deploy/salesforce, or create it as Text(255), External ID, Unique."
            yield _wrong(subject, "the key field of files does not exist or is hidden", remedy)
            return
        if not field.createable:
            yield _wrong(subject, "cannot be written by this user", "Make the field visible and editable.")
        if not field.is_key or not field.is_unique:
            message = "is not External ID and Unique, so one file could be there twice"
            yield _wrong(subject, message, "Tick both on the field.")

    def _insert(self, original: OriginalFile | OriginalLink, record_id: str) -> str:
        fields = {"FirstPublishLocationId": record_id, self._key_field: original.key}
        path = f"/services/data/v{self._version}/sobjects/{VERSION}"
        if isinstance(original, OriginalLink):
            fields |= {"Title": original.name[:LONGEST_TITLE], "ContentUrl": original.url}
            return _inserted(self._transport.write(path, encode(fields)))
        stem, _, _ = original.name.rpartition(".")
        fields |= {"Title": (stem or original.name)[:LONGEST_TITLE], "PathOnClient": original.name}
        return _inserted(self._transport.upload(path, lambda: multipart_body(fields, original)))

    def _link(self, document_id: str, record_id: str) -> None:
        """Link a document to a record that does not show it yet."""
        question = Question(object=LINK, fields=("Id", "LinkedEntityId"), where="ContentDocumentId")
        links = select(self._transport.read, self._version, question, [document_id])
        if any(text_in(row, "LinkedEntityId")[:_ID] == record_id[:_ID] for row in links):
            return
        values = {"ContentDocumentId": document_id, "LinkedEntityId": record_id, "ShareType": "V"}
        try:
            self._transport.write(f"/services/data/v{self._version}/sobjects/{LINK}", encode(values))
        except RejectedError as error:
            if error.remote is None or error.remote.code != DUPLICATE_VALUE:  # somebody was faster
                raise


def multipart_body(fields: Mapping[str, str], original: OriginalFile) -> MultipartEncoder:
    """Give both parts as a body that is read from the file while it is sent."""
    original.contents.seek(0)
    return MultipartEncoder(
        fields={
            "entity_content": (None, encode(fields), "application/json"),
            "VersionData": (original.name, original.contents, original.content_type),
        }
    )


def _inserted(answer: object) -> str:
    record_id = answer.get("id") if isinstance(answer, dict) and answer.get("success") is True else None
    if not isinstance(record_id, str):
        raise OutcomeUnknownError("Salesforce took the file, and its answer tells no id")
    return record_id


@contextmanager
def _config_errors() -> Iterator[None]:
    """Blame the org, and no file, for a key field that is not there."""
    try:
        yield
    except RejectedError as error:
        remote = error.remote
        if remote is None or remote.status is None or remote.code is None:
            raise
        fault = Fault(status=remote.status, code=remote.code, message=remote.message or "")
        if rule_for(fault).kind is not Kind.CONFIG:
            raise
        remedy = "Run `docflo-connector check`: it names what the org lacks for originals."
        raise ConfigError(error.message, remedy=remedy, remote=remote) from error


def _wrong(subject: str, message: str, remedy: str) -> Finding:
    return Finding(severity=Severity.ERROR, subject=subject, message=message, remedy=remedy)

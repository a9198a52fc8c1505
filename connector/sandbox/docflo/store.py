"""What the sandbox holds, and every change to it. Other threads may use it while requests arrive."""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from connector.sandbox.docflo.document import SandboxDocument, object_id, timestamp
from connector.sandbox.docflo.edit import Editor, edited, with_model_field
from connector.sandbox.docflo.errors import ApiError, not_found
from connector.sandbox.docflo.schema import ENABLED_TYPES, FieldSchema, TypeSchema
from connector.sandbox.journal import Journal

API_USER = "API"
KEPT_LOG_ENTRIES = 1000


class Store:
    """Documents, type schemas and the log. Documents are values: a change puts a new one in place."""

    def __init__(
        self,
        documents: Iterable[SandboxDocument],
        *,
        clock: Callable[[], datetime],
        journal: Journal,
        seed: object,
        types: Mapping[str, TypeSchema] = ENABLED_TYPES,
    ) -> None:
        self.documents = {document.id: document for document in documents}
        self.schemas: dict[str, TypeSchema] = dict(types)
        self.logs: deque[dict[str, Any]] = deque(maxlen=KEPT_LOG_ENTRIES)
        self.clock = clock
        self._journal = journal
        self._random = random.Random(f"{seed}/ids")
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the sandbox's time."""
        return self.clock()

    def find(self, document_id: str) -> SandboxDocument:
        """Give one document.

        Raises: ApiError 404.
        """
        document = self.documents.get(document_id)
        if document is None:
            raise not_found(document_id)
        return document

    def all(self) -> tuple[SandboxDocument, ...]:
        """Give every document, in the order added."""
        with self._lock:
            return tuple(self.documents.values())

    def new_id(self) -> str:
        """Give an id that nothing has."""
        return object_id(self.now(), self._random)

    def add(self, document: SandboxDocument) -> None:
        """Hold a document, without a word in the journal."""
        with self._lock:
            self.documents[document.id] = document

    def remove(self, document_id: str) -> None:
        """Forget a document, without a word in the journal."""
        with self._lock:
            del self.documents[document_id]

    def create(self, document: SandboxDocument) -> None:
        """Hold a document that a request brought."""
        self.add(document)
        self._journal.effect(
            "created", f"document/{document.id}", {"type": document.type, "name": document.name}
        )
        self._note("info", "document-processing", "upload", "Document received", document.id)

    def put_status(self, document_id: str, status: str) -> None:
        """Set a status as somebody in Docflo would, without a word in the journal."""
        with self._lock:
            self.documents[document_id] = self.find(document_id).with_status(status, self.now())

    def change_status(self, document_id: str, status: str) -> None:
        """Set a status as a request asks.

        Raises: ApiError 404.
        """
        self.put_status(document_id, status)
        self._journal.effect("status", f"document/{document_id}", {"status": status})
        self._note("info", "documents", "status", f"Status set to {status}", document_id)

    def change_fields(self, document_id: str, changes: Mapping[str, Any]) -> None:
        """Edit fields as a request asks: all of them or none.

        Raises: ApiError 404, or 400 for a key or value that does not fit the type.
        """
        now = self.now()
        editor = Editor(changed_on=timestamp(now), changed_by=API_USER, new_id=self.new_id)
        with self._lock:
            document = self.find(document_id)
            fields = edited(document.fields, changes, self.schemas.get(document.type, {}), editor)
            self.documents[document_id] = document.with_fields(fields, now)
        self._journal.effect("fields", f"document/{document_id}", changes)
        self._note("info", "documents", "fields", "Fields changed", document_id)

    def schema(self, document_type: str) -> TypeSchema:
        """Give the fields of an enabled type.

        Raises: ApiError 404.
        """
        schema = self.schemas.get(document_type)
        if schema is None:
            enabled = f"Enabled types: {', '.join(self.schemas)}"
            raise ApiError(404, "DOCUMENT_TYPE_NOT_FOUND", "The document type is not enabled", enabled)
        return schema

    def change_model(self, document_type: str, field: FieldSchema) -> None:
        """Add or change a field of a type.

        Raises: ApiError 404.
        """
        self.schemas[document_type] = with_model_field(self.schema(document_type), field)
        self._journal.effect("model_field", f"type/{document_type}/{field.name}", {"type": field.type})

    def note_error(self, message: str, path: str) -> None:
        """Log that a request failed."""
        self.logs.append(self._log_entry("error", "api", "request", message, {"path": path}))

    def _note(self, kind: str, area: str, sub_area: str, message: str, document_id: str) -> None:
        self.logs.append(self._log_entry(kind, area, sub_area, message, {"documentId": document_id}))

    def _log_entry(
        self, kind: str, area: str, sub_area: str, message: str, metadata: Mapping[str, str]
    ) -> dict[str, Any]:
        return {
            "_id": self.new_id(),
            "type": kind,
            "area": area,
            "subArea": sub_area,
            "message": message,
            "metadata": dict(metadata),
            "createdOn": timestamp(self.now()),
        }

"""A Docflo on loopback.

Its paths, parameters, headers, statuses and errors are those of the API page. Its success bodies are a guess:
the page shows none.
"""

from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.demo import (
    demo_documents,
    documents_without_known_currency,
    documents_without_total,
)
from connector.sandbox.docflo.document import SandboxDocument
from connector.sandbox.docflo.generate import generate_documents

__all__ = [
    "DocfloSandbox",
    "SandboxDocument",
    "demo_documents",
    "documents_without_known_currency",
    "documents_without_total",
    "generate_documents",
]

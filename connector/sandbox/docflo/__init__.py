"""A Docflo on loopback. Its paths, headers, statuses and errors are documented; its success bodies are our guess."""

from connector.sandbox.docflo.demo import (
    demo_documents,
    documents_without_total,
    documents_without_known_currency,
)
from connector.sandbox.docflo.document import SandboxDocument
from connector.sandbox.docflo.generate import generate_documents
from connector.sandbox.docflo.sandbox import DocfloSandbox

__all__ = [
    "DocfloSandbox",
    "SandboxDocument",
    "demo_documents",
    "documents_without_known_currency",
    "documents_without_total",
    "generate_documents",
]

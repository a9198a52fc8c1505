"""The files behind a document: the page as PDF, and the mail it came with."""

import io
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

import pydyf

from connector.sandbox.docflo.document import SandboxDocument

PDF = "application/pdf"
_WIDTH, _HEIGHT = 595, 842  # A4 in points
_LEADING = 14
_LINES_PER_PAGE = (_HEIGHT - 100) // _LEADING


def original(document: SandboxDocument) -> tuple[bytes, str]:
    """Give the file that was sent, and its content type."""
    if document.upload:
        return document.upload.content, document.upload.content_type
    return _pdf(list(_printed(document))), PDF


def mail(document: SandboxDocument) -> bytes:
    """Give the mail that brought the document, with the original attached."""
    content, content_type = original(document)
    main, _, sub = content_type.partition("/")
    message = EmailMessage()
    message["Subject"] = f"Document {document.name}"
    message["From"] = "billing@supplier.example"
    message["To"] = "documents@company.example"
    message["Date"] = format_datetime(document.created_on)
    message["Message-ID"] = f"<{document.id}@supplier.example>"
    message.set_content("Please find the document attached.\n")
    message.add_attachment(content, maintype=main, subtype=sub, filename=document.name)
    message.set_boundary(f"part-{document.id}")
    return message.as_bytes(policy=SMTP)


def _printed(document: SandboxDocument) -> Iterator[str]:
    yield f"{document.type} {document.name}"
    yield ""
    for name, field in document.on_paper().items():
        if isinstance(field["value"], list):
            yield name
            yield from (f"    {_printed_row(row)}" for row in field["value"])
        else:
            yield f"{name}: {field.get('content', '')}"


def _printed_row(row: dict[str, Any]) -> str:
    cells = (field.get("content", "") for name, field in row.items() if name != "_id")
    return "  ".join(" ".join(cell.split()) for cell in cells)


def _pdf(lines: list[str]) -> bytes:
    pdf = pydyf.PDF()
    font = pydyf.Dictionary(
        {"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica", "Encoding": "/WinAnsiEncoding"}
    )
    pdf.add_object(font)
    for start in range(0, max(len(lines), 1), _LINES_PER_PAGE):
        text = _text(lines[start : start + _LINES_PER_PAGE])
        pdf.add_object(text)
        pdf.add_page(
            pydyf.Dictionary(
                {
                    "Type": "/Page",
                    "Parent": pdf.pages.reference,
                    "MediaBox": pydyf.Array([0, 0, _WIDTH, _HEIGHT]),
                    "Contents": text.reference,
                    "Resources": pydyf.Dictionary({"Font": pydyf.Dictionary({"F1": font.reference})}),
                }
            )
        )
    output = io.BytesIO()
    pdf.write(output)
    return output.getvalue()


def _text(lines: list[str]) -> pydyf.Stream:
    stream = pydyf.Stream()
    stream.begin_text()
    stream.set_font_size("F1", 9)
    stream.move_text_to(50, _HEIGHT - 50)
    for line in lines:
        # The font that every reader has knows western letters only; the sandbox brings none of its own.
        stream.show_text_string(line.encode("cp1252", "replace"))
        stream.move_text_to(0, -_LEADING)
    stream.end_text()
    return stream

"""An e-mail taken apart for reading: its heads, its plain text, what is attached. Nothing is opened."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32

from connector.docflo.download import safe_name
from connector.errors import UnexpectedResponseError

# Whoever can send an invoice can send a mail that is made to be slow: deep, or of very many lines.
_MOST_BYTES = 40 * 2**20
_MOST_LINE_ENDS = 2_000_000  # one or two a line
_DEEPEST = 40  # parts that hold parts, wherever they are
_MOST_ATTACHMENTS = 100
_LONGEST_HEADER = 2_000
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One part of a mail that is not its text."""

    number: int  # in this mail, from 1
    name: str  # safe as the name of a file
    content_type: str  # as the mail says: nobody has looked
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What a reader sees of a mail."""

    subject: str
    sender: str
    to: str
    date: str
    text: str  # plain; empty: it has none
    is_cut: bool  # there is more text, or more attachments
    attachments: tuple[Attachment, ...]


class _ShortHeaders(Compat32):
    """Cuts long headers: reading their parameters takes longer with the square of their length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def read_mail(raw: bytes) -> Mail:
    """Take a mail apart.

    Raises: UnexpectedResponseError for what is too large or too deep to be read here.
    """
    _refuse_large(raw)
    message = message_from_bytes(raw, policy=_ShortHeaders())
    leaves = [part for part in message.walk() if not part.is_multipart()]
    body = next((part for part in leaves if _is_text(part)), None)
    text = "" if body is None else _text(body)
    others = [part for part in leaves if part is not body]
    return Mail(
        subject=_header(message, "subject"),
        sender=_header(message, "from"),
        to=_header(message, "to"),
        date=_header(message, "date"),
        text=text[:_LONGEST_TEXT],
        is_cut=len(text) > _LONGEST_TEXT or len(others) > _MOST_ATTACHMENTS,
        attachments=tuple(_attachments(others[:_MOST_ATTACHMENTS])),
    )


def _refuse_large(raw: bytes) -> None:
    folded = raw.lower()
    depth = folded.count(b"multipart/") + folded.count(b"message/")
    ends = raw.count(b"\n") + raw.count(b"\r")
    if len(raw) > _MOST_BYTES or ends > _MOST_LINE_ENDS or depth > _DEEPEST:
        raise UnexpectedResponseError(
            "this e-mail is too large or has too many parts to be read here",
            remedy="take it away as a file and open it in a mail program",
        )


def _is_text(part: Message) -> bool:
    return part.get_content_type() == "text/plain" and part.get_filename() is None


def _attachments(parts: list[Message]) -> Iterator[Attachment]:
    for number, part in enumerate(parts, start=1):
        told = _decoded(part.get_filename() or "") or f"part {number}"
        yield Attachment(
            number=number,
            name=safe_name(told),
            content_type=part.get_content_type(),
            content=_content(part),
        )


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    content = _content(part)
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:  # a character set that nobody has
        return content.decode("latin-1")


def _header(message: Message, name: str) -> str:
    return _decoded(str(message.get(name) or ""))


def _decoded(text: str) -> str:
    try:
        decoded = str(make_header(decode_header(text)))
    except (MessageError, LookupError, ValueError):
        decoded = text
    return " ".join(decoded.split())

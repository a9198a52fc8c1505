"""The files behind a document in Docflo: the original, the e-mail that brought it, what is attached."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.headers import POLICY
from connector.console.pages.mail import read_mail
from connector.console.pages.page import Console
from connector.console.pages.posting import status_of
from connector.console.person import person_of
from connector.docflo.client import DocfloClient
from connector.docflo.download import Download
from connector.errors import ConnectorError
from connector.ledger.delivery import Delivery

MAIL = "message/rfc822"

# What a browser shows by itself, and how such a file begins; anything else is taken away as a file.
_SHOWN = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
# Browsers show no PDF in a sandbox; their own viewer is one.
_SANDBOX = "; sandbox"
_FRAMED = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")

Fetch = Callable[[DocfloClient, str, Path], Download]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    """A file of a document, held for one answer."""

    delivery: Delivery
    body: bytes
    content_type: str  # as Docflo says
    is_mail: bool


def original_routes(
    console: Console, path: str, known: Callable[[Console, Request], Delivery]
) -> Sequence[BaseRoute]:
    """Give the routes below a document's `path`. Each fetches anew: one request to Docflo."""
    kinds = {"original": DocfloClient.download_original, "email": DocfloClient.download_email}
    files = [_Files(console, known, kind, fetch) for kind, fetch in kinds.items()]
    return [route for each in files for route in each.routes(path)]


class _Files:
    """What is shown of one kind of file."""

    def __init__(
        self, console: Console, known: Callable[[Console, Request], Delivery], kind: str, fetch: Fetch
    ) -> None:
        self._console = console
        self._known = known
        self._kind = kind
        self._fetch = fetch

    def routes(self, path: str) -> Sequence[BaseRoute]:
        """Give the file as a browser shows it, the whole of it to take away, and what is attached to it."""
        start = f"{path}/{self._kind}"
        return [
            Route(start, self._show),
            Route(f"{start}/file", self._take),
            Route(f"{start}/{{number:int}}", self._attachment),
        ]

    def _show(self, request: Request) -> Response:
        values: dict[str, object] = {"mail": None, "place": None}
        try:
            file = self._fetched(request)
            if not file.is_mail:
                return file_answer(file.body, file.content_type)
            values["place"] = f"/documents/{file.delivery.id}/{self._kind}"
            values["mail"] = read_mail(file.body)
        except ConnectorError as error:
            # Not the page for refusals, which no frame may show.
            values |= {"message": error.message, "remedy": error.remedy}
            return _framed(self._console.render(request, "mail.html", values, status=status_of(error)))
        return _framed(self._console.render(request, "mail.html", values))

    def _take(self, request: Request) -> Response:
        file = self._fetched(request)
        return file_answer(file.body, file.content_type, "e-mail.eml" if file.is_mail else "original")

    def _attachment(self, request: Request) -> Response:
        file, number = self._fetched(request), request.path_params["number"]
        attached = {each.number: each for each in read_mail(file.body).attachments} if file.is_mail else {}
        if number not in attached:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return file_answer(attached[number].content, attached[number].content_type, attached[number].name)

    def _fetched(self, request: Request) -> _Fetched:
        delivery = self._known(self._console, request)
        if not person_of(request).sees_contents:
            raise HTTPException(HTTPStatus.FORBIDDEN)
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise HTTPException(HTTPStatus.FORBIDDEN)  # another site would spend our requests
        with tempfile.TemporaryDirectory(prefix="original-") as folder, self._console.docflo() as docflo:
            download = self._fetch(docflo, delivery.document_id, Path(folder))
            return _Fetched(
                delivery=delivery,
                body=download.path.read_bytes(),
                content_type=download.content_type,
                is_mail=download.content_type == MAIL or download.path.suffix.lower() == ".eml",
            )


def file_answer(body: bytes, told: str, name: str = "original") -> Response:
    """Give a file. Whatever it says it is, it is nothing that a browser would run here."""
    is_shown = told in _SHOWN and body.startswith(_SHOWN[told])
    is_pdf = is_shown and told == "application/pdf"
    taken = f'attachment; filename="{name}"' if name.isascii() and '"' not in name else _any_name(name)
    headers = {
        "Content-Security-Policy": _FILE_POLICY + ("" if is_pdf else _SANDBOX),
        "Content-Disposition": "inline" if is_shown else taken,
    }
    return Response(body, media_type=told if is_shown else "application/octet-stream", headers=headers)


def _any_name(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _framed(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = _FRAMED
    return answer

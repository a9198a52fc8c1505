"""Calls of Docflo by httpx's client, on a connection for each: uploads, downloads, what a proxy carries."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from connector.docflo.deadline import Deadline, deadline
from connector.docflo.exchange import HEADERS, Answer, Request, T
from connector.docflo.settings import DocfloSettings
from connector.errors import ConfigError


class ByHttpx:
    """httpx's client. Safe to share between threads."""

    def __init__(
        self, settings: DocfloSettings, trusted: ssl.SSLContext, transport: httpx.BaseTransport | None = None
    ) -> None:
        """`transport` stands in for the network in tests."""
        self._settings = settings
        self._http = _connect(settings, trusted, transport)

    def exchange(self, request: Request, key: str, read: Callable[[Answer], T]) -> T:
        """Send, and give what `read` makes of the answer."""
        with deadline(request.seconds) as limit:
            built = self._built(request, key)
            built.extensions["trace"] = limit.trace
            try:
                response = self._http.send(built, stream=True)
                try:
                    return read(
                        Answer(
                            status=response.status_code,
                            headers=response.headers,
                            body=_pieces(response, limit),
                            key=key,
                        )
                    )
                finally:
                    response.close()
            except httpx.HTTPError as error:
                if limit.has_passed:
                    error.args = (f"{request.seconds:g} seconds have passed",)
                raise

    def close(self) -> None:
        """Close the client."""
        self._http.close()

    def _built(self, request: Request, key: str) -> httpx.Request:
        headers = {"x-tenant-id": self._settings.tenant_id, "apiKey": key}
        if request.accept is not None:
            headers["Accept"] = request.accept
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        upload, form = request.upload, {}
        if upload is not None:
            # httpx reads the file in pieces while it sends. The server is silent until it is done with it:
            # the whole call's deadline is the only limit there is.
            timeout = httpx.Timeout(request.seconds, connect=self._settings.connect_timeout)
            form = {"data": upload.form, "files": {"file": (upload.name, upload.file)}, "timeout": timeout}
        parts: dict[str, Any] = {"params": request.params, "content": request.content, **form}
        return self._http.build_request(request.method, request.path, headers=headers, **parts)


def _pieces(response: httpx.Response, limit: Deadline) -> Iterator[bytes]:
    yield from response.iter_bytes()
    # A body without a length ends where its connection ends: it may be cut off.
    if limit.has_passed:
        raise httpx.ReadTimeout("the deadline has passed")


def _connect(
    settings: DocfloSettings, trusted: ssl.SSLContext, transport: httpx.BaseTransport | None
) -> httpx.Client:
    try:
        return httpx.Client(
            base_url=settings.base_url,
            headers={**HEADERS, "Connection": "close"},
            follow_redirects=False,
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
            # A connection for each call: a deadline cuts its own, and none is found stale by an upload.
            limits=httpx.Limits(max_keepalive_connections=0),
            transport=transport,
            verify=trusted,
            # A proxy that the machine is set up with is honoured, but not on the way to this machine itself.
            trust_env=settings.base_url.startswith("https:"),
        )
    except httpx.InvalidURL as error:
        message = f"docflo.base_url, or the proxy of this machine, is not an address: {error}"
        raise ConfigError(message, remedy="expected an address such as https://api.docflo.ai") from error

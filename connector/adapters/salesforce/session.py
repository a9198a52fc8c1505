"""A requests session that cannot hang, follow a redirect, repeat a call or borrow credentials."""

import io
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager

from connector.adapters.salesforce.deadline import deadline, watch_connections
from connector.adapters.salesforce.settings import SalesforceSettings


class DeadlineAdapter(HTTPAdapter):
    """Sends with timeouts that no caller can forget, and reads the answer within a total deadline."""

    def __init__(self, settings: SalesforceSettings) -> None:
        super().__init__(max_retries=0)
        watch_connections(self.poolmanager)
        self._timeouts = (settings.connect_timeout, settings.read_timeout)
        self._total = settings.deadline
        self._ca_bundle = str(settings.ca_bundle) if settings.ca_bundle else None

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:  # noqa: ANN401 its own signature
        """Make the pools of connections over a proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        watch_connections(manager)
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 requests' own signature
        timeout: object = None,  # noqa: ARG002 ours always apply
        verify: bool | str = True,  # noqa: FBT001, FBT002 requests' own signature
        cert: str | bytes | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send once and give the answer with its body read.

        The CA bundle is set here because requests lets REQUESTS_CA_BUNDLE win over `session.verify`.
        """
        late = f"the answer was not complete after {self._total:g} seconds"
        with deadline(self._total) as limit:
            try:
                response = super().send(
                    request,
                    stream=True,
                    timeout=self._timeouts,
                    verify=self._ca_bundle or verify,
                    cert=cert,
                    proxies=proxies,
                )
                response.raw = io.BytesIO(_body(response))
            except requests.exceptions.RequestException as error:
                if limit.has_passed:
                    raise requests.exceptions.ReadTimeout(late) from error
                raise
        if limit.has_passed:
            # Headers that are cut off look as if they ended there.
            raise requests.exceptions.ReadTimeout(late)
        return response


def _body(response: requests.Response) -> bytes:
    try:
        data: bytes = response.raw.read(decode_content=True)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    return data


class SalesforceSession(requests.Session):
    """A session whose every call goes through a `DeadlineAdapter`."""

    def __init__(self, settings: SalesforceSettings) -> None:
        super().__init__()
        adapter = DeadlineAdapter(settings)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        # With an auth set, requests does not look into ~/.netrc, whose entry would replace our header.
        self.auth = _unchanged
        # Plain http is this machine only, where a proxy from the environment has no business.
        self.trust_env = urlsplit(settings.login_address).scheme == "https"

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 requests' own signature
        """Follow nothing: requests would turn a PATCH into a GET on another host and report success."""
        return None


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def was_never_sent(error: requests.exceptions.RequestException) -> bool:
    """Tell whether the failure proves that Salesforce did not see the request.

    requests reports "refused" and "closed before the answer" as one class; only the reason inside tells.
    """
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    if not isinstance(
        error,
        requests.exceptions.ConnectionError
        | requests.exceptions.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError,
    ):
        return True  # an address that cannot be parsed and the like: refused by requests itself
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return True
    return is_untrusted_certificate(error)


def is_untrusted_certificate(error: requests.exceptions.RequestException) -> bool:
    """Tell whether the connection was given up because of the server's certificate."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    cause = reason.args[0] if isinstance(reason, urllib3.exceptions.SSLError) and reason.args else None
    return isinstance(cause, ssl.SSLCertVerificationError)

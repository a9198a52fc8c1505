"""Telling people by one HTTP call: signed as Standard Webhooks describe, or text as Slack takes it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import httpx
import msgspec
from pydantic import BaseModel, ConfigDict, Field

from connector.errors import AccessRefusedError, ConnectorError, UnavailableError
from connector.references import Secret

SECONDS = 10.0


class ChannelSettings(BaseModel):
    """Where people are told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["webhook", "slack"] = Field(description="slack: text, for Slack and what understands it.")
    url: Secret = Field(description="A reference: whoever knows such an address can write there.")
    secret: Secret | None = Field(default=None, description="Signs the calls of `webhook`: whsec_...")


def send(
    channel: ChannelSettings,
    *,
    message_id: str,
    text: str,
    data: Mapping[str, object],
    now: datetime,
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Tell one channel. The same `message_id` is the same message, however often it is sent.

    Raises: UnavailableError when it was not taken; AccessRefusedError when its address or secret cannot be
    read.
    """
    content: Mapping[str, object] = {"text": text}
    if channel.type == "webhook":
        content = {
            "type": "docflo_connector.alarm",
            "timestamp": now.isoformat(),
            "data": {**data, "text": text},
        }
    body = msgspec.json.encode(content)
    try:
        url = channel.url.reveal()
        headers = _headers(channel, message_id, body, now)
    except ValueError as error:
        raise AccessRefusedError(f"a notification channel cannot be used: {error}") from error
    try:
        with httpx.Client(timeout=SECONDS, follow_redirects=False, transport=transport) as client:
            answer = client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The error's own text may repeat the address.
        raise UnavailableError(f"no answer ({type(error).__name__})") from error
    if not answer.is_success:
        raise _refused(answer.status_code)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Give the signature.

    Raises: ValueError when the secret is not one.
    Source: Standard Webhooks specification, "Signature scheme"
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("expected a secret such as whsec_ and base64") from error
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _headers(channel: ChannelSettings, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if channel.type == "webhook":
        timestamp = int(now.timestamp())
        headers |= {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
        if channel.secret is not None:
            headers["webhook-signature"] = sign(channel.secret.reveal(), message_id, timestamp, body)
    return headers


def _refused(status: int) -> ConnectorError:
    return UnavailableError(f"it answered {status}")

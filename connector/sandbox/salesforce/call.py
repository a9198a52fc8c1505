"""One request, read whole, and what its headers and body say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addresses import DATA_PATH, Target

JSON = "application/json"

_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    method: str
    target: Target
    query: Mapping[str, str]
    headers: Mapping[str, str]  # found without regard to case
    scheme: str
    content: bytes
    address_length: int
    now: datetime
    form: Mapping[str, Any] | None = None  # of a multipart body: the record, with its file's bytes

    @property
    def root(self) -> str:
        """The address that the resources of this version begin with."""
        return f"{DATA_PATH}/{self.target.version}"

    @property
    def media_type(self) -> str:
        """What the body is said to be, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:  # noqa: ANN401 a JSON value of any shape
        """Read the body; numbers keep every digit.

        Raises: ApiError 415 UNSUPPORTED_MEDIA_TYPE, 400 JSON_PARSER_ERROR.
        """
        if self.form is not None:
            return self.form
        if not self.content:
            return None
        if self.media_type != JSON:
            raise errors.media_type()
        return json_of(self.content)


def json_of(content: bytes) -> Any:  # noqa: ANN401 a JSON value of any shape
    """Read JSON; numbers keep every digit.

    Raises: ApiError 400 JSON_PARSER_ERROR.
    """
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.json_unreadable(str(error)) from error


def may_duplicate(headers: Mapping[str, str]) -> bool:
    """Read `Sforce-Duplicate-Rule-Header: allowSave=true`."""
    settings = dict(
        part.strip().lower().partition("=")[::2]
        for part in headers.get("sforce-duplicate-rule-header", "").split(";")
    )
    return settings.get("allowsave") == "true"

"""A refusal, in the shape of the API page: `{"error": {"code", "message", "details"}}`."""

from typing import Any


class ApiError(Exception):
    """Raised by whoever finds out; answered in one place."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def as_json(self) -> dict[str, Any]:
        """Give the body of the answer."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def bad_parameter(name: str, expected: str) -> ApiError:
    """Give the refusal of one query parameter, form field or body key."""
    return ApiError(400, "INVALID_PARAMETER", f"Invalid value for {name}", f"{name}: expected {expected}")


def not_found(document_id: str) -> ApiError:
    """Give the refusal of an id that no document has."""
    return ApiError(404, "DOCUMENT_NOT_FOUND", "The document does not exist", f"id: {document_id}")

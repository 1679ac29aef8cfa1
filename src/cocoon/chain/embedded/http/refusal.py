"""Calls that are not answered, with the status that they get."""

from cocoon.errors import BadRequestError

INVALID = 422
"""Status of the public indexers for an argument that is missing or malformed."""


class RefusedCallError(BadRequestError):
    """A call that cannot be answered, because of what it asks.

    Args:
        text: what is wrong; for the caller.
        status: HTTP status, 4xx.
    """

    def __init__(self, text: str, status: int = INVALID) -> None:
        super().__init__(text)
        self.status = status

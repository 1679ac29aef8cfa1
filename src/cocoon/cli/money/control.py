"""Control paths of a node that runs: JSON in answers, sentences in refusals."""

import json
from typing import Any

from cocoon.devnet.http import Answer, call
from cocoon.errors import (
    ChainError,
    CocoonError,
    InsufficientFundsError,
    PaymentError,
    RemoteProtocolError,
    UnavailableError,
)

ORDER_TIMEOUT = 600.0
"""Seconds that an order may take: it waits for the chain."""
MAX_REASON = 500
_ERRORS: dict[int, type[CocoonError]] = {402: InsufficientFundsError, 502: ChainError}


class Control:
    """The HTTP interface of one node.

    Args:
        url: its base.
        key: bearer key, if it asks for one.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def get(self, path: str) -> dict[str, Any]:
        """Ask.

        Raises:
            UnavailableError: it does not answer.
            CocoonError: it refuses; says why.
        """
        return self._object(await self._call("GET", path))

    async def post(self, path: str) -> dict[str, Any]:
        """Order; raises as :meth:`get`."""
        return self._object(await self._call("POST", path))

    async def post_text(self, path: str) -> str:
        """Order where the answer is a sentence; raises as :meth:`get`."""
        return (await self._call("POST", path)).body.decode(errors="replace").strip()

    async def _call(self, method: str, path: str) -> Answer:
        answer = await call(method, f"{self._url}/{path}", ORDER_TIMEOUT, headers=self._headers)
        if answer.status == 200:
            return answer
        kind = _ERRORS.get(answer.status, PaymentError)
        if answer.status == 503:
            kind = UnavailableError
        raise kind(_reason(answer))

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            value = json.loads(answer.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RemoteProtocolError(f"{self._url} does not answer with a JSON object")
        return value


def _reason(answer: Answer) -> str:
    """What a refusal says, whether it is an error object or a line of text."""
    text = answer.body.decode(errors="replace").strip()
    try:
        error = json.loads(text)["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError):
        text = text.removeprefix("failed: ")
    printable = "".join(sign for sign in text[:MAX_REASON] if sign.isprintable())
    return printable or f"refused with HTTP status {answer.status}"

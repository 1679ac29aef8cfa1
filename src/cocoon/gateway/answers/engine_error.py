"""An engine's error in OpenAI's form, whatever form the engine has.

vLLM, SGLang and llama.cpp nest an object as OpenAI does, or put its members at the top; Ollama and
others give a bare text. A caller's package finds message, type and param in one place only.
"""

from typing import Any, Final

import msgspec

from cocoon.client.api import RequestSummary
from cocoon.gateway.refusal import Header, error_json

MAX_ERROR: Final = 2**16
"""Longer answers are not looked into."""

_KINDS: Final = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_FIXES: Final = {
    "context_length_exceeded": "shorten the input, or choose a model with more context_length: "
    "GET /v1/models tells it",
}
_RETRYABLE: Final = frozenset({408, 409, 429, 500, 502, 503, 504})


def engine_error(body: bytes, status: int, summary: RequestSummary | None = None) -> bytes:
    """The JSON body for a caller.

    Args:
        body: as the engine wrote it.
        status: its HTTP status, 400 or more.
        summary: what the failed request cost, if that is known.
    """
    found = _members(body)
    kind, code = _text(found.get("type")), _text(found.get("code")) or None
    if not kind:
        kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return error_json(
        _text(found.get("message")) or f"the engine answered with HTTP status {status}",
        kind,
        _text(found.get("param")) or None,
        code,
        retryable=status in _RETRYABLE,
        charged=None if summary is None else int(summary.cost),
        fix=_FIXES.get(code or ""),
    )


def advice(status: int, summary: RequestSummary | None) -> Header:
    """``x-should-retry`` for an engine's error: not where the first try was, or may be, charged."""
    is_free = summary is not None and not summary.cost
    return b"x-should-retry", b"true" if is_free and status in _RETRYABLE else b"false"


def _members(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_ERROR:
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    inner = value.get("error", value)
    if isinstance(inner, str):
        return {"message": inner}
    if not isinstance(inner, dict):
        return {}
    if "message" not in inner and isinstance(inner.get("detail"), str):
        return {"message": inner["detail"]}
    return inner


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

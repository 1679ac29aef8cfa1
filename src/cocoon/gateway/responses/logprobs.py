"""Log probabilities of a chat in the form of the Responses API."""

import msgspec
from msgspec import Raw, Struct

from cocoon.errors import UpstreamError


class _Told(Struct):
    token: str
    logprob: float | None = None
    bytes: list[int] | None = None


class _ToldToken(_Told):
    top_logprobs: list[_Told] | None = None


class _Content(Struct):
    content: list[_ToldToken] | None = None


class Alternative(Struct):
    """A token that could have stood there."""

    token: str
    bytes: list[int]
    logprob: float


class TokenLogprob(Struct):
    """A token of the answer; 0.0 where the engine tells no probability."""

    token: str
    bytes: list[int]
    logprob: float
    top_logprobs: list[Alternative]


_decode = msgspec.json.Decoder(_Content | None).decode


def read_logprobs(raw: Raw | bytes) -> list[TokenLogprob]:
    """The tokens in a choice's ``logprobs``; none when it is ``null`` or tells nothing.

    Raises:
        UpstreamError: it is something else.
    """
    try:
        told = _decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise UpstreamError("the engine's log probabilities are not readable") from None
    tokens = told.content or () if told is not None else ()
    return [
        TokenLogprob(
            token.token,
            token.bytes or [],
            token.logprob or 0.0,
            [
                Alternative(top.token, top.bytes or [], top.logprob or 0.0)
                for top in token.top_logprobs or ()
            ],
        )
        for token in tokens
    ]

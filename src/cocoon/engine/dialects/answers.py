"""Whole answers of engines in the form that OpenAI's clients and vLLM's users know.

Only small JSON answers are rewritten (rerank, tokenize, detokenize), never a stream.
"""

from typing import Any, Final

import msgspec

from cocoon.errors import EngineError

MAX_RESTATED: Final = 16 << 20
"""Longest answer in bytes that is rewritten."""

_decode = msgspec.json.decode
_BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Ranked(msgspec.Struct):
    index: int
    score: float
    document: str | None = None
    meta_info: msgspec.Raw = msgspec.Raw(b"{}")


class _Meta(msgspec.Struct):
    prompt_tokens: Any = 0


class _Tokens(msgspec.Struct):
    tokens: list[Any]


class _Piece(msgspec.Struct):
    id: int
    piece: Any = ""


class _Text(msgspec.Struct):
    content: str | None = None
    text: str | None = None
    prompt: str | None = None


def reranked(body: bytes) -> bytes:
    """SGLang answers a list of scores; callers know ``results`` with ``relevance_score``.

    Raises:
        EngineError: it is not such a list.
    """
    try:
        items = _decode(body, type=list[_Ranked])
        metas = [_decode(item.meta_info, type=_Meta) for item in items]
    except _BAD_JSON:
        raise EngineError("the engine's rerank answer cannot be read") from None
    counts = [meta.prompt_tokens for meta in metas if type(meta.prompt_tokens) is int]
    total = sum(counts) if len(counts) == len(items) and min(counts, default=0) >= 0 else 0
    results = []
    for item in items:
        result: dict[str, Any] = {"index": item.index, "relevance_score": item.score}
        if item.document is not None:
            result["document"] = {"text": item.document}
        results.append(result)
    answer: dict[str, Any] = {"results": results}
    if total:
        answer["usage"] = {"prompt_tokens": total, "total_tokens": total}
    return msgspec.json.encode(answer)


def tokenized(body: bytes) -> bytes:
    """llama.cpp answers numbers, or numbers with pieces; callers know ``count`` as well.

    Raises:
        EngineError: it is neither.
    """
    try:
        tokens = _decode(body, type=_Tokens).tokens
        if tokens and isinstance(tokens[0], dict):
            pieces = msgspec.convert(tokens, list[_Piece])
            answer: dict[str, Any] = {"count": len(pieces), "tokens": [item.id for item in pieces]}
            answer["token_strs"] = [_piece(item.piece) for item in pieces]
        else:
            numbers = msgspec.convert(tokens, list[int])
            answer = {"count": len(numbers), "tokens": numbers}
    except _BAD_JSON:
        raise EngineError("the engine's tokenize answer cannot be read") from None
    return msgspec.json.encode(answer)


def _piece(piece: object) -> str:
    """llama.cpp writes a piece that is not UTF-8 as a list of bytes."""
    if isinstance(piece, str):
        return piece
    try:
        return bytes(msgspec.convert(piece, list[int])).decode("utf-8", "replace")
    except (msgspec.MsgspecError, ValueError):
        return ""


def detokenized(body: bytes) -> bytes:
    """llama.cpp says ``content``, SGLang ``text``, vLLM ``prompt``: callers get ``prompt``.

    Raises:
        EngineError: there is none of them.
    """
    try:
        value = _decode(body, type=_Text)
    except _BAD_JSON:
        raise EngineError("the engine's detokenize answer cannot be read") from None
    text = value.prompt if value.prompt is not None else value.content
    text = value.text if text is None else text
    if text is None:
        raise EngineError("the engine's detokenize answer has no text")
    return msgspec.json.encode({"prompt": text})

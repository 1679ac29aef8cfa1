"""What an engine could answer on every path that workers serve: made up, and it says so.

Forms are those of OpenAI and of vLLM; contents are fixed texts, or simple functions of what was
asked. The engine stand-in serves them over HTTP, and :func:`scripted` puts them behind a
:class:`~cocoon.testing.scripted_client.ScriptedClient`.
"""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any

from cocoon.client.api import ClientRequest
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedResponse

TEXT = "Hello from a stand-in."
WORDS = ("Hello ", "from ", "a ", "stand-in.")
DIMENSIONS = 8
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
"""One red pixel."""
SPEECH = b"RIFF$\x00\x00\x00WAVEfmt stand-in"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """A status, a content type, and a whole body or the data of events."""

    body: bytes = b""
    content_type: str = JSON
    events: tuple[bytes, ...] = ()
    status: int = 200

    @property
    def parts(self) -> list[bytes]:
        """The body in the pieces in which it is sent."""
        if self.events:
            return [b"data: " + event + b"\n\n" for event in self.events]
        return [self.body]


def answer(path: str, body: bytes) -> EngineAnswer:
    """The answer to a request.

    Args:
        path: such as ``/v1/embeddings``, with or without ``/v1``.
        body: JSON, or a form.
    """
    make = _PATHS.get(path.partition("?")[0].removeprefix("/v1"))
    if make is None:
        return _error(404, "a stand-in has nothing at this path")
    try:
        asked = json.loads(body)
    except ValueError:
        asked = {}
    return make(asked if isinstance(asked, dict) else {})


def scripted(request: ClientRequest) -> ScriptedResponse:
    """The same for a scripted client."""
    made = answer(request.path, request.body)
    headers = EVENT_HEADERS if made.events else (("Content-Type", made.content_type),)
    return ScriptedResponse(made.parts, status=made.status, headers=headers)


def _chat(asked: dict[str, Any]) -> EngineAnswer:
    message, reason = _message(asked)
    count = _int(asked.get("n"), 1)
    if asked.get("stream") is True:
        return _stream(asked, "chat.completion.chunk", _chat_deltas(message, reason, count))
    choices = [
        {"index": number, "message": message, "finish_reason": reason, "logprobs": None}
        for number in range(count)
    ]
    return _json({**_head(asked, "chat.completion"), "choices": choices, "usage": _usage(count)})


def _message(asked: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A text, or a call of the first function where one is demanded."""
    tools, choice = asked.get("tools"), asked.get("tool_choice")
    demanded = choice == "required" or isinstance(choice, dict)
    if demanded and isinstance(tools, list) and tools:
        function = {"name": tools[0]["function"]["name"], "arguments": "{}"}
        call = {"id": "call_standin", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    return {"role": "assistant", "content": TEXT}, "stop"


def _chat_deltas(message: dict[str, Any], reason: str, count: int) -> list[list[dict[str, Any]]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if "tool_calls" in message:
        deltas += [{"tool_calls": [{"index": 0, **call}]} for call in message["tool_calls"]]
    else:
        deltas += [{"content": word} for word in WORDS]
    found = [
        [{"index": number, "delta": delta, "finish_reason": None}]
        for delta in deltas
        for number in range(count)
    ]
    ends = [[{"index": n, "delta": {}, "finish_reason": reason}] for n in range(count)]
    return found + ends


def _completion(asked: dict[str, Any]) -> EngineAnswer:
    prompt = asked.get("prompt")
    several = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
    count = _int(asked.get("n"), 1) * (len(prompt) if several and prompt else 1)
    if asked.get("stream") is True:
        parts = [
            [{"index": number, "text": word, "finish_reason": None, "logprobs": None}]
            for word in WORDS
            for number in range(count)
        ]
        return _stream(asked, "text_completion", parts)
    choices = [
        {"index": number, "text": TEXT, "finish_reason": "stop", "logprobs": None}
        for number in range(count)
    ]
    return _json({**_head(asked, "text_completion"), "choices": choices, "usage": _usage(count)})


def _embeddings(asked: dict[str, Any]) -> EngineAnswer:
    given = asked.get("input")
    single = not isinstance(given, list) or (given and isinstance(given[0], int))
    inputs = [given] if single else given
    size = min(_int(asked.get("dimensions"), DIMENSIONS), 4096)
    data = []
    for number, item in enumerate(inputs or ()):
        vector: Any = _vector(item, size)
        if asked.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append({"object": "embedding", "index": number, "embedding": vector})
    usage = {"prompt_tokens": 4 * len(data), "total_tokens": 4 * len(data)}
    return _json({"object": "list", "data": data, "model": _model(asked), "usage": usage})


def _vector(item: object, size: int) -> list[float]:
    seed = hashlib.sha256(repr(item).encode()).digest()
    return [(seed[n % 32] - 128) / 128 for n in range(size)]


def _rerank(asked: dict[str, Any]) -> EngineAnswer:
    documents = asked.get("documents") or []
    results = [
        {"index": number, "relevance_score": round(1 / (number + 1), 4)}
        for number in range(len(documents))
    ]
    top = _int(asked.get("top_n"), len(results))
    return _json(
        {
            "id": "rerank-standin",
            "model": _model(asked),
            "results": results[:top],
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }
    )


def _moderation(asked: dict[str, Any]) -> EngineAnswer:
    given = asked.get("input")
    count = len(given) if isinstance(given, list) else 1
    one = {"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0}}
    return _json({"id": "modr-standin", "model": _model(asked), "results": [one] * count})


def _tokenize(asked: dict[str, Any]) -> EngineAnswer:
    tokens = list(str(asked.get("prompt", "")).encode()[:4096]) or [1]
    return _json({"tokens": tokens, "count": len(tokens), "max_model_len": 4096})


def _detokenize(asked: dict[str, Any]) -> EngineAnswer:
    tokens = [token for token in asked.get("tokens") or [] if isinstance(token, int)]
    return _json({"prompt": bytes(token % 256 for token in tokens).decode("latin-1")})


def _images(asked: dict[str, Any]) -> EngineAnswer:
    picture = {"b64_json": base64.b64encode(PNG).decode()}
    data = [picture] * min(_int(asked.get("n"), 1), 10)
    return _json({"created": 1, "data": data, "usage": {"total_tokens": 100}})


def _transcript(_asked: dict[str, Any]) -> EngineAnswer:
    return _json({"text": TEXT, "usage": {"type": "duration", "seconds": 1}})


def _speech(_asked: dict[str, Any]) -> EngineAnswer:
    return EngineAnswer(SPEECH, "audio/wav")


_PATHS = {
    "/chat/completions": _chat,
    "/completions": _completion,
    "/embeddings": _embeddings,
    "/rerank": _rerank,
    "/moderations": _moderation,
    "/tokenize": _tokenize,
    "/detokenize": _detokenize,
    "/images/generations": _images,
    "/audio/transcriptions": _transcript,
    "/audio/translations": _transcript,
    "/audio/speech": _speech,
}


def _stream(asked: dict[str, Any], kind: str, parts: list[list[dict[str, Any]]]) -> EngineAnswer:
    head = _head(asked, kind)
    events = [_encode({**head, "choices": choices}) for choices in parts]
    events.append(_encode({**head, "choices": [], "usage": _usage(1)}))
    return EngineAnswer(events=(*events, b"[DONE]"))


def _head(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "standin-1", "object": kind, "created": 1, "model": _model(asked)}


def _model(asked: dict[str, Any]) -> str:
    return str(asked.get("model", "stand-in"))


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 8, "completion_tokens": 4 * count, "total_tokens": 8 + 4 * count}


def _int(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _error(status: int, text: str) -> EngineAnswer:
    body = {"error": {"message": text, "type": "invalid_request_error", "param": None}}
    return EngineAnswer(_encode({**body}), status=status)


def _json(value: dict[str, Any]) -> EngineAnswer:
    return EngineAnswer(_encode(value))


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()

"""Answers of the embedded engine's llama.cpp in OpenAI's form: joined, counted, translated.

Each request of a `Plan` has one answer of llama.cpp. Their choices become those of one answer, the
usage is summed, log probabilities of completions get the older form, and text becomes tool calls
where the plan says so. It decodes every event, which a demonstration model's 50 tokens a second
allow.
"""

import secrets
from typing import Any, Final

import msgspec

from cocoon.engine.enforcement import CallArguments, CallEvent, CallReader, CallStarted
from cocoon.engine.llama_requests import Plan
from cocoon.errors import EngineError

Json = dict[str, Any]

FINGERPRINT: Final = "llama.cpp"
DONE: Final = b"data: [DONE]\n\n"

_BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(Json).decode


def read_json(body: bytes) -> Json:
    """An answer or event of llama.cpp.

    Raises:
        EngineError: it is not a JSON object.
    """
    try:
        return _decode(body)
    except _BAD_JSON:
        raise EngineError("the engine's answer cannot be read") from None


class Usage:
    """Tokens over all answers of a plan: each prompt once, however many answers it has."""

    def __init__(self, plan: Plan) -> None:
        self._each = len(plan.bodies) // plan.prompts
        self.prompt = self.completion = 0

    def add(self, index: int, usage: Any) -> None:
        """Count one answer's usage."""
        if not isinstance(usage, dict):
            return
        if index % self._each == 0:
            self.prompt += _count(usage, "prompt_tokens")
        self.completion += _count(usage, "completion_tokens")

    def block(self) -> Json:
        """As OpenAI writes it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": 0},
        }


def _count(usage: Json, name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and value >= 0 else 0


class _Choice:
    """One answer of several, as it comes in."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.index = index
        self._plan = plan
        self._reader = None if plan.tools is None else CallReader(plan.tools)
        self._echo = plan.echo[index]
        self._offset = 0

    # --- whole ---

    def whole(self, choice: Json) -> Json:
        """A choice of a whole answer."""
        choice = {**choice, "index": self.index}
        if not self._plan.is_chat:
            text = self._echo + _text(choice.get("text"))
            return {**choice, "text": text, "logprobs": self._older(choice.get("logprobs"))}
        message = dict(choice.get("message") or {})
        message.setdefault("refusal", None)
        choice["message"] = message
        choice["logprobs"] = self._chat_logprobs(choice.get("logprobs"))
        if self._reader is not None:
            self._call(message, choice)
        return choice

    def _call(self, message: Json, choice: Json) -> None:
        assert self._reader is not None
        events = self._reader.feed(_text(message.get("content"))) + self._reader.end()
        calls: list[Json] = []
        for event in events:
            if isinstance(event, CallStarted):
                calls.append(_call(event.name, ""))
            elif isinstance(event, CallArguments):
                calls[event.index]["function"]["arguments"] += event.text
        if calls:
            message.update(content=None, tool_calls=calls)
            if choice.get("finish_reason") == "stop":
                choice["finish_reason"] = "tool_calls"

    # --- stream ---

    def parts(self, choice: Json) -> list[Json]:
        """Choices to send for a choice of an event."""
        choice = {**choice, "index": self.index}
        if not self._plan.is_chat:
            text = self._echo + _text(choice.get("text"))
            self._echo = ""
            return [{**choice, "text": text, "logprobs": self._older(choice.get("logprobs"))}]
        choice["logprobs"] = self._chat_logprobs(choice.get("logprobs"))
        if self._reader is None:
            return [choice]
        return self._called(choice, self._reader)

    def _called(self, choice: Json, reader: CallReader) -> list[Json]:
        delta = dict(choice.get("delta") or {})
        text = _text(delta.pop("content", None))
        ends = choice.get("finish_reason") is not None
        events = reader.feed(text) + (reader.end() if ends else [])
        out = [{**choice, "delta": _delta(event), "finish_reason": None} for event in events]
        if "role" in delta:
            out.insert(0, {**choice, "delta": delta | {"content": None}, "finish_reason": None})
        if ends:
            called = reader.calls and choice["finish_reason"] == "stop"
            reason = "tool_calls" if called else choice["finish_reason"]
            out.append({**choice, "delta": {}, "finish_reason": reason})
        return out

    # --- log probabilities ---

    def _chat_logprobs(self, value: Any) -> Json | None:
        most = self._plan.logprobs
        items = _items(value)
        if most is None or not items:
            return None
        return {"content": [_trimmed(item, most) for item in items], "refusal": None}

    def _older(self, value: Any) -> Json | None:
        """The form of completions: parallel lists."""
        most = self._plan.logprobs
        items = _items(value)
        if most is None or not items:
            return None
        tokens = [_text(item.get("token")) for item in items]
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token)
        tops = [_items({"content": item.get("top_logprobs")})[:most] for item in items]
        return {
            "tokens": tokens,
            "token_logprobs": [item.get("logprob") for item in items],
            "top_logprobs": [
                {_text(top.get("token")): top.get("logprob") for top in top_list}
                for top_list in tops
            ],
            "text_offset": offsets,
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _items(value: Any) -> list[Json]:
    content = value.get("content") if isinstance(value, dict) else None
    return [item for item in content if isinstance(item, dict)] if content else []


def _trimmed(item: Json, most: int) -> Json:
    kept = {name: item.get(name) for name in ("token", "bytes", "logprob")}
    tops = _items({"content": item.get("top_logprobs")})[:most]
    kept["top_logprobs"] = [
        {name: top.get(name) for name in ("token", "bytes", "logprob")} for top in tops
    ]
    return kept


def _call(name: str, arguments: str) -> Json:
    identity = f"call_{secrets.token_hex(12)}"
    function = {"name": name, "arguments": arguments}
    return {"id": identity, "type": "function", "function": function}


def _delta(event: CallEvent) -> Json:
    if isinstance(event, str):
        return {"content": event}
    if isinstance(event, CallStarted):
        return {"tool_calls": [{"index": event.index, **_call(event.name, "")}]}
    return {"tool_calls": [{"index": event.index, "function": {"arguments": event.text}}]}


def joined(plan: Plan, answers: list[bytes]) -> bytes:
    """One answer of the whole answers of a plan.

    Raises:
        EngineError: llama.cpp answered nonsense.
    """
    usage = Usage(plan)
    choices = []
    head: Json = {}
    for index, body in enumerate(answers):
        answer = read_json(body)
        head = head or answer
        usage.add(index, answer.get("usage"))
        found = answer.get("choices")
        if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
            raise EngineError("the engine's answer has no choice")
        choices.append(_Choice(plan, index).whole(found[0]))
    out = {**_head(plan, head), "choices": choices, "usage": usage.block()}
    return msgspec.json.encode(out)


def _head(plan: Plan, answer: Json) -> Json:
    prefix = "chatcmpl" if plan.is_chat else "cmpl"
    identity = _text(answer.get("id")).rpartition("-")[2]
    head = {name: answer.get(name) for name in ("object", "created", "model")}
    return {"id": f"{prefix}-{identity}", **head, "system_fingerprint": FINGERPRINT}


class EventJoiner:
    """Joins the events of a plan's streams to those of one stream.

    Args:
        plan: of the request.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._usage = Usage(plan)
        self._choices = [_Choice(plan, index) for index in range(len(plan.bodies))]
        self._head: Json = {}

    def event(self, index: int, data: bytes) -> bytes:
        """Translate one event of one stream; may give none or several.

        Raises:
            EngineError: it is nonsense, or an error.
        """
        if data == b"[DONE]":
            return b""
        chunk = read_json(data)
        if "error" in chunk:
            raise EngineError("the embedded engine broke off")
        self._head = self._head or _head(self._plan, chunk)
        self._usage.add(index, chunk.get("usage"))
        out = []
        for choice in chunk.get("choices") or ():
            if isinstance(choice, dict):
                out += [self._write([part]) for part in self._choices[index].parts(choice)]
        return b"".join(out)

    def end(self) -> bytes:
        """What ends the joined stream."""
        usage = self._write([], usage=self._usage.block()) if self._plan.usage else b""
        return usage + DONE

    def _write(self, choices: list[Json], **more: Any) -> bytes:
        return b"data: %s\n\n" % msgspec.json.encode({**self._head, "choices": choices, **more})


def error_body(body: bytes, path: str) -> tuple[int, bytes]:
    """An error of llama.cpp in OpenAI's form. Returns its status and body."""
    try:
        error = _decode(body).get("error")
    except _BAD_JSON:
        error = None
    error = error if isinstance(error, dict) else {}
    text = _text(error.get("message"))
    if error.get("type") == "exceed_context_size_error":
        param = {"/v1/chat/completions": "messages", "/v1/completions": "prompt"}.get(path)
        return 400, _error(text, param, "context_length_exceeded")
    if "too large to process" in text:
        return 400, _error("the input is longer than this model takes", "input", "too_long")
    if "grammar" in text or "schema" in text.lower():
        return 400, _error("the engine cannot enforce this schema", "response_format", None)
    if error.get("type") in ("invalid_request_error", "not_supported_error"):
        return 400, _error(text, None, None)
    return 500, _error(text or "the embedded engine failed", None, None, "server_error")


def _error(text: str, param: str | None, code: str | None, kind: str = "") -> bytes:
    error = {"message": text, "type": kind or "invalid_request_error", "param": param, "code": code}
    return msgspec.json.encode({"error": error})

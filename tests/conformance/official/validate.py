"""What an official worker accepts as a request (wire-protocol.md §5.4)."""

import json
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


class RefusedBodyError(Exception):
    """Error 621 with this text."""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _integer(least: int | None) -> Check:
    def check(value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and (least is None or value >= least)

    return check


def _is(*kinds: type) -> Check:
    return lambda value: isinstance(value, kinds)


def _anything(_: Any) -> bool:
    return True


def _within_two(value: Any) -> bool:
    return _number(value) and -2 <= value <= 2


def _only(*names: str) -> Check:
    def check(value: Any) -> bool:
        known = isinstance(value, dict) and set(value) <= set(names)
        return known and all(isinstance(item, bool) for item in value.values())

    return check


BOTH: dict[str, Check] = {
    "model": _is(str),
    "frequency_penalty": _within_two,
    "presence_penalty": _number,
    "temperature": _number,
    "top_p": _number,
    "max_tokens": _integer(0),
    "n": _integer(1),
    "stop": _anything,
    "stream": _is(bool),
    "stream_options": _only("include_usage", "include_obfuscation"),
}
CHAT: dict[str, Check] = {
    **BOTH,
    "messages": _is(list),
    "max_completion_tokens": _integer(0),
    "parallel_tool_calls": _is(bool),
    "prediction": _number,
    "reasoning_effort": _is(str),
    "verbosity": _is(str),
    "response_format": _anything,
    "top_logprobs": _integer(0),
    "chat_template_kwargs": _only("enable_thinking"),
}
COMPLETIONS: dict[str, Check] = {
    **BOTH,
    "prompt": _is(str, list),
    "best_of": _integer(0),
    "echo": _is(bool),
    "skip_special_tokens": _is(bool),
    "seed": _integer(None),
    "suffix": _is(bool),
}
PATHS = {"/v1/chat/completions": (CHAT, "messages"), "/v1/completions": (COMPLETIONS, "prompt")}


def validate(url: str, payload: bytes, base_model: str) -> bytes:
    """The rewritten body; keys are sorted."""
    if url[url.find("/") :] not in PATHS:
        raise RefusedBodyError("unsupported method")
    allowed, required = PATHS[url[url.find("/") :]]
    try:
        body = json.loads(payload)
    except ValueError:
        raise RefusedBodyError("not JSON") from None
    if not isinstance(body, dict):
        raise RefusedBodyError("not an object")
    for name in ("model", required):
        if name not in body:
            raise RefusedBodyError(f"{name} is missing")
    for name, value in body.items():
        if name not in allowed:
            raise RefusedBodyError(f"unknown option '{name}' in request")
        if not allowed[name](value):
            raise RefusedBodyError(f"option '{name}' is wrong")
    if body["model"] != base_model:
        raise RefusedBodyError("model mismatch")
    if "stream_options" in body:
        body["stream_options"]["include_usage"] = True
        body.setdefault("stream", True)
    elif body.get("stream"):
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body, sort_keys=True).encode()

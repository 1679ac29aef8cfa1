"""What the embedded engine's llama.cpp is asked, made of an OpenAI request.

Several answers (``n``, several prompts) are several requests: llama.cpp counts the tokens of only
one of them in ``usage``. Every request asks for a token limit, never for a prompt cache.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cocoon.engine.enforcement import ToolPlan, flat, plan_tools
from cocoon.errors import BadRequestError

CHAT_PATH: Final = "/v1/chat/completions"
COMPLETIONS_PATH: Final = "/v1/completions"
MAX_ANSWERS: Final = 64
"""Answers in one request: ``n`` times the prompts."""
SEED_MASK: Final = 0x7FFFFFFF
"""llama.cpp takes 32 bits, and all of them set, or a negative number, for a random seed."""

Body = dict[str, Any]

_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one request is run.

    Attributes:
        path: of the requests.
        bodies: one for each answer, in the order of their index.
        prompts: answers with different prompts; those of one prompt share its tokens in the usage.
        stream: whether the caller wants a stream.
        usage: whether the stream ends with a usage chunk.
        tools: how calls are read, or None.
        echo: what each answer begins with.
        logprobs: how many alternatives the caller wants for each token; None: no probabilities.
    """

    path: str
    bodies: tuple[bytes, ...]
    prompts: int
    stream: bool
    usage: bool
    tools: ToolPlan | None
    echo: tuple[str, ...]
    logprobs: int | None

    @property
    def is_chat(self) -> bool:
        """Whether it is chat."""
        return self.path == CHAT_PATH


def plan(path: str, raw: bytes, context: int) -> Plan:
    """Plan a request for chat or completions.

    Args:
        path: one of the two.
        raw: its body, checked.
        context: tokens that an answer may have where the caller sets no limit.

    Raises:
        BadRequestError: llama.cpp cannot do what is asked.
    """
    body = _read(raw)
    stream = body.get("stream") is True
    usage = bool((body.pop("stream_options", None) or {}).get("include_usage"))
    if stream:
        body["stream_options"] = {"include_usage": True}
    tools = _chat(body) if path == CHAT_PATH else None
    logprobs = _logprobs(path, body)
    prompts: list[Any] = [None] if path == CHAT_PATH else _prompts(body.get("prompt"))
    echo = _echo(body, prompts, logprobs)
    choices = int(body.pop("n", None) or 1)
    if choices * len(prompts) > MAX_ANSWERS:
        raise BadRequestError(f"field 'n' must ask for at most {MAX_ANSWERS} answers in all")
    body["cache_prompt"] = False
    if "max_tokens" not in body and "max_completion_tokens" not in body:
        body["max_tokens"] = context
    bodies: list[bytes] = []
    for prompt in prompts:
        for _ in range(choices):
            bodies.append(_encoded(body, prompt, len(bodies)))
    return Plan(
        path,
        tuple(bodies),
        len(prompts),
        stream,
        usage,
        tools,
        tuple(text for text in echo for _ in range(choices)),
        logprobs,
    )


def _read(raw: bytes) -> Body:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (*_BAD_JSON, msgspec.ValidationError):
        raise BadRequestError("the request body is not a JSON object") from None


def _encoded(body: Body, prompt: Any, at: int) -> bytes:
    own = dict(body)
    if prompt is not None:
        own["prompt"] = prompt
    seed = body.get("seed")
    if seed is not None:
        own["seed"] = (int(seed) + at) & SEED_MASK  # the answers of one request differ
    return msgspec.json.encode(own)


def _chat(body: Body) -> ToolPlan | None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        raise BadRequestError("field 'messages' must be an array of messages")
    for at, message in enumerate(messages):
        content = message.get("content")
        parts = content if isinstance(content, list) else ()
        if any(part.get("type") not in ("text", "refusal") for part in parts):
            where = f"messages[{at}].content"
            raise BadRequestError(f"field '{where}' must be text: this model takes nothing else")
        if parts:
            message["content"] = flat(content)
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema" and "schema" not in form.get("json_schema", {}):
        body["response_format"] = {"type": "json_object"}
    return plan_tools(body)


def _logprobs(path: str, body: Body) -> int | None:
    """llama.cpp gives probabilities only with at least one alternative; it is removed again."""
    asked, most = body.pop("logprobs", None), body.pop("top_logprobs", None)
    if asked is None or asked is False:
        return None
    if path == CHAT_PATH:
        wanted = int(most or 0)
        body["top_logprobs"] = max(1, wanted)
        body["logprobs"] = True
    else:
        wanted = int(asked)
        body["logprobs"] = max(1, wanted)
    return wanted


def _prompts(prompt: Any) -> list[Any]:
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return prompt
    return [prompt]


def _echo(body: Body, prompts: list[Any], logprobs: int | None) -> list[str]:
    if body.pop("echo", None) is not True:
        return [""] * len(prompts)
    if logprobs is not None:
        raise BadRequestError("field 'echo' must be false where logprobs are asked for")
    if not all(isinstance(prompt, str) for prompt in prompts):
        raise BadRequestError("field 'echo' must be false for prompts of token numbers")
    return list(prompts)

"""``/v1/messages/count_tokens``: counted by a worker that can, else an estimate that says so."""

from typing import Any

import msgspec
from msgspec.structs import replace

from cocoon import errors
from cocoon.client.api import RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.answers.usage_block import cocoon_block
from cocoon.gateway.exchange import Exchange
from cocoon.gateway.gate import Caller
from cocoon.gateway.inference import InferenceHandler
from cocoon.gateway.messages.errors import ANTHROPIC, error_event
from cocoon.gateway.messages.request import Translated, read_prompt
from cocoon.gateway.operations import Operation
from cocoon.gateway.reading.body import read_chat
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.settings import GatewaySettings
from cocoon.wire import features

COUNT_PATH = "/v1/messages/count_tokens"
TOKENIZE_PATH = "/tokenize"
MAX_COUNT = 2**40

BYTES_A_TOKEN = 4
TOKENS_A_MESSAGE = 4
TOKENS_AN_IMAGE = 1600
"""What an estimate reckons with: UTF-8 bytes of text and schemas, and fixed sums for the rest."""

_TAKEN = ("model", "messages", "tools", "chat_template_kwargs")
_CANNOT = (
    errors.UnsupportedError,
    errors.OverloadedError,
    errors.UnavailableError,
    errors.UpstreamError,
    errors.EngineError,
)
"""Failures after which the answer is an estimate."""

_encoder = msgspec.json.Encoder()


class _Counted(msgspec.Struct):
    count: int | None = None
    tokens: list[int] | None = None


_counted = msgspec.json.Decoder(_Counted)


class CountShape:
    """Makes Anthropic's answer of an engine's ``/tokenize``; it is never streamed."""

    __slots__ = ()

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The count.

        Raises:
            UpstreamError: the worker could not count.
        """
        try:
            told = _counted.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise UpstreamError("the engine's answer is no count of tokens") from None
        count = len(told.tokens or ()) if told.count is None else told.count
        if status >= 400 or not 0 < count <= MAX_COUNT:
            raise UpstreamError("the engine could not count the tokens")
        block = b"" if summary is None else b"," + cocoon_block(summary)[1:-1]
        return b'{"input_tokens":%d,"cocoon":{"estimated":false%b}}' % (count, block)

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def feed(self, data: bytes) -> bytes:  # noqa: ARG002
        """Nothing should come."""
        raise UpstreamError("the engine answered a count with a stream")

    def finish(self, summary: RequestSummary | None) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""

    def fail(self, error: BaseException) -> bytes:
        """Anthropic's error event."""
        return error_event(error)


async def count_tokens(exchange: Exchange, caller: Caller, inference: InferenceHandler) -> None:
    """Answer one call.

    The request goes to a worker that declares ``tokenize``, which costs its price for the prompt.
    Where none does, or it fails, the answer is an estimate with ``"cocoon":{"estimated":true}``.

    Raises:
        CocoonError: the call is wrong, the caller may not, or the model is unknown.
    """
    estimates: list[int] = []

    def read(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
        prompt = read_prompt(incoming, settings)
        call = read_count(incoming, prompt, settings)
        estimates.append(estimate(prompt.chat))
        return call

    try:
        await inference.handle(exchange, Operation(COUNT_PATH, read, ANTHROPIC), caller)
    except _CANNOT:
        if not estimates or exchange.status is not None:
            raise
        await exchange.reply(200, b'{"input_tokens":%d,"cocoon":{"estimated":true}}' % estimates[0])


def read_count(incoming: Incoming, prompt: Translated, settings: GatewaySettings) -> InferenceCall:
    """The call of ``/tokenize`` for a prompt.

    Raises:
        Refusal: 400.
    """
    chat = {**prompt.chat, "max_tokens": 1}
    call = read_chat(incoming.with_body(_encoder.encode(chat)), settings)
    body: dict[str, Any] = {name: chat[name] for name in _TAKEN if name in chat}
    body["add_generation_prompt"] = True
    request = replace(
        call.request,
        path=TOKENIZE_PATH,
        body=_encoder.encode(body),
        max_tokens=0,
        requires=(features.TOKENIZE,),
    )
    return msgspec.structs.replace(call, request=request, shape=CountShape(), stream=False)


def estimate(chat: dict[str, Any]) -> int:
    """Tokens of a chat completion's prompt, roughly: no tokenizer is asked."""
    messages = chat["messages"]
    size = images = 0
    for message in messages:
        for call in message.get("tool_calls", ()):
            size += len(_encoder.encode(call["function"]))
        content = message.get("content") or ""
        for part in [content] if isinstance(content, str) else content:
            if isinstance(part, str):
                size += len(part.encode(errors="replace"))
            elif part["type"] == "text":
                size += len(part["text"].encode(errors="replace"))
            else:
                images += 1
    if "tools" in chat:
        size += len(_encoder.encode(chat["tools"]))
    texts = -(-size // BYTES_A_TOKEN)
    return texts + TOKENS_A_MESSAGE * len(messages) + TOKENS_AN_IMAGE * images

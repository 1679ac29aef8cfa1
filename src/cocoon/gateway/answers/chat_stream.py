"""Reading a stream of chat completion chunks: bytes in any split, typed events out.

The APIs that are translated (Anthropic's messages, OpenAI's responses) share this reader. It takes
what vLLM, SGLang, llama.cpp and Ollama write: ``reasoning_content`` or ``reasoning``, tool calls
with or without ``index`` and ``id``, usage in a chunk of its own or in the last one, an error as
an object among the chunks. Only the first choice is read: translated APIs know no others.
"""

import msgspec
from msgspec import Raw, Struct

from cocoon.errors import UpstreamError
from cocoon.gateway.answers.chat_tool_calls import ToolCallDelta, ToolCalls, ToolPiece

MAX_EVENT = 2**20
"""Longest event in bytes: a chunk is some hundred, one with a whole tool call some thousand."""
MAX_COUNT = 2**40
"""Larger token counts are nonsense."""
MAX_TEXT = 500
"""Longest text of an engine's error that is read, in characters."""

_DATA = b"data:"
_DONE = b"[DONE]"


class TextDelta(Struct, frozen=True, gc=False):
    """More of the answer; never empty."""

    text: str


class ReasoningDelta(Struct, frozen=True, gc=False):
    """More of what the model thought; never empty."""

    text: str


class RefusalDelta(Struct, frozen=True, gc=False):
    """More of the reason why the model does not answer; never empty."""

    text: str


class Finish(Struct, frozen=True, gc=False):
    """The model stopped.

    Attributes:
        reason: the engine's ``finish_reason``, such as ``stop``, ``length``, ``tool_calls``,
            ``content_filter``, ``abort``; an engine may have others.
        stop: the stop sequence that was met, where the engine tells (vLLM and SGLang do).
    """

    reason: str
    stop: str | None = None


class Usage(Struct, frozen=True, gc=False):
    """Tokens so far; the last one counts.

    Attributes:
        prompt: all of the prompt's, ``cached`` among them.
        completion: all of the answer's, ``reasoning`` among them.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0


class EngineFailure(Struct, frozen=True, gc=False):
    """The engine broke off; nothing follows.

    Attributes:
        message: its own text, at most ``MAX_TEXT`` characters, or empty. It may quote the prompt:
            for the caller only, never for a log.
        status: the HTTP status that it names, from 400 to 599, else 500.
    """

    message: str
    status: int = 500


class Logprobs(Struct, frozen=True, gc=False):
    """Log probabilities of the text that comes next; only from a reader that is asked for them.

    Attributes:
        raw: JSON text of the choice's ``logprobs``, which nobody has looked at.
    """

    raw: bytes


ChatEvent = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | Finish
    | Usage
    | EngineFailure
    | Logprobs
)


class PromptDetails(Struct):
    """``prompt_tokens_details``."""

    cached_tokens: int | None = None


class CompletionDetails(Struct):
    """``completion_tokens_details``."""

    reasoning_tokens: int | None = None


class UsageMember(Struct):
    """``usage`` of a chunk or of a whole answer, as engines write it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    def counted(self) -> Usage:
        """The same as an event.

        Raises:
            UpstreamError: a count that is none.
        """
        details = self.prompt_tokens_details
        cached = details.cached_tokens if details is not None else 0
        thought = self.reasoning_tokens
        if self.completion_tokens_details is not None:
            thought = self.completion_tokens_details.reasoning_tokens or thought
        counts = (self.prompt_tokens or 0, self.completion_tokens or 0, cached or 0, thought or 0)
        for count in counts:
            if not 0 <= count <= MAX_COUNT:
                raise UpstreamError("the engine reports impossible token counts")
        prompt, completion, cached, thought = counts
        return Usage(prompt, completion, min(cached, prompt), min(thought, completion))


class _Delta(Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolPiece] | None = None


class _Choice(Struct):
    index: int | None = 0
    delta: _Delta | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    matched_stop: str | int | None = None
    logprobs: Raw = Raw()


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: UsageMember | None = None
    object: str | None = None
    error: Raw = Raw()


class _Failure(Struct):
    message: Raw = Raw()
    code: Raw = Raw()


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_failure = msgspec.json.Decoder(_Failure).decode
_decode_text = msgspec.json.Decoder(str).decode
_JSON_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)


class ChatReader:
    """Turns the bytes of one chat stream into events.

    After an :class:`EngineFailure` or the closing ``[DONE]`` nothing more comes out.

    Args:
        logprobs: tell log probabilities too.

    Attributes:
        ended: whether ``[DONE]`` or an engine's failure was read.
    """

    __slots__ = ("_calls", "_late", "_logprobs", "_parts", "_size", "ended")

    def __init__(self, *, logprobs: bool = False) -> None:
        self._logprobs = logprobs
        self._calls = ToolCalls()
        self._parts: list[bytes] = []
        self._size = 0
        self._late = b""
        self.ended = False

    def feed(self, data: bytes) -> list[ChatEvent]:
        """Events that became whole, in the order of the stream.

        Raises:
            UpstreamError: what is read is no stream of chunks, or beyond a limit.
        """
        events: list[ChatEvent] = []
        if data and not self.ended:
            for event in self._whole(data):
                self._read(event, events)
        return events

    def finish(self) -> list[ChatEvent]:
        """Events of what is left when the stream has ended, without a last blank line.

        Raises:
            UpstreamError: as :meth:`feed`; or a tool call never got a name.
        """
        events: list[ChatEvent] = []
        rest = b"".join(self._parts)
        self._parts.clear()
        if rest and not self.ended:
            self._read(rest, events)
        self._calls.check_named()
        return events

    def _whole(self, data: bytes) -> list[bytes]:
        """Events that end in ``data``, their line ends a single LF; the rest is kept."""
        if not self._late and not self._parts and data.endswith(b"\n\n") and b"\r" not in data:
            return _checked(data.split(b"\n\n"))  # by far the usual case
        data = self._late + data
        # A CR at the end may be half of a CRLF.
        self._late = b"\r" if data.endswith(b"\r") else b""
        data = _unix(data.removesuffix(self._late))
        if not data:
            return []
        crossed = self._parts and self._parts[-1].endswith(b"\n") and data.startswith(b"\n")
        self._parts.append(data)
        self._size += len(data)
        # Joined only where an event ends, or bytes that drip in would cost their square.
        if not crossed and b"\n\n" not in data:
            if self._size > MAX_EVENT:
                raise _too_long()
            return []
        *events, rest = _checked(b"".join(self._parts).split(b"\n\n"))
        self._parts = [rest] if rest else []
        self._size = len(rest)
        return events

    def _read(self, event: bytes, events: list[ChatEvent]) -> None:
        """Append what one event says."""
        data = event[6:] if event.startswith(b"data: ") and b"\n" not in event else _data_of(event)
        if not data or self.ended:
            return
        if data.startswith(_DONE):
            self.ended = True
            return
        try:
            chunk = _decode_chunk(data)
        except _JSON_ERRORS:
            raise UpstreamError("the engine's stream holds something that is no chunk") from None
        if chunk.error or chunk.object == "error":
            error = bytes(chunk.error) or data
            if error != b"null":
                self.ended = True
                events.append(read_failure(error))
                return
        for choice in chunk.choices or ():
            if not choice.index:
                self._read_choice(choice, events)
        if chunk.usage is not None:
            events.append(chunk.usage.counted())

    def _read_choice(self, choice: _Choice, events: list[ChatEvent]) -> None:
        delta = choice.delta
        if self._logprobs and choice.logprobs and bytes(choice.logprobs) != b"null":
            events.append(Logprobs(bytes(choice.logprobs)))
        if delta is not None:
            thought = delta.reasoning_content or delta.reasoning
            if thought:
                events.append(ReasoningDelta(thought))
            if delta.content:
                events.append(TextDelta(delta.content))
            if delta.refusal:
                events.append(RefusalDelta(delta.refusal))
            for piece in delta.tool_calls or ():
                events.extend(self._calls.add(piece))
        if choice.finish_reason:
            events.append(Finish(choice.finish_reason, stop_of(choice)))


class Stopped(Struct):
    """What engines say about a stop, beside ``finish_reason``."""

    stop_reason: str | int | None = None
    matched_stop: str | int | None = None


def stop_of(choice: _Choice | Stopped) -> str | None:
    """The stop sequence that was met: vLLM's ``stop_reason``, SGLang's ``matched_stop``.

    Both are a token's number where the model itself came to an end.
    """
    for told in (choice.stop_reason, choice.matched_stop):
        if isinstance(told, str) and told:
            return told
    return None


def read_failure(error: bytes) -> EngineFailure:
    """An engine's error object, or the string that Ollama and llama.cpp may write instead."""
    try:
        failure = _decode_failure(error)
    except _JSON_ERRORS:
        return EngineFailure(_text(error))
    code = bytes(failure.code)
    status = int(code) if code.isdigit() and len(code) == 3 else 500
    return EngineFailure(_text(bytes(failure.message)), status if 400 <= status < 600 else 500)


def _text(raw: bytes) -> str:
    try:
        return _decode_text(raw)[:MAX_TEXT]
    except _JSON_ERRORS:
        return ""


def _unix(data: bytes) -> bytes:
    """``data`` with line ends that are a single LF."""
    if b"\r" not in data:
        return data
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data_of(event: bytes) -> bytes:
    """The joined ``data`` lines of an event; llama.cpp has written ``error:`` lines as well."""
    lines = []
    for line in event.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            lines.append(value)
        elif name == b"error":
            lines.append(b'{"error":' + value + b"}")
    return b"\n".join(lines)


def _checked(events: list[bytes]) -> list[bytes]:
    if len(max(events, key=len)) > MAX_EVENT:
        raise _too_long()
    return events


def _too_long() -> UpstreamError:
    return UpstreamError(f"an event of the engine is longer than {MAX_EVENT} bytes")

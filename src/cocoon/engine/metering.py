"""Count the tokens of an answer while it passes through (``wire-protocol.md`` §6.1).

The engine's own ``usage`` is what counts. It is read from a JSON answer, from JSON lines and from
server-sent events, wherever it stands in them; the bytes themselves go on at once and unchanged.

**Reported usage.** Prompt = ``usage.prompt_tokens``, cached =
``usage.prompt_tokens_details.cached_tokens``, completion = ``usage.completion_tokens``, reasoning =
``usage.completion_tokens_details.reasoning_tokens`` or ``usage.reasoning_tokens`` (SGLang). Only
integers from 0 to `MAX_TOKENS` count, anything else is as if absent. Of several values the largest
counts. Cached never exceeds prompt and reasoning never exceeds completion. ``input_tokens`` and
``output_tokens`` (audio, images) are the same as prompt and completion. Completion that is missing
beside a prompt is what ``total_tokens`` has more: embeddings and rerank generate nothing. Without
``usage``, llama.cpp's ``timings`` count (``cache_n`` + ``prompt_n``, ``predicted_n``), and of
tokenize its ``count`` as prompt.

**Estimated usage.** A successful answer without prompt or completion count gets the missing one by
this rule, and is marked ``estimated``:

* completion, stream: one token an event; ``[DONE]`` and error events do not count;
* completion, JSON: a quarter of the bytes of ``choices[].message`` or ``choices[].text``, of the
  whole body if it is not of that shape, rounded up;
* completion never exceeds the request's token limit, if that is known;
* prompt: a quarter of the bytes of the request body, rounded up;
* an answer about audio that reports seconds only: `TOKENS_PER_SECOND` of prompt for each begun one;
* cached and reasoning: 0.

A stream that is given up before its end is estimated by the same rule from what has passed: events
that were sent were generated, so nobody pays for tokens that an engine had yet to make.

**No usage.** An answer with an error status, with an empty body, or that consists of errors only
costs nothing.
"""

import io
import re
from collections.abc import Callable
from typing import Any

import msgspec

from cocoon.engine.sse import SseCutter, event_data, split_events

#: Largest token count that is believed; ten times the longest context of any model today.
MAX_TOKENS = 100_000_000
#: Longest audio in seconds that is believed.
MAX_SECONDS = 86_400
#: Longest answer outside a stream, in bytes, that is searched for usage.
MAX_JSON_SIZE = 16 << 20
BYTES_PER_TOKEN = 4
#: Prompt tokens for a second of audio whose tokens are not reported: what Whisper's encoder makes.
TOKENS_PER_SECOND = 50

# Every key that counts ends so, and a string in JSON cannot contain an unescaped quote, so text
# of a model hits this only by accident and then costs one useless parse.
_NEEDLE = b'_tokens"'
_TIMINGS = b'"predicted_n"'
_DONE = b"data: [DONE]\n"
_ERROR = re.compile(rb'^data: ?\{"error"', re.MULTILINE)
_CR = re.compile(rb"\r\n?")
_STREAM_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":", b"\xef\xbb\xbf")
_SNIFF_SIZE = 64


class MeteredUsage(msgspec.Struct, frozen=True):
    """Raw token counts of one answer, before any price.

    Attributes:
        prompt: tokens of the prompt, cached ones included.
        cached: those of them that the engine found in its cache.
        completion: generated tokens, reasoning included.
        reasoning: those of them that were reasoning.
        estimated: the engine did not report prompt or completion; our written rule did.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    estimated: bool = False


class UsageCost(msgspec.Struct, frozen=True):
    """What official workers add to ``usage``, in nanoTON (``wire-protocol.md`` §6.1)."""

    prompt_total_cost: int
    completion_total_cost: int
    total_cost: int


Annotate = Callable[[MeteredUsage], UsageCost]


class _Value(msgspec.Struct):
    """The parts of an answer that metering looks at; everything else is skipped unread."""

    usage: Any = None
    error: msgspec.Raw = msgspec.Raw(b"")
    choices: msgspec.Raw = msgspec.Raw(b"")
    timings: Any = None
    count: Any = None


class _Choice(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw(b"")
    text: msgspec.Raw = msgspec.Raw(b"")


class _RawUsage(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw(b"")


_decode_value = msgspec.json.Decoder(_Value).decode
_decode_choices = msgspec.json.Decoder(list[_Choice]).decode
_decode_raw_usage = msgspec.json.Decoder(_RawUsage).decode
# What msgspec raises for hostile JSON: bad syntax or types, bad UTF-8, too deep.
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Meter:
    """Pass one answer's bytes on and read its usage on the way.

    Args:
        status: HTTP status of the answer.
        content_type: its ``Content-Type``; streams are also recognised by their first bytes.
        request_size: length of the request body in bytes, for estimates.
        max_tokens: the request's limit of completion tokens over all choices, if it has one.
        annotate: computes costs to write into the reported usage, as official workers do. With it
            a JSON answer is held back until `end`, and of a stream the event that is not whole.
    """

    __slots__ = (
        "_annotate",
        "_blind",
        "_body",
        "_cached",
        "_completion",
        "_cutter",
        "_errors",
        "_events",
        "_max_tokens",
        "_ok",
        "_prompt",
        "_reasoning",
        "_request_size",
        "_size",
        "_stream",
        "_total",
    )

    def __init__(
        self,
        *,
        status: int,
        content_type: str,
        request_size: int,
        max_tokens: int | None = None,
        annotate: Annotate | None = None,
    ) -> None:
        self._ok = 200 <= status < 300
        # None until the first bytes that are not blank tell.
        self._stream: bool | None = True if "text/event-stream" in content_type.lower() else None
        self._request_size = request_size
        self._max_tokens = max_tokens
        self._annotate = annotate
        self._cutter = SseCutter()
        self._body = bytearray()
        self._size = 0
        self._events = 0
        self._errors = 0
        self._blind = not self._ok
        self._prompt: int | None = None
        self._completion: int | None = None
        self._total: int | None = None
        self._cached = 0
        self._reasoning = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the answer; return what may be forwarded now.

        Without `annotate` that is `chunk` itself, always.
        """
        self._size += len(chunk)
        if self._blind:
            return chunk
        if self._stream:
            return self._feed_stream(chunk)
        if self._stream is None:
            return self._feed_start(chunk)
        return self._feed_json(chunk)

    def end(self) -> bytes:
        """The answer is over; return bytes that were held back (none without `annotate`)."""
        if self._annotate is None or self._blind:
            return b""
        if self._stream:
            rest = self._cutter.pending
            self._blind = True
            return rest
        body = bytes(self._body)
        return self._annotated(body, body)

    def finish(self) -> MeteredUsage:
        """Return the usage of what has been seen; also right after an answer that broke off."""
        if not self._ok or not self._size:
            return MeteredUsage()
        if self._stream:
            rest = self._cutter.pending
            if _NEEDLE in rest:  # the blank line behind the last event is missing
                self._read_value(event_data(rest) or b"")
            estimate = max(0, self._events - self._errors)
            too_large = self._cutter.overflowed
        else:
            too_large = self._blind
            estimate = 0 if too_large else self._read_body()
        if too_large:
            estimate = self._quarter(self._size)
        return self._result(estimate)

    def _result(self, estimate: int) -> MeteredUsage:
        prompt, completion = self._prompt, self._completion
        if completion is None and prompt is not None and self._total is not None:
            completion = max(0, self._total - prompt)
        if prompt is None and completion is None and not estimate:
            return MeteredUsage()
        estimated = prompt is None or completion is None
        if prompt is None:
            prompt = self._quarter(self._request_size)
        if completion is None:
            completion = min(estimate, MAX_TOKENS)
            if self._max_tokens is not None:
                completion = min(completion, self._max_tokens)
        return MeteredUsage(
            prompt=prompt,
            cached=min(self._cached, prompt),
            completion=completion,
            reasoning=min(self._reasoning, completion),
            estimated=estimated,
        )

    @staticmethod
    def _quarter(size: int) -> int:
        return min(-(-size // BYTES_PER_TOKEN), MAX_TOKENS)

    # Streams

    def _feed_stream(self, chunk: bytes) -> bytes:
        cutter = self._cutter
        whole = cutter.cut(chunk)
        if whole:
            counted = _CR.sub(b"\n", whole) if b"\r" in whole else whole
            self._count(counted)
            if _NEEDLE in whole or _TIMINGS in whole:
                whole = self._read_events(whole)
        if self._annotate is None:
            if cutter.overflowed:
                self._blind = True
            return chunk
        if cutter.overflowed:
            self._blind = True
            return whole + cutter.pending
        return whole

    def _count(self, whole: bytes) -> None:
        """Count the events of a piece that starts at a line and has only LF line ends."""
        self._events += whole.count(b"\ndata:") + whole.startswith((b"data:", b"\xef\xbb\xbfdata:"))
        if b"[DONE]" in whole:
            self._events -= whole.count(_DONE) + whole.count(b"data:[DONE]\n")
        if b'{"error"' in whole:
            self._errors += len(_ERROR.findall(whole))

    def _read_events(self, whole: bytes) -> bytes:
        """Read usage from events; return them, annotated if asked for."""
        start = _first_event_of_interest(whole)
        rest = whole[start:]
        if self._annotate is None:
            for event in split_events(rest):
                if _NEEDLE in event or _TIMINGS in event:
                    self._read_value(event_data(event) or b"")
            return whole
        events = [
            self._annotated(event, event_data(event) or b"") if _NEEDLE in event else event
            for event in split_events(rest)
        ]
        return b"".join([whole[:start], *events])

    # JSON

    def _feed_start(self, chunk: bytes) -> bytes:
        """Tell a stream from JSON by the first bytes that are not blank."""
        self._body += chunk
        start = bytes(self._body[:_SNIFF_SIZE]).lstrip(b" \t\r\n")
        starts_stream = start.startswith(_STREAM_STARTS)
        if (
            not starts_stream
            and len(self._body) < _SNIFF_SIZE
            and any(mark.startswith(start) for mark in _STREAM_STARTS)
        ):
            return b"" if self._annotate else chunk
        self._stream = starts_stream
        if not starts_stream:
            return self._limit_json(chunk)
        held = bytes(self._body)
        self._body.clear()
        forwarded = self._feed_stream(held)
        return forwarded if self._annotate else chunk

    def _feed_json(self, chunk: bytes) -> bytes:
        self._body += chunk
        return self._limit_json(chunk)

    def _limit_json(self, chunk: bytes) -> bytes:
        if len(self._body) <= MAX_JSON_SIZE:
            return b"" if self._annotate else chunk
        held = bytes(self._body) if self._annotate else chunk
        self._body.clear()
        self._blind = True
        return held

    def _read_body(self) -> int:
        """Read usage from a whole JSON body or its lines; return the estimate of completion."""
        body = bytes(self._body)
        estimate = self._read_value(body)
        if estimate is None:
            values = [self._read_value(line) for line in io.BytesIO(body) if line.strip()]
            known = [value for value in values if value is not None]
            estimate = sum(known) if known else self._quarter(len(body))
        return estimate

    # One JSON value

    def _read_value(self, data: bytes) -> int | None:
        """Raise the running maxima from one JSON value; return the estimate of its completion.

        Returns None if this is not a JSON object.
        """
        try:
            value = _decode_value(data)
        except _BAD_JSON:
            return None
        if isinstance(value.usage, dict):
            self._read_usage(value.usage)
        elif isinstance(value.timings, dict):
            self._read_usage(_timed(value.timings))
        elif value.count is not None:
            self._read_usage({"prompt_tokens": value.count, "completion_tokens": 0})
        if bytes(value.error) not in {b"", b"null"}:
            return 0
        return self._estimate_choices(bytes(value.choices), len(data))

    def _estimate_choices(self, choices: bytes, size: int) -> int:
        try:
            parts = _decode_choices(choices)
        except _BAD_JSON:
            return self._quarter(size)
        produced = sum(len(bytes(part.message)) + len(bytes(part.text)) for part in parts)
        return self._quarter(produced or size)

    def _read_usage(self, usage: dict[str, Any]) -> None:
        if usage.get("type") == "duration":
            self._read_duration(usage.get("seconds"))
        prompt = _tokens(usage.get("prompt_tokens", usage.get("input_tokens")))
        if prompt is not None and (self._prompt is None or prompt > self._prompt):
            self._prompt = prompt
        total = _tokens(usage.get("total_tokens"))
        if total is not None and (self._total is None or total > self._total):
            self._total = total
        completion = _tokens(usage.get("completion_tokens", usage.get("output_tokens")))
        if completion is not None and (self._completion is None or completion > self._completion):
            self._completion = completion
        self._cached = max(
            self._cached, _detail(usage.get("prompt_tokens_details"), "cached_tokens")
        )
        self._reasoning = max(
            self._reasoning,
            _detail(usage.get("completion_tokens_details"), "reasoning_tokens"),
            _detail(usage, "reasoning_tokens"),
        )

    def _read_duration(self, seconds: object) -> None:
        if type(seconds) not in (int, float) or not 0 <= float(str(seconds)) <= MAX_SECONDS:
            return
        tokens = -(-float(str(seconds)) // 1) * TOKENS_PER_SECOND
        self._prompt = max(self._prompt or 0, int(tokens))

    def _annotated(self, text: bytes, data: bytes) -> bytes:
        """Read usage from `data`, which stands in `text`; return `text` with the costs added."""
        before = (self._prompt, self._cached, self._completion, self._reasoning)
        self._read_value(data)
        if before == (self._prompt, self._cached, self._completion, self._reasoning):
            return text
        try:
            usage = bytes(_decode_raw_usage(data).usage)
        except _BAD_JSON:
            return text
        if not usage.startswith(b"{"):
            return text  # the figures stood elsewhere
        assert self._annotate is not None
        costs = msgspec.json.encode(self._annotate(self._result(0)))
        head, found, rest = text.rpartition(usage)
        if not found:  # data lines were joined: the object is not in the text as it stands
            return text
        inner = usage[:-1].rstrip()
        comma = b"" if inner.endswith(b"{") else b","
        return head + inner + comma + costs[1:] + rest


def _first_event_of_interest(whole: bytes) -> int:
    """Where to begin to split: usage mostly stands in the last of many events."""
    if b"\r" in whole:
        return 0  # its boundaries have other forms; such engines are rare
    found = [at for at in (whole.find(_NEEDLE), whole.find(_TIMINGS)) if at >= 0]
    boundary = whole.rfind(b"\n\n", 0, min(found, default=0))
    return boundary + 2 if boundary >= 0 else 0


def _tokens(value: object) -> int | None:
    """A token count that can be believed, or None."""
    if type(value) is int and 0 <= value <= MAX_TOKENS:  # not bool, which is an int as well
        return value
    return None


def _timed(timings: dict[str, Any]) -> dict[str, Any]:
    """Usage from llama.cpp's ``timings``; what cannot be believed is left out."""
    cached, computed = _tokens(timings.get("cache_n")) or 0, _tokens(timings.get("prompt_n"))
    return {
        "prompt_tokens": None if computed is None else cached + computed,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens": timings.get("predicted_n"),
    }


def _detail(details: object, name: str) -> int:
    return (_tokens(details.get(name)) or 0) if isinstance(details, dict) else 0

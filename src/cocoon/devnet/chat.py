"""Streamed chat over the OpenAI-compatible API of a network, for the demo and ``cocoon chat``."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from cocoon.errors import RemoteProtocolError, UnavailableError, UpstreamError

DEBUG_COMMENT = b": debug "
"""What the gateway puts before its record in a stream (``enable_debug``)."""
MAX_LINE = 1 << 20
CONNECT_TIMEOUT = 5.0

# An answer is shown on terminals, which obey what stands between these.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A finished answer.

    Attributes:
        text: all of it; control characters but tabs and line feeds are replaced.
        model: as the answer names it.
        usage: the engine's usage object.
        debug: the gateway's record: cost and who was attested.
        first_token: seconds until the first text.
        duration: seconds until the end.
        finish_reason: such as ``stop`` or ``length``.
    """

    text: str = field(repr=False)
    model: str
    usage: dict[str, Any]
    debug: dict[str, Any]
    first_token: float
    duration: float
    finish_reason: str

    @property
    def cost(self) -> int:
        """What it cost, in nanoTON."""
        return int(self._client().get("cost_nanoton", 0))

    @property
    def adjusted_tokens(self) -> int:
        """Adjusted tokens that were charged."""
        counted = self._client().get("adjusted_tokens")
        return int(counted.get("total", 0)) if isinstance(counted, dict) else 0

    @property
    def tokens_per_second(self) -> float:
        """Completion tokens per second after the first one."""
        tokens = int(self.usage.get("completion_tokens") or 0)
        seconds = self.duration - self.first_token
        return (tokens - 1) / seconds if tokens > 1 and seconds > 0 else 0.0

    def peer(self, role: str) -> dict[str, str]:
        """``image_hash`` and ``evidence`` of the ``proxy`` or ``worker`` that answered."""
        known = self._client().get(role) or {}
        return {name: str(known.get(name, "")) for name in ("image_hash", "evidence")}

    def _client(self) -> dict[str, Any]:
        client = self.debug.get("client")
        return client if isinstance(client, dict) else {}


async def ask(
    gateway_url: str,
    model: str,
    messages: Sequence[Message],
    on_text: Callable[[str], None],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    timeout: float = 120.0,
    headers: Mapping[str, str] | None = None,
) -> ChatAnswer:
    """Send a chat and hand over the text as it comes.

    Args:
        gateway_url: base URL with ``/v1``.
        model: base name.
        messages: the conversation so far.
        on_text: called with every piece of text.
        max_tokens: completion tokens at most.
        temperature: 0 is the same answer every time.
        timeout: seconds for all of it.
        headers: more of them, such as a key.

    Raises:
        UnavailableError: nothing answers there, or the stream broke off.
        UpstreamError: the network refused or failed; says why.
        RemoteProtocolError: the answer is not a stream of the OpenAI form.
    """
    body = {
        "model": model,
        "messages": list(messages),
        "max_tokens": max_tokens,
        "temperature": temperature,
        "timeout": timeout,
        "stream": True,
        "stream_options": {"include_usage": True},
        "enable_debug": True,
    }
    reader = _StreamReader(on_text)
    limits = aiohttp.ClientTimeout(total=timeout + 5, sock_connect=CONNECT_TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits, headers=headers) as session,
            session.post(f"{gateway_url}/chat/completions", json=body) as response,
        ):
            if response.status != 200:
                raise _refused(response.status, await response.read())
            async for data in response.content.iter_any():
                reader.feed(data)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UnavailableError(f"{gateway_url} broke off: {_reason(error)}") from None
    return reader.finish(model)


class _StreamReader:
    """Collects an answer from server-sent events."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._began = time.monotonic()
        self._first: float | None = None
        self._rest = b""
        self._text: list[str] = []
        self._model = ""
        self._usage: dict[str, Any] = {}
        self._debug: dict[str, Any] = {}
        self._finish_reason = ""
        self._done = False

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise RemoteProtocolError("the gateway sends an event without end")
        for line in lines:
            self._line(line.rstrip(b"\r"))

    def finish(self, model: str) -> ChatAnswer:
        if not self._done:
            raise UnavailableError("the answer broke off before its end")
        duration = time.monotonic() - self._began
        return ChatAnswer(
            text="".join(self._text),
            model=self._model or model,
            usage=self._usage,
            debug=self._debug,
            first_token=duration if self._first is None else self._first,
            duration=duration,
            finish_reason=self._finish_reason,
        )

    def _line(self, line: bytes) -> None:
        if line.startswith(DEBUG_COMMENT):
            self._debug = _object(line[len(DEBUG_COMMENT) :])
        elif line == b"data: [DONE]":
            self._done = True
        elif line.startswith(b"data: "):
            self._event(_object(line[len(b"data: ") :]))

    def _event(self, event: dict[str, Any]) -> None:
        if "error" in event:
            raise UpstreamError(_error_text(event))
        self._model = str(event.get("model") or self._model)
        if isinstance(event.get("usage"), dict):
            self._usage = event["usage"]
        try:
            for choice in event.get("choices") or ():
                self._finish_reason = choice.get("finish_reason") or self._finish_reason
                text = _CONTROL.sub("\ufffd", (choice.get("delta") or {}).get("content") or "")
                if text:
                    self._show(text)
        except (AttributeError, TypeError):
            raise RemoteProtocolError("the gateway sent an event not of the OpenAI form") from None

    def _show(self, text: str) -> None:
        if self._first is None:
            self._first = time.monotonic() - self._began
        self._text.append(text)
        self._on_text(text)


def _object(text: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise RemoteProtocolError("the gateway sent an event that is not a JSON object") from None


def _refused(status: int, body: bytes) -> UpstreamError:
    try:
        return UpstreamError(_error_text(_object(body)))
    except RemoteProtocolError:
        return UpstreamError(f"the gateway answers with HTTP status {status}")


def _error_text(document: dict[str, Any]) -> str:
    error = document.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or "the request failed")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__

"""Any Messages request is read or refused; any bytes of an engine become events or an error."""

import json
from contextlib import suppress

from cocoon.errors import EngineError, UpstreamError
from cocoon.gateway.messages import ANTHROPIC, read_messages
from cocoon.gateway.messages.answer import Wanted, whole_message
from cocoon.gateway.messages.errors import engine_error
from cocoon.gateway.messages.stream import MessagesStream
from cocoon.gateway.reading.incoming import Incoming
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
WANTED = Wanted("demo", thinking=True, stops=("END",))
BROKEN = (UpstreamError, EngineError)
FRAMES = (
    b'{"model":"demo","max_tokens":9,"messages":%b}',
    b'{"model":"demo","max_tokens":9,"messages":[{"role":"user","content":[%b]}]}',
    b'{"model":"demo","max_tokens":9,"messages":[{"role":"user","content":"a"}],%b}',
)
EVENTS = (b"%b", b"data: %b\n\n", b'data: {"choices":[{"delta":%b}]}\n\n')


def fuzz_one(data: bytes) -> None:
    """Feed one input to the readers of requests, streams and whole answers."""
    _request(data)
    for frame in FRAMES:
        _request(frame % data)
    for frame in EVENTS:
        _stream(frame % data)
    with suppress(UpstreamError):
        json.loads(whole_message("m", data, WANTED))
    json.loads(engine_error(500, data))


def _request(body: bytes) -> None:
    try:
        call = read_messages(Incoming("/v1/messages", body), SETTINGS)
    except Refusal as refusal:
        json.loads(ANTHROPIC.answer(refusal, "r").body)
        return
    sent = json.loads(call.request.body)
    assert 0 < sent["max_tokens"] == call.request.max_tokens
    assert sent["messages"]


def _stream(data: bytes) -> None:
    middle = len(data) // 2
    whole = _translated([data])
    assert _translated([data[:middle], data[middle:]]) == whole
    for event in whole.split(b"\n\n")[:-1]:
        json.loads(event.partition(b"\ndata: ")[2])


def _translated(parts: list[bytes]) -> bytes:
    stream = MessagesStream(WANTED, "m")
    out = stream.begin()
    try:
        for part in parts:
            out += stream.feed(part)
        out += stream.finish()
    except BROKEN:
        return b""
    return b"" if b"toolu_" in out else out  # ids that are made up differ


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

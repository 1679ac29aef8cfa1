"""Any Responses call is a chat or a refusal; any bytes of an engine become whole events."""

import json
from contextlib import suppress

from cocoon.errors import UpstreamError
from cocoon.gateway.reading.incoming import Incoming
from cocoon.gateway.refusal import Refusal, error_answer
from cocoon.gateway.responses import read_response
from cocoon.gateway.responses.shape import ResponseShape
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
WRAPPED = b'{"model":"m","input":%b}'


def fuzz_one(data: bytes) -> None:
    """Feed one input to the reader of calls and to both ways of answers."""
    for body in (data, WRAPPED % data):
        _read(body)
    _stream(data)
    with suppress(UpstreamError):
        json.loads(ResponseShape(b'"model":"m"', logprobs=True).whole(200, data, None))
    json.loads(ResponseShape(b'"model":"m"').whole(400, data, None))


def _read(body: bytes) -> None:
    try:
        call = read_response(Incoming("/v1/responses", body), SETTINGS)
    except Refusal as refusal:
        error_answer(refusal)
        return
    assert json.loads(call.request.body)["messages"]
    _check_events(call.shape.begin())


def _stream(data: bytes) -> None:
    size = 1 + data[0] % 32 if data else 1
    shape = ResponseShape(b'"model":"m"', logprobs=True, summarize=bool(data) and data[0] > 127)
    out = shape.begin()
    try:
        for at in range(0, len(data), size):
            out += shape.feed(data[at : at + size])
        out += shape.finish(None)
    except UpstreamError as error:
        out += shape.fail(error)
    _check_events(out)


def _check_events(out: bytes) -> None:
    for number, event in enumerate(out.split(b"\n\n")[:-1]):
        name, data = event.split(b"\n")
        body = json.loads(data.removeprefix(b"data: "))
        assert body["sequence_number"] == number
        assert name == b"event: " + body["type"].encode()


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

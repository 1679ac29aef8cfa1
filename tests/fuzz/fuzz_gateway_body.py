"""Any request body either becomes a checked call or is refused; any byte stream is relayed."""

import json

from cocoon.gateway.answers.sse import EventRelay
from cocoon.gateway.reading.body import INT32_MAX, Endpoint, read_call
from cocoon.gateway.refusal import Refusal, error_answer
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
OWN = {"max_coefficient", "timeout", "enable_debug", "request_guid"}


def fuzz_one(data: bytes) -> None:
    """Feed one input to the body rules of both endpoints and to the relay of events."""
    for endpoint in Endpoint:
        _read(endpoint, data)
    _relay(data)


def _read(endpoint: Endpoint, data: bytes) -> None:
    try:
        call = read_call(endpoint, data, SETTINGS)
    except Refusal as refusal:
        error_answer(refusal)
        return
    sent = json.loads(call.request.body)
    assert not OWN & set(sent)
    assert "@" not in sent["model"]
    assert 0 <= call.request.max_tokens <= INT32_MAX
    assert 0 < call.request.timeout <= SETTINGS.max_timeout
    assert None not in sent.values()
    assert "max_tokens" in sent or "max_completion_tokens" in sent
    if call.stream:
        assert sent["stream_options"]["include_usage"] is True
    # What was sent is itself a request that means the same.
    again = read_call(endpoint, call.request.body, SETTINGS)
    assert (again.request.body, again.request.max_tokens, again.stream) == (
        call.request.body,
        call.request.max_tokens,
        call.stream,
    )


def _relay(data: bytes) -> None:
    whole, split = (EventRelay(show_usage=False) for _ in range(2))
    middle = len(data) // 2
    first = whole.feed(data) + whole.finish()
    second = split.feed(data[:middle]) + split.feed(data[middle:]) + split.finish()
    assert first == second


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

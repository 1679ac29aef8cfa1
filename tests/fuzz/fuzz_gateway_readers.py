"""Any body at any endpoint is a checked call or a refusal with status 400; answers never crash."""

from cocoon.accounting import Nano
from cocoon.client.api import PeerSummary, RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.answers.shape import PassedOn
from cocoon.gateway.operations import OPERATIONS
from cocoon.gateway.quote import read_quote
from cocoon.gateway.reading.incoming import Incoming
from cocoon.gateway.reading.native import take_native
from cocoon.gateway.refusal import Refusal, error_answer
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
FORM = {b"content-type": b"multipart/form-data; boundary=x"}
SUMMARY = RequestSummary(1, 0, 1, 0, 2, Nano(3), PeerSummary("ab" * 32, "tdx"))
PATHS = [operation for operation in OPERATIONS if "messages" not in operation.path]
NAMES = (b"max-coefficient", b"max-cost", b"timeout", b"user", b"pin-image", b"pin-evidence")


def fuzz_one(data: bytes) -> None:
    """Feed one input to every reader, to the headers, and to the shapes as an engine's answer."""
    for operation in PATHS:
        _read(operation.path, data)
    for start in (b'{"model":"m","messages":', b'{"model":"m","input":', b'{"model":"m","tools":'):
        _quote(start + data)
    _headers(data)
    _answers(data)


def _read(path: str, data: bytes) -> None:
    read = next(operation.read for operation in OPERATIONS if operation.path == path)
    try:
        call = read(Incoming(path, data, FORM), SETTINGS)
    except Refusal as refusal:
        if not 400 <= refusal.status < 500:
            raise
        error_answer(refusal, "id")
        return
    assert call.request.requires
    assert 0 <= call.request.max_tokens < 2**31


def _quote(data: bytes) -> None:
    try:
        read_quote(Incoming("/v1/quote", data, {}), SETTINGS)
    except Refusal as refusal:
        if refusal.status != 400:
            raise


def _headers(data: bytes) -> None:
    for name in NAMES:
        try:
            take_native({}, {b"x-cocoon-" + name: data}, SETTINGS)
        except Refusal as refusal:
            if refusal.param is None:
                raise


def _answers(data: bytes) -> None:
    for status in (200, 400, 503):
        try:
            PassedOn(show_usage=True, debug=True).whole(status, data, SUMMARY)
        except UpstreamError:
            assert status == 200
    for show in (True, False):
        shape = PassedOn(show_usage=show)
        out = shape.feed(data) + shape.finish(SUMMARY)
        assert show or not data or len(out) > 0


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

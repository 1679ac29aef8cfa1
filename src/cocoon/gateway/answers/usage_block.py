"""The ``cocoon`` block: what an answer cost, who computed it on what, and how long it took.

A whole answer carries it as the member ``cocoon`` of its JSON object. A stream carries it in the
usage chunk if the caller asked for usage, else as a comment line ``: cocoon {…}`` before the end.
"""

import msgspec

from cocoon.client.api import PeerSummary, RequestSummary

_encoder = msgspec.json.Encoder()


class _Tokens(msgspec.Struct):
    prompt: int
    cached: int
    completion: int
    reasoning: int
    total: int


class _Proxy(msgspec.Struct):
    image: str
    evidence: str
    address: str


class _Worker(msgspec.Struct):
    image: str
    evidence: str
    owner: str


class _Timings(msgspec.Struct):
    first_byte: float | None
    total: float


class _Block(msgspec.Struct):
    cost_nanoton: int
    tokens: _Tokens
    proxy: _Proxy
    worker: _Worker | None
    timings: _Timings


def cocoon_block(summary: RequestSummary) -> bytes:
    """The block as one line of compact JSON.

    Members: ``cost_nanoton``; ``tokens`` with the adjusted tokens ``prompt``, ``cached``,
    ``completion``, ``reasoning`` and ``total`` (``onchain.md`` §13); ``proxy`` with ``image``
    (hex), ``evidence`` and ``address``; ``worker`` with ``image``, ``evidence`` and ``owner``, or
    null where the proxy did not tell; ``timings`` with ``first_byte`` (or null) and ``total`` in
    seconds.
    """
    block = _Block(
        int(summary.cost),
        _Tokens(
            summary.prompt, summary.cached, summary.completion, summary.reasoning, summary.total
        ),
        _Proxy(summary.proxy.image_hash, summary.proxy.evidence, summary.proxy.address),
        _worker(summary.worker),
        _Timings(_milli(summary.first_byte), round(summary.duration, 3)),
    )
    return _encoder.encode(block)


def with_block(body: bytes, summary: RequestSummary) -> bytes:
    """``body`` with the member ``cocoon`` added, when it is a JSON object."""
    return with_member(body, b"cocoon", cocoon_block(summary))


def with_member(body: bytes, name: bytes, value: bytes) -> bytes:
    """``body`` with one member added at its end, when it looks like a JSON object.

    Args:
        body: JSON text; anything but an object comes back as it is.
        name: needs no escapes and does not occur yet.
        value: JSON text.
    """
    text = body.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return body
    inner = text[:-1].rstrip()
    comma = b"" if inner == b"{" else b","
    return b'%b%b"%b":%b}' % (inner, comma, name, value)


def _worker(worker: PeerSummary | None) -> _Worker | None:
    return None if worker is None else _Worker(worker.image_hash, worker.evidence, worker.address)


def _milli(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

"""The ``debug`` record that a caller asked for with ``enable_debug``."""

import msgspec
from msgspec import Raw

from cocoon.client.api import PeerSummary, RequestSummary
from cocoon.gateway.answers.usage_block import with_member

_raw = msgspec.json.Decoder(Raw)
_encoder = msgspec.json.Encoder()


def debug_object(summary: RequestSummary) -> bytes:
    """What this client, the proxy and the worker say about a finished request, as one JSON line."""
    record = {
        "client": {
            "cost_nanoton": int(summary.cost),
            "adjusted_tokens": {
                "prompt": summary.prompt,
                "cached": summary.cached,
                "completion": summary.completion,
                "reasoning": summary.reasoning,
                "total": summary.total,
            },
            "first_byte": summary.first_byte,
            "duration": summary.duration,
            "proxy": _peer(summary.proxy),
            "worker": _peer(summary.worker),
        },
        "proxy": _foreign(summary.proxy_debug),
        "worker": _foreign(summary.worker_debug),
    }
    return _encoder.encode(record).replace(b"\r", b" ").replace(b"\n", b" ")


def with_debug(body: bytes, summary: RequestSummary) -> bytes:
    """``body`` with a ``debug`` member added when it is a JSON object."""
    return with_member(body, b"debug", debug_object(summary))


def _peer(peer: PeerSummary | None) -> dict[str, str] | None:
    if peer is None:
        return None
    return {
        "image_hash": peer.image_hash,
        "evidence": peer.evidence,
        "address": peer.address,
    }


def _foreign(text: str | None) -> Raw | str | None:
    """JSON that a peer wrote: as it is when it parses, else as a string."""
    if text is None:
        return None
    try:
        return _raw.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text.encode(errors="replace").decode(errors="replace")

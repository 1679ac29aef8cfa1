"""Events of a Messages stream, as bytes."""

import msgspec

from cocoon.gateway.messages.answer import StopReason, TokenCounts

_encode = msgspec.json.Encoder().encode

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
END = b"}}\n\n"
"""Ends a delta."""


def message_start(identity: str, model: str) -> bytes:
    """The first event. Its token counts are 0: engines count at the end."""
    return (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"%b",'
        b'"type":"message","role":"assistant","model":%b,"content":[],"stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":0,"cache_read_input_tokens":0,'
        b'"output_tokens":0}}}\n\n' % (identity.encode(), _encode(model))
    )


def block_start(index: int, block: bytes) -> bytes:
    """A block begins; ``block`` is its JSON object, still empty."""
    return (
        b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,'
        b'"content_block":%b}\n\n' % (index, block)
    )


def delta_start(index: int, kind: bytes, member: bytes) -> bytes:
    """How every delta of a block begins; a JSON string and :data:`END` follow."""
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"%b","%b":' % (index, kind, member)
    )


def block_stop(index: int) -> bytes:
    """A block is whole."""
    return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index


def message_delta(stop: StopReason, counts: TokenCounts, extra: bytes) -> bytes:
    """Why the model stopped and what was used.

    Args:
        stop: the reason.
        counts: of the whole answer.
        extra: further members, each with a comma before it.
    """
    return b'event: message_delta\ndata: {"type":"message_delta","delta":%b,"usage":%b%b}\n\n' % (
        _encode(stop),
        _encode(counts),
        extra,
    )

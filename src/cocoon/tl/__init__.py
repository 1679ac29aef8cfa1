"""The TL codec and every combinator of the official protocol.

``types`` is generated from ``schema.tl``; ``decode`` parses any object, ``Cls.from_bytes`` one.
"""

from cocoon.tl import types
from cocoon.tl.codec import (
    MAX_MESSAGE,
    MAX_VECTOR,
    Reticent,
    TLObject,
    decode,
    decode_result,
    is_known_id,
    peek_id,
)

__all__ = [
    "MAX_MESSAGE",
    "MAX_VECTOR",
    "Reticent",
    "TLObject",
    "decode",
    "decode_result",
    "is_known_id",
    "peek_id",
    "types",
]

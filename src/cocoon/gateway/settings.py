"""Limits and choices of the gateway, all with safe defaults."""

from dataclasses import dataclass

from cocoon.client.api import DEFAULT_MAX_COEFFICIENT, DEFAULT_MAX_TOKENS, DEFAULT_TIMEOUT

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 10000
"""Port of the official client's HTTP interface (``wire-protocol.md`` §2.1)."""

LOOPBACK_ORIGINS = "loopback"
"""Word in ``allowed_origins`` for pages that this machine itself serves, on any port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What one gateway accepts.

    Attributes:
        max_body: largest request body in bytes; a protocol frame holds just under 16 MiB.
        max_depth: deepest nesting of a request body.
        max_response: largest answer, in bytes, that is collected for a caller that does not stream.
        max_running: inference requests at a time; one more is answered with 429.
        max_buffered: bytes of large request bodies held at a time over all requests.
        max_connections: open connections at a time; one more is answered with 503.
        body_timeout: seconds in which a request body must have arrived.
        header_timeout: seconds in which a request head must have arrived.
        keep_alive: seconds that an idle connection stays open.
        default_timeout: seconds that a request may take when the caller names no limit.
        max_timeout: larger limits are lowered to this.
        default_max_tokens: completion tokens of a request that names no limit.
        default_max_coefficient: highest price multiplier (times 1000) when the caller names none.
        max_choices: highest ``n``.
        max_prompts: longest list of prompts in one completion request.
        api_key_hashes: SHA-256 of every accepted bearer key; empty means that no key is asked for.
        allowed_origins: web origins whose pages may call; ``"*"`` is everyone, ``"loopback"``
            pages of this machine. Without this check any page that a user opens could spend the
            user's balance.
    """

    max_body: int = 8 * 2**20
    max_depth: int = 64
    max_response: int = 64 * 2**20
    max_running: int = 16_384
    max_buffered: int = 256 * 2**20
    max_connections: int = 20_000
    body_timeout: float = 60.0
    header_timeout: float = 15.0
    keep_alive: float = 30.0
    default_timeout: float = DEFAULT_TIMEOUT
    max_timeout: float = 3600.0
    default_max_tokens: int = DEFAULT_MAX_TOKENS
    default_max_coefficient: int = DEFAULT_MAX_COEFFICIENT
    max_choices: int = 128
    max_prompts: int = 2048
    api_key_hashes: tuple[bytes, ...] = ()
    allowed_origins: tuple[str, ...] = (LOOPBACK_ORIGINS,)

"""Who may call: web origins and bearer keys."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from cocoon.gateway.refusal import Header, Refusal
from cocoon.gateway.settings import LOOPBACK_ORIGINS

_loopback = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")

_EXPOSED = (
    b"X-Request-Id, Request-Id, X-Should-Retry, Retry-After, X-Cocoon-Cost-Nanoton, "
    b"X-Cocoon-Total-Tokens, X-Cocoon-Proxy-Image, X-Cocoon-Proxy-Evidence, "
    b"X-RateLimit-Limit-Requests, X-RateLimit-Remaining-Requests, X-RateLimit-Reset-Requests, "
    b"X-RateLimit-Limit-Tokens, X-RateLimit-Remaining-Tokens, X-RateLimit-Reset-Tokens"
)


def hash_api_key(key: str) -> bytes:
    """SHA-256 of a bearer key, as ``GatewaySettings.api_key_hashes`` holds it.

    A plain hash is enough for keys that a program made up; never use a word that one can guess.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def credential(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The key that a call carries: ``Authorization: Bearer KEY``, else ``x-api-key: KEY``."""
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and key.strip():
        return key.strip()
    return headers.get(b"x-api-key")


def check_key(key: bytes | None, hashes: Sequence[bytes]) -> None:
    """Refuse a call without an accepted key; without configured keys all calls pass.

    Raises:
        Refusal: with status 401.
    """
    if not hashes:
        return
    given = hashlib.sha256(key or b"").digest()
    accepted = False
    for known in hashes:  # all of them, so that time tells nothing
        accepted |= hmac.compare_digest(given, known)
    if key is None or not accepted:
        raise invalid_key()


def invalid_key() -> Refusal:
    """The answer to a call with no key, or one that nobody knows."""
    return Refusal(
        "a valid API key is needed: Authorization: Bearer KEY",
        status=401,
        kind="authentication_error",
        code="invalid_api_key",
        headers=[(b"www-authenticate", b"Bearer")],
    )


class Origins:
    """Web origins whose pages may call and read the answers."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._everyone = "*" in allowed
        self._loopback = LOOPBACK_ORIGINS in allowed
        self._named = frozenset(origin.encode() for origin in allowed)

    def response_headers(self, origin: bytes) -> list[Header]:
        """CORS headers for a call from ``origin``.

        Raises:
            Refusal: with status 403; the page may not even send, since sending spends money.
        """
        if not (
            self._everyone
            or origin in self._named
            or (self._loopback and _loopback.fullmatch(origin))
        ):
            raise Refusal(
                "pages of this web origin may not call; allow it in the gateway's settings",
                status=403,
                kind="permission_error",
                code="origin_not_allowed",
            )
        shown = b"*" if self._everyone else origin
        return [
            (b"access-control-allow-origin", shown),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        ]


class Hosts:
    """Names under which a gateway that asks for no key may be called on the machine it runs on.

    A page whose own name leads to this machine (DNS rebinding) is no stranger for a browser, which
    tells no origin when it reads. The name that it calls is all that gives it away. Names that
    nobody can register pass, and those of the allowed origins.

    Args:
        allowed: web origins, as of :class:`Origins`.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._everyone = "*" in allowed
        self._named = frozenset(
            _host(name.encode()) for origin in allowed if (name := origin.partition("://")[2])
        )

    def check(self, host: bytes | None, server: tuple[str, int | None] | None) -> None:
        """Look at a call's ``Host``.

        Args:
            host: the header, or None.
            server: address that was called; other machines' are not checked, since every name may
                be theirs.

        Raises:
            Refusal: with status 403.
        """
        if self._everyone or host is None or server is None or not _is_loopback(server[0]):
            return
        name = _host(host)
        if not (_own_name.fullmatch(name) or name in self._named):
            raise Refusal(
                "this gateway has no keys and is not called by this name: allow its web origin in "
                "the gateway's settings, or keep keys",
                status=403,
                kind="permission_error",
                code="host_not_allowed",
            )


def _host(authority: bytes) -> bytes:
    return _port.sub(b"", authority).lower().removesuffix(b".")


def _is_loopback(address: str) -> bool:
    return address.startswith(("127.", "::ffff:127.")) or address == "::1"


_port = re.compile(rb":\d{0,5}$")
_own_name = re.compile(
    rb"\[[0-9a-f:.%]{2,60}\]|\d{1,3}(\.\d{1,3}){3}|[a-z0-9_-]{1,63}|"
    rb"[a-z0-9_.-]{1,240}\.(localhost|local|internal|test|invalid)"
)


def preflight_headers(requested: bytes | None, methods: bytes) -> list[Header]:
    """Answer to a browser that asks what it may send.

    Args:
        requested: the ``Access-Control-Request-Headers`` of the preflight: all are allowed, since
            only the body is used. SDKs in browsers send a dozen of their own.
        methods: comma-separated methods of the path.
    """
    wanted = requested if requested and _header_names.fullmatch(requested) else b""
    return [
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", wanted or b"Content-Type, Authorization"),
        (b"access-control-allow-private-network", b"true"),
        (b"access-control-max-age", b"600"),
    ]


_header_names = re.compile(rb"[A-Za-z0-9_, -]{1,2000}")

"""Session tokens: who somebody is until when, signed by the service; nothing is stored."""

import base64
import binascii
import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cocoon.errors import ConfigError, LoginError

KEY_BYTES = 32
NONCE_BYTES = 16
MAX_TOKEN = 128
"""Characters; ours have 86."""

_body = struct.Struct(">QQ16s")
_MAC_BYTES = 32
_LABEL = b"cocoon telegram session v1"


@dataclass(frozen=True, slots=True)
class Session:
    """Whose a token is.

    Attributes:
        user: Telegram's id.
        expires: Unix seconds.
    """

    user: int
    expires: int


class Sessions:
    """Makes and checks tokens.

    Args:
        key: 32 secret bytes, see :func:`session_key`.
        seconds: life of a token.

    Raises:
        ConfigError: the key has another length.
    """

    def __init__(self, key: bytes, seconds: float) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigError(f"a session key has {KEY_BYTES} bytes, not {len(key)}")
        self._key = hmac.digest(key, _LABEL, hashlib.sha256)
        self._seconds = seconds

    def issue(self, user: int, now: float) -> tuple[str, Session]:
        """A new token and what it says.

        Args:
            user: Telegram's id, 0 to 2**52.
            now: Unix seconds.
        """
        session = Session(user, int(now + self._seconds))
        body = _body.pack(user, session.expires, os.urandom(NONCE_BYTES))
        return base64.urlsafe_b64encode(body + self._mac(body)).decode().rstrip("="), session

    def check(self, token: str, now: float) -> Session:
        """Whose a token is.

        Args:
            token: as a stranger sent it.
            now: Unix seconds.

        Raises:
            LoginError: it is not ours (``forged``), or has ended (``expired``).
        """
        data = _decoded(token)
        body, mac = data[: _body.size], data[_body.size :]
        if len(mac) != _MAC_BYTES or not hmac.compare_digest(self._mac(body), mac):
            raise LoginError("this is no session of this service", "forged")
        user, expires, _ = _body.unpack(body)
        if now >= expires:
            raise LoginError("the session has ended", "expired")
        return Session(user, expires)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)


def _decoded(token: str) -> bytes:
    if len(token) > MAX_TOKEN or not token.isascii():
        return b""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def session_key(token: str, secret: bytes) -> bytes:
    """The key of a service's sessions.

    It follows from the bot's token, so that a new token ends all sessions, and from a secret that
    never leaves the service's host: whoever steals the token alone makes no sessions.

    Args:
        token: of the bot.
        secret: of the service, see :meth:`cocoon.telegram.vault.Vault.key_for`; sessions outlive a
            restart as long as it is the same.
    """
    return hmac.digest(secret, _LABEL + b"\0" + token.encode(), hashlib.sha256)

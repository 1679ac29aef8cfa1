"""What Telegram tells a Mini App of who opened it, signed as Telegram signs it.

Source: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app (HMAC with
the bot's token) and #validating-data-for-third-party-use (Ed25519; the stand-in has a key of its
own, because Telegram's is Telegram's).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.devnet.telegram.answers import Json


class InitDataSigner:
    """Signs launch data of one bot.

    Args:
        token: the bot's.
        key: signs the form for third parties; a fresh one otherwise.
    """

    def __init__(self, token: str, key: Ed25519PrivateKey | None = None) -> None:
        self._bot_id = token.split(":", 1)[0]
        self._secret = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
        self._key = key or Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> bytes:
        """32 bytes against which ``signature`` is checked."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, fields: Mapping[str, str]) -> str:
        """Signs fields as they are.

        Returns:
            The query string with ``signature`` and ``hash``, which covers ``signature`` too.
        """
        signed = dict(fields)
        text = f"{self._bot_id}:WebAppData\n{_lines(signed)}".encode()
        signature = base64.urlsafe_b64encode(self._key.sign(text)).decode().rstrip("=")
        signed["signature"] = signature
        digest = hmac.new(self._secret, _lines(signed).encode(), hashlib.sha256)
        signed["hash"] = digest.hexdigest()
        return urlencode(signed)

    def for_user(
        self, user: Json, auth_date: int, *, start_param: str = "", query_id: str = ""
    ) -> str:
        """What an app passes to a Mini App that this user opened.

        Args:
            user: a ``User``.
            auth_date: when it was opened, in seconds since 1970.
            start_param: of the link that opened it.
            query_id: for ``answerWebAppQuery``; a fresh one otherwise.
        """
        shown = {name: value for name, value in user.items() if name != "is_bot"}
        shown |= {"allows_write_to_pm": True}
        # Telegram writes "/" as "\/" in this JSON; whoever re-encodes it breaks the hash.
        text = msgspec.json.encode(shown).decode().replace("/", "\\/")
        fields = {"user": text, "auth_date": str(auth_date)}
        if start_param:
            fields |= {"start_param": start_param, "chat_type": "sender", "chat_instance": "1"}
        else:
            fields["query_id"] = query_id or f"STANDIN{secrets.token_hex(8)}"
        return self.sign(fields)


def _lines(fields: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))

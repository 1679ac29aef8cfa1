"""initData as Telegram signs it, and as somebody else would."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOKEN = "123456:AAF-stand-in_token_of_a_bot_x"  # noqa: S105 - of no bot
BOT_ID = 123456
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = SIGNER.public_key().public_bytes_raw()


def person(user: int = 42, first_name: str = "Ann", language: str = "en", **more: object) -> str:
    """The ``user`` field."""
    said = {"id": user, "first_name": first_name, "language_code": language, **more}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def signed(
    fields: Mapping[str, str],
    *,
    token: str = TOKEN,
    bot_id: int = BOT_ID,
    key: Ed25519PrivateKey | None = SIGNER,
) -> str:
    """Fields as a query string with ``signature`` (unless there is no ``key``) and ``hash``."""
    told = dict(fields)
    if key is not None:
        text = f"{bot_id}:WebAppData\n{_lines(told)}"
        told["signature"] = base64.urlsafe_b64encode(key.sign(text.encode())).decode().rstrip("=")
    secret = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    told["hash"] = hmac.new(secret, _lines(told).encode(), hashlib.sha256).hexdigest()
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in told.items())


def init_data(auth_date: int, user: int = 42, **more: str) -> str:
    """What Telegram would sign for :data:`TOKEN`'s bot, with the stand-in's key."""
    fields = {"query_id": "AAF1", "user": person(user), "auth_date": str(auth_date), **more}
    return signed(fields)


def _lines(fields: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))

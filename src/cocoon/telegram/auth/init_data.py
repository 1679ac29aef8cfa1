"""initData: what Telegram signs about who opened a Mini App.

Source: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app (HMAC) and
#validating-data-for-third-party-use (Ed25519).
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote_to_bytes

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cocoon.errors import ConfigError, LoginError

PRODUCTION_KEY = bytes.fromhex("e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d")
"""Telegram's Ed25519 key."""
TEST_KEY = bytes.fromhex("40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec")
"""Of Telegram's test servers."""
MAX_BYTES = 8 * 1024
MAX_FIELDS = 32
MAX_NAME = 256
"""Characters of a first name; Telegram allows 64."""
MAX_START_PARAM = 512
MAX_USER = 2**52
"""Ids have at most 52 significant bits (https://core.telegram.org/bots/api#user)."""
MAX_AHEAD = 30.0
"""Seconds that Telegram's clock may be ahead of ours."""

_name = re.compile(r"[a-z0-9_]{1,64}")
_hash = re.compile(r"[0-9a-f]{64}")
_date = re.compile(r"[1-9][0-9]{0,11}")
_signature = re.compile(r"[A-Za-z0-9_-]{86}(==)?")
_language = re.compile(r"[A-Za-z0-9-]{1,16}")
_escape = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class InitDataKeys:
    """What initData is checked against; every form whose key is given must hold.

    With both, whoever steals the bot's token alone still cannot log in as somebody.

    Attributes:
        bot_id: Telegram's id of the bot.
        token: of the bot, for the HMAC form; empty leaves that form out.
        public_key: 32 bytes, for the Ed25519 form; None leaves that form out.

    Raises:
        ConfigError: there is neither key, or the public key is none.
    """

    bot_id: int
    token: str = field(default="", repr=False)
    public_key: bytes | None = PRODUCTION_KEY

    def __post_init__(self) -> None:
        if not self.token and self.public_key is None:
            raise ConfigError("initData cannot be checked without the bot's token or a public key")
        if self.public_key is not None and len(self.public_key) != 32:
            raise ConfigError("an Ed25519 key has 32 bytes")

    @classmethod
    def of_bot(cls, token: str, public_key: bytes | None = PRODUCTION_KEY) -> Self:
        """Both forms, for who has the bot's token.

        Raises:
            ConfigError: it is not a bot's token.
        """
        number = token.partition(":")[0]
        if not (number.isascii() and number.isdigit()):
            raise ConfigError("the bot's token is not one: BotFather gives such as 123456:ABC-DEF")
        return cls(int(number), token, public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class InitData:
    """What Telegram said; names never show in ``repr``.

    Attributes:
        user: Telegram's id of the person.
        auth_date: Unix seconds when the app was opened.
        first_name, language: of the person; ``language`` is an IETF tag or empty.
        start_param: of the link that opened the app, or empty.
        hash: SHA-256 of what was signed, hex: the same for every way of writing the same data.
    """

    user: int
    auth_date: int
    first_name: str = field(default="", repr=False)
    language: str = ""
    start_param: str = field(default="", repr=False)
    hash: str = field(repr=False)


class _User(msgspec.Struct):
    id: int
    first_name: str = ""
    language_code: str = ""
    is_bot: bool = False


_user = msgspec.json.Decoder(_User)


def check_init_data(raw: str, keys: InitDataKeys, now: float, max_age: float) -> InitData:
    """Verify initData.

    Args:
        raw: as ``Telegram.WebApp.initData`` has it, at most 8 KiB.
        keys: of the bot.
        now: Unix seconds.
        max_age: seconds after which it is too old.

    Raises:
        LoginError: it is malformed, forged, of another bot, too old, or from the future; says
            which in ``reason`` and quotes nothing.
    """
    fields = _split(raw)
    given, signature = fields.pop("hash", ""), fields.get("signature", "")
    if keys.token and not _is_ours(fields, given, keys.token):
        raise LoginError("the initData is not signed for this bot", "forged")
    del given
    fields.pop("signature", None)
    if keys.public_key is not None and not _is_telegrams(fields, signature, keys):
        raise LoginError("the initData is not signed by Telegram for this bot", "forged")
    return _read(fields, _dated(fields, now, max_age))


def _split(raw: str) -> dict[str, str]:
    """The fields of a query string; whatever two parsers could read differently is refused."""
    if len(raw) > MAX_BYTES or not raw.isascii():
        raise _malformed()
    fields: dict[str, str] = {}
    for part in raw.split("&"):
        name, equals, value = part.partition("=")
        if not equals or not _name.fullmatch(name) or name in fields or len(fields) >= MAX_FIELDS:
            raise _malformed()
        fields[name] = _decoded(value)
    return fields


def _decoded(text: str) -> str:
    if _escape.search(text):
        raise _malformed()
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise _malformed() from None
    if "\n" in decoded or "\0" in decoded:
        raise _malformed()  # a line end would make two lines of what is signed
    return decoded


def _lines(fields: dict[str, str]) -> str:
    """What is signed: the fields as lines, sorted by name."""
    return "\n".join(f"{name}={fields[name]}" for name in sorted(fields))


def _is_ours(fields: dict[str, str], given: str, token: str) -> bool:
    """Whether the HMAC form holds; in constant time."""
    if not _hash.fullmatch(given):
        return False
    secret = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    right = hmac.digest(secret, _lines(fields).encode(), hashlib.sha256)
    return hmac.compare_digest(right, bytes.fromhex(given))


def _is_telegrams(fields: dict[str, str], signature: str, keys: InitDataKeys) -> bool:
    """Whether the third-party form holds."""
    if not _signature.fullmatch(signature) or keys.public_key is None:
        return False
    try:
        sealed = base64.urlsafe_b64decode(signature[:86] + "==")
        public = Ed25519PublicKey.from_public_bytes(keys.public_key)
        public.verify(sealed, f"{keys.bot_id}:WebAppData\n{_lines(fields)}".encode())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _dated(fields: dict[str, str], now: float, max_age: float) -> int:
    """When it was signed, if that is neither too long ago nor still to come."""
    text = fields.get("auth_date", "")
    if not _date.fullmatch(text):
        raise _malformed()
    auth_date = int(text)
    if auth_date > now + MAX_AHEAD:
        raise LoginError("the initData is from the future; is the clock right?", "future")
    if now - auth_date > max_age:
        raise LoginError("the initData is too old; open the app again", "aged")
    return auth_date


def _read(fields: dict[str, str], auth_date: int) -> InitData:
    try:
        user = _user.decode(fields.get("user", ""))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise _malformed() from None
    start = fields.get("start_param", "")
    if user.is_bot or not 0 < user.id < MAX_USER or len(start) > MAX_START_PARAM:
        raise _malformed()
    language = user.language_code if _language.fullmatch(user.language_code) else ""
    return InitData(
        user=user.id,
        auth_date=auth_date,
        first_name=user.first_name[:MAX_NAME],
        language=language,
        start_param=start,
        hash=hashlib.sha256(_lines(fields).encode()).hexdigest(),
    )


def _malformed() -> LoginError:
    return LoginError("this is no initData of a person who opened the app", "malformed")

"""initData: what Telegram signs about who opened a Mini App.

Source: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app (HMAC) and
#validating-data-for-third-party-use (Ed25519).
"""

from dataclasses import dataclass, field
from typing import Self

PRODUCTION_KEY = bytes.fromhex("e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d")
"""Telegram's Ed25519 key."""
TEST_KEY = bytes.fromhex("40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec")
"""Of Telegram's test servers."""
MAX_BYTES = 8 * 1024
MAX_AHEAD = 30.0
"""Seconds that Telegram's clock may be ahead of ours."""


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

    @classmethod
    def of_bot(cls, token: str, public_key: bytes | None = PRODUCTION_KEY) -> Self:
        """Both forms, for who has the bot's token."""
        raise NotImplementedError


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
    raise NotImplementedError

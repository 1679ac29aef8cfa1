"""Session tokens: who somebody is until when, signed by the service; nothing is stored."""

from dataclasses import dataclass


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
        ConfigError: the key is too short.
    """

    def __init__(self, key: bytes, seconds: float) -> None:
        raise NotImplementedError

    def issue(self, user: int, now: float) -> tuple[str, Session]:
        """A new token."""
        raise NotImplementedError

    def check(self, token: str, now: float) -> Session:
        """Whose a token is.

        Raises:
            LoginError: it is not ours (``forged``), or has ended (``expired``).
        """
        raise NotImplementedError


def session_key(token: str, store: str) -> bytes:
    """The key of a service's sessions.

    It follows from the bot's token: sessions outlive a restart, and a new token ends them all.

    Args:
        token: of the bot.
        store: the database's URL.
    """
    raise NotImplementedError

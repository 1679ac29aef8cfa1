"""From initData to a session, each initData for one device only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cocoon.telegram.auth.init_data import InitData, InitDataKeys
from cocoon.telegram.auth.sessions import Session, Sessions


class Logins(Protocol):
    """Remembers which initData was used by whom; :class:`cocoon.telegram.accounts.Accounts`."""

    async def remember_login(self, hash: str, nonce: str, expires: int) -> bool:  # noqa: A002
        """Whether this initData is new, or was remembered with the same nonce.

        Raises:
            StoreError: the store does not work.
        """
        ...


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new session.

    Attributes:
        token: of the session.
        session: whose it is, until when.
        init_data: what Telegram said.
    """

    token: str = field(repr=False)
    session: Session
    init_data: InitData


class Login:
    """Turns initData into sessions.

    Args:
        keys: of the bot.
        sessions: makes tokens.
        logins: remembers what was used.
        max_age: seconds after which initData is too old.
        clock: Unix seconds.
    """

    def __init__(
        self,
        keys: InitDataKeys,
        sessions: Sessions,
        logins: Logins,
        max_age: float,
        clock: Callable[[], float],
    ) -> None:
        raise NotImplementedError

    async def login(self, init_data: str, nonce: str) -> LoggedIn:
        """Log somebody in.

        Args:
            init_data: as it came.
            nonce: of the device.

        Raises:
            LoginError: the initData does not verify, or was used with another nonce.
            StoreError: the store does not work.
        """
        raise NotImplementedError

    def check(self, token: str) -> Session:
        """Whose a session's token is; raises :class:`LoginError` as ``Sessions.check``."""
        raise NotImplementedError

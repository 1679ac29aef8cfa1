"""From initData to a session, each initData for one device only."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cocoon.errors import LoginError
from cocoon.telegram.auth.init_data import MAX_AHEAD, InitData, InitDataKeys, check_init_data
from cocoon.telegram.auth.sessions import Session, Sessions

_nonce = re.compile(r"[A-Za-z0-9_-]{16,64}")


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
        self._keys = keys
        self._sessions = sessions
        self._logins = logins
        self._max_age = max_age
        self._clock = clock

    async def login(
        self, init_data: str, nonce: str, *, admit: Callable[[int], None] | None = None
    ) -> LoggedIn:
        """Log somebody in.

        Args:
            init_data: as it came.
            nonce: of the device, 16 to 64 characters of base64url.
            admit: is told whose initData verified before anything is written; may raise.

        Raises:
            LoginError: the initData does not verify, or was used with another nonce.
            StoreError: the store does not work.
        """
        if not _nonce.fullmatch(nonce):
            raise LoginError("the device's nonce is not 16 to 64 letters and digits", "malformed")
        now = self._clock()
        said = check_init_data(init_data, self._keys, now, self._max_age)
        if admit is not None:
            admit(said.user)
        # Remembered until it is refused as aged anyway, whatever the clocks do.
        until = int(said.auth_date + self._max_age + MAX_AHEAD) + 1
        if not await self._logins.remember_login(said.hash, nonce, until):
            raise LoginError("this initData was used on another device", "replayed")
        token, session = self._sessions.issue(said.user, now)
        return LoggedIn(token, session, said)

    def check(self, token: str) -> Session:
        """Whose a session's token is; raises :class:`LoginError` as ``Sessions.check``."""
        return self._sessions.check(token, self._clock())

"""Commits of the books to the chain, as often as the value at risk asks for (``onchain.md`` §12).

A commit is stored before it is sent, and counts once it was seen on the proxy contract. One that
was seen and is not among the stored ones was written by somebody with our key and other books: an
older copy of the store, or a second instance. Nothing may be signed then.
"""

from collections.abc import Callable, Iterable

from cocoon.errors import SignerRegressionError
from cocoon.proxy.onchain.inbox import Committed
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.store import StateCommit


class OnChainCommitter:
    """Decides when to commit and recognises what is on chain; sends nothing itself.

    Args:
        settings: when a commit is worth its price.
        price: nanoTON of one token.
        known: commits in the store.
        clock: seconds.
        wake: called when :attr:`pending` wants to be sent.

    Attributes:
        pending: the newest stored commit that was not seen on chain yet.
        last: the newest one that was.
    """

    is_delayed = True

    def __init__(
        self,
        settings: SettlementSettings,
        price: int,
        known: Iterable[StateCommit],
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._price = price
        self._known = {commit.seqno: commit.root for commit in known}
        self._oldest = min(self._known, default=0)
        self._clock = clock
        self._wake = wake
        self._waiting_since: float | None = None
        self._on_confirmed: Callable[[int], None] = lambda _seqno: None
        self.pending: StateCommit | None = None
        self.last: Committed | None = None

    @property
    def confirmed(self) -> int:
        """Number of the newest commit that was seen on chain; 0 before the first."""
        return 0 if self.last is None else self.last.seqno

    def attach(self, on_confirmed: Callable[[int], None]) -> None:
        """Call this with the number of each flush whose commit was seen on chain."""
        self._on_confirmed = on_confirmed

    def due(self, tokens: int, *, forced: bool) -> bool:
        """Whether so many waiting tokens are worth a commit, or wait for too long."""
        if forced:
            return True
        if self.pending is not None:
            return False
        now = self._clock()
        if self._waiting_since is None:
            self._waiting_since = now
        too_long = now - self._waiting_since >= self._settings.commit_age
        return too_long or tokens * self._price >= self._settings.commit_value

    def stored(self, seqno: int, commit: StateCommit | None) -> None:  # noqa: ARG002
        """A flush is on disk, and with it this commit if one was due."""
        if commit is None:
            return
        self._known[commit.seqno] = commit.root
        self._waiting_since = None
        self.pending = commit
        self._wake()

    def knows(self, seqno: int, root: bytes) -> bool:
        """Whether this commit is one of the store's."""
        return self._known.get(seqno) == root

    def seen(self, commit: Committed) -> None:
        """A commit is on chain.

        Raises:
            SignerRegressionError: it is none of ours.
        """
        if commit.seqno < self._oldest:
            return  # the store remembers the newest only; an older copy shows by newer ones
        if not self.knows(commit.seqno, commit.root):
            raise SignerRegressionError(
                f"commit {commit.seqno} on chain is not one of this store: the store is an older "
                "copy, or another process runs with this proxy's key. Restore the newest store or "
                "stop the other process; nothing is signed until then"
            )
        if self.last is None or commit.seqno > self.last.seqno:
            self.last = commit
        for seqno in [number for number in self._known if number < commit.seqno]:
            del self._known[seqno]
        if self.pending is not None and self.pending.seqno <= commit.seqno:
            self.pending = None
        self._on_confirmed(commit.seqno)

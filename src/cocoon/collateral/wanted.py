"""What handshakes found missing: a small note-pad between them and the refresher.

Strangers write on it, so it is bounded, forgets repetitions, and gives out its notes slowly. A note
is only taken for evidence that a vendor has signed (``attestation/evidence/pck.py``), so what
strangers can name are platforms that exist.
"""

import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_random = random.SystemRandom()  # leaves the state of the shared generator alone

MAX_KEY_CHARS = 1024


@dataclass(frozen=True, slots=True)
class WantedRule:
    """How much, how fast.

    Attributes:
        capacity: notes at a time; a further one replaces a random one, so that a flood cannot
            keep a peer out that comes back.
        burst: notes that are given out at once.
        interval: seconds from one note to the next after that.
        refused_for: seconds for which a key is not noted again after the vendor knew nothing of it.
        refused_capacity: such keys that are remembered.
    """

    capacity: int = 64
    burst: int = 8
    interval: float = 10.0
    refused_for: float = 6 * 3600.0
    refused_capacity: int = 512


class Wanted:
    """Kinds and keys of collateral that somebody missed. Safe for use from several threads.

    Args:
        rule: how much, how fast.
        clock: monotonic seconds.
        randrange: returns a random number below its argument.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        rule: WantedRule | None = None,
        randrange: Callable[[int], int] = _random.randrange,
    ) -> None:
        self._rule = rule or WantedRule()
        self._clock = clock
        self._randrange = randrange
        self._lock = threading.Lock()
        self._notes: list[tuple[str, str]] = []
        self._refused: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._tokens = float(self._rule.burst)
        self._filled_at = clock()
        self.on_add: Callable[[], None] | None = None
        """Told of every new note, from whichever thread took it."""

    def __len__(self) -> int:
        return len(self._notes)

    def add(self, kind: str, key: str) -> None:
        """Take a note. Cheap: this runs inside a handshake."""
        note = (kind, key)
        with self._lock:
            if len(key) > MAX_KEY_CHARS or note in self._notes or self._is_refused(note):
                return
            if len(self._notes) >= self._rule.capacity:
                self._notes[self._randrange(len(self._notes))] = note
            else:
                self._notes.append(note)
        if self.on_add is not None:
            self.on_add()

    def take(self) -> tuple[str, str] | None:
        """The next note to act on; None when there is none, or none may be acted on yet."""
        with self._lock:
            self._refill()
            if not self._notes or self._tokens < 1:
                return None
            self._tokens -= 1
            return self._notes.pop(0)

    def wait(self) -> float | None:
        """Seconds until :meth:`take` may have something; None while there are no notes."""
        with self._lock:
            if not self._notes:
                return None
            self._refill()
            return max(0.0, (1 - self._tokens) * self._rule.interval)

    def refuse(self, kind: str, key: str) -> None:
        """The vendor knows nothing of it: do not note it again for a while."""
        with self._lock:
            self._refused[kind, key] = self._clock() + self._rule.refused_for
            self._refused.move_to_end((kind, key))
            while len(self._refused) > self._rule.refused_capacity:
                self._refused.popitem(last=False)

    def _is_refused(self, note: tuple[str, str]) -> bool:
        until = self._refused.get(note)
        if until is None:
            return False
        if self._clock() < until:
            return True
        del self._refused[note]
        return False

    def _refill(self) -> None:
        now = self._clock()
        gained = (now - self._filled_at) / self._rule.interval
        self._tokens = min(float(self._rule.burst), self._tokens + gained)
        self._filled_at = now

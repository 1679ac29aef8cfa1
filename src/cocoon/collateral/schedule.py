"""When collateral is renewed, and when it is tried again. Pure: times and chance are arguments."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefreshRule:
    """When.

    Attributes:
        fraction: of a document's life after which it is renewed.
        max_age: seconds after which it is renewed in any case: revocations come at any time.
        jitter: part of that time that is random, so that nodes do not come all at once.
        first_retry: longest wait after the first failure in seconds; doubles, up to ``max_retry``.
        max_retry: seconds.
        give_up_after: failures after which a key is forgotten that was never fetched.
        shortest: seconds between two fetches of a document that hardly lives at all.
        missed_again: seconds after which a document is renewed that verifiers call too old.
        other_process: longest wait in seconds while another process fetches.
        keep_expired: seconds after whose expiry a file is deleted; somebody may ask why.
        longest_pause: seconds after which clocks are looked at again in any case.
    """

    fraction: float = 0.5
    max_age: float = 86_400.0
    jitter: float = 0.2
    first_retry: float = 30.0
    max_retry: float = 3600.0
    give_up_after: int = 6
    shortest: float = 60.0
    missed_again: float = 900.0
    other_process: float = 2.0
    keep_expired: float = 30 * 86_400.0
    longest_pause: float = 600.0

    def renew_at(self, fetched_at: int, expires_at: int, now: float, chance: float) -> float:
        """When to renew a document, in unix seconds.

        Args:
            fetched_at: unix seconds.
            expires_at: unix seconds.
            now: unix seconds.
            chance: random, in [0, 1).
        """
        if fetched_at > now or expires_at <= now:
            return now  # a clock went back, or nothing renewed it for too long
        life = max(0.0, expires_at - fetched_at)
        due = fetched_at + min(life * self.fraction, self.max_age) * (1 - self.jitter * chance)
        return max(due, now + self.shortest) if fetched_at == int(now) else due

    def retry_wait(self, failures: int, retry_after: float, chance: float) -> float:
        """Seconds until the next try.

        Args:
            failures: in a row, from 1.
            retry_after: seconds that the vendor asked for, or 0.
            chance: random, in [0, 1).
        """
        longest = min(self.first_retry * 2.0 ** min(failures - 1, 16), self.max_retry)
        return max(longest * (0.5 + chance / 2), min(retry_after, 6 * self.max_retry))

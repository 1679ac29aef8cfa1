"""How much money a client may deposit by itself."""

from dataclasses import dataclass

from cocoon.errors import ConfigError

DAY = 86_400
DEFAULT_MAX_PER_DAY = 100 * 10**9
"""NanoTON; also what an indexer that hides our deposits from us can cost at most in a day, which is
why failed ones count too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositLimits:
    """Limits of automatic deposits, nanoTON; what a person orders is not limited by them.

    Attributes:
        deposit: one deposit; None takes the network's stake of clients. Never less than what
            brings the contract up to its stake.
        threshold: a deposit is due when less than this is left unspent; None takes half the stake.
        max_per_day: sum over all proxies within 24 hours; None sets no limit.
        max_total: sum over all proxies, ever; None sets no limit.
        require_proxy_stake: deposit only where the proxy has its stake. The official proxy contract
            pays a forced refund out of the stake alone (D4, ``onchain.md`` §18).
    """

    deposit: int | None = None
    threshold: int | None = None
    max_per_day: int | None = DEFAULT_MAX_PER_DAY
    max_total: int | None = None
    require_proxy_stake: bool = True

    def __post_init__(self) -> None:
        for name in ("deposit", "threshold", "max_per_day", "max_total"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"deposits: {name} must not be negative")

    def one_deposit(self, stake: int) -> int:
        """A usual deposit at a contract with this stake."""
        return stake if self.deposit is None else self.deposit

    def shortage(self, stake: int) -> int:
        """Below how much unspent money a deposit is due."""
        return stake // 2 if self.threshold is None else self.threshold

    def remaining(self, spent_today: int, spent_ever: int) -> int | None:
        """What may still be deposited now, or None without any limit."""
        rooms = []
        if self.max_per_day is not None:
            rooms.append(self.max_per_day - spent_today)
        if self.max_total is not None:
            rooms.append(self.max_total - spent_ever)
        return max(min(rooms), 0) if rooms else None

"""When a proxy commits, charges and pays, and what it attaches to its messages."""

from dataclasses import dataclass, fields

from cocoon.errors import ConfigError

TON = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementSettings:
    """Thresholds and amounts; money in nanoTON, times in seconds.

    A commit costs about 0.005 TON whatever it covers, so its price a day is set by turnover: at
    most ``turnover / commit_value`` commits, plus one every ``commit_age`` while something waits.

    Attributes:
        commit_value: usage waiting for a signature that is worth a commit: what a worker can lose
            if the proxy loses its store at the worst moment.
        commit_age: usage that waits longer is committed whatever it is worth.
        charge_value: committed but uncharged usage of one client that is worth a charge.
        payout_value: committed but unpaid earnings of one worker that are worth a payout.
        commission_value: commission that is worth a withdrawal.
        message_value: attached to a message; most of it comes back.
        deploy_value: left on the proxy contract for its storage.
        retry_delay: pause after a message that failed.
    """

    commit_value: int = TON // 2
    commit_age: float = 3600.0
    charge_value: int = TON
    payout_value: int = 10 * TON
    commission_value: int = 10 * TON
    message_value: int = 3 * TON // 10
    deploy_value: int = 3 * TON // 10
    retry_delay: float = 30.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) < 0:
                raise ConfigError(f"proxy: settlement.{item.name} must not be negative")
        if self.message_value < TON // 5:
            raise ConfigError("proxy: settlement.message_value must be at least 0.2 TON")

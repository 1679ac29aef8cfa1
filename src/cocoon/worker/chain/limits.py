"""When a worker has its earnings paid out."""

from dataclasses import dataclass

from cocoon.errors import ConfigError

TON = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRules:
    """When payouts are made without being asked for.

    Attributes:
        threshold: nanoTON of unpaid earnings at one proxy that are paid out at once.
        max_age: seconds after which smaller earnings are paid out too; None never does.
        smallest: nanoTON; what is not more than this stays unpaid, because fees would eat it.
    """

    threshold: int = 10 * TON
    max_age: int | None = 7 * 86_400
    smallest: int = TON // 10

    def __post_init__(self) -> None:
        if self.threshold < 0 or self.smallest < 0:
            raise ConfigError("payouts: amounts must not be negative")
        if self.max_age is not None and self.max_age < 60:
            raise ConfigError("payouts: max_age must be at least 60 seconds")

"""Budget periods: UTC days, UTC months, and all time."""

import time
from datetime import UTC, datetime, timedelta

DAY, MONTH, TOTAL = "day", "month", "total"
WORDS = {DAY: "daily", MONTH: "monthly", TOTAL: "total"}


def day_of(now: float) -> str:
    """``2026-11-22``; the name of the daily budget's period."""
    return time.strftime("%Y-%m-%d", time.gmtime(now))


def month_of(now: float) -> str:
    """``2026-11``."""
    return time.strftime("%Y-%m", time.gmtime(now))


def day_end(now: float) -> int:
    """Unix seconds of the next UTC midnight."""
    return (int(now) // 86_400 + 1) * 86_400


def month_end(now: float) -> int:
    """Unix seconds at which the next UTC month begins."""
    first = datetime.fromtimestamp(now, UTC).replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return int(following.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


def periods(now: float) -> tuple[tuple[str, str, int | None], ...]:
    """Budget, name of its period and end of it, for the three budgets at ``now``."""
    return (
        (DAY, day_of(now), day_end(now)),
        (MONTH, month_of(now), month_end(now)),
        (TOTAL, TOTAL, None),
    )


def resets(ends_at: int | None) -> str:
    """When a budget starts anew, in words."""
    if ends_at is None:
        return "and it does not start anew"
    return f"and it starts anew at {datetime.fromtimestamp(ends_at, UTC):%Y-%m-%d %H:%M} UTC"

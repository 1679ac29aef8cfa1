"""One queue for everything that a bot writes, so that Telegram never says "too many requests".

Telegram's limits are those of https://core.telegram.org/bots/faq ("My bot is hitting limits"): about
30 messages a second over all chats, one a second to a chat with short bursts, 20 a minute to a group.
"""

from cocoon.telegram.bot.delivery.values import Rank, Speed


class Pacer:
    """Says when the next call may be made."""

    def __init__(self, speed: Speed) -> None:
        self.speed = speed

    async def turn(self, key: int | str, rank: Rank) -> None:
        """Wait until a call that writes to a chat may be made."""
        raise NotImplementedError

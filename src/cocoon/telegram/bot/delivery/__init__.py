"""Everything between "the text so far" and what Telegram takes: format, pages, limits, drafts."""

from cocoon.telegram.bot.delivery.delivery import Delivery
from cocoon.telegram.bot.delivery.pacer import Pacer
from cocoon.telegram.bot.delivery.stream import LiveMessage
from cocoon.telegram.bot.delivery.values import Rank, Speed, Where

__all__ = ["Delivery", "LiveMessage", "Pacer", "Rank", "Speed", "Where"]

"""A stand-in for Telegram's servers and apps on this machine, for tests and for trying a bot.

Nothing in :mod:`cocoon.telegram` imports this: a bot meets it only where its settings name its
address.

>>> async with StandInTelegram() as telegram:                                     # doctest: +SKIP
...     bot = Bot(telegram.token, session=AiohttpSession(
...         api=TelegramAPIServer.from_base(telegram.url)))
...     alice = telegram.person("Alice")
...     await alice.send("Hello")
...     print((await alice.chat.answer()).text)
"""

from cocoon.devnet.telegram.answers import BotApiError, bad_request, forbidden, too_many
from cocoon.devnet.telegram.clock import Clock, ManualClock, SystemClock
from cocoon.devnet.telegram.groups import Group
from cocoon.devnet.telegram.inline import InlineAnswer
from cocoon.devnet.telegram.limits import Rates
from cocoon.devnet.telegram.paying import Paid, PaymentRefusedError
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.pressing import CallbackAnswer
from cocoon.devnet.telegram.server import StandInTelegram, is_stand_in_token
from cocoon.devnet.telegram.values import Draft, Event
from cocoon.devnet.telegram.views import Button, ChatView, Shown

__all__ = [
    "BotApiError",
    "Button",
    "CallbackAnswer",
    "ChatView",
    "Clock",
    "Draft",
    "Event",
    "Group",
    "InlineAnswer",
    "ManualClock",
    "Paid",
    "PaymentRefusedError",
    "Person",
    "Rates",
    "Shown",
    "StandInTelegram",
    "SystemClock",
    "bad_request",
    "forbidden",
    "is_stand_in_token",
    "too_many",
]

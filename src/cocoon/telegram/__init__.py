"""Private AI in Telegram: a bot, the server of a Mini App, accounts and payments of their users.

It needs ``pip install 'cocoon[telegram]'``. Names for programs of others are imported when they are
first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cocoon.telegram.accounts import Accounts
    from cocoon.telegram.assistant.values import Delta, Facts, Finished, Question, Turn
    from cocoon.telegram.auth.init_data import InitData, InitDataKeys, check_init_data
    from cocoon.telegram.auth.sessions import Sessions
    from cocoon.telegram.kit.private_ai import PrivateAI

__all__ = [
    "Accounts",
    "Delta",
    "Facts",
    "Finished",
    "InitData",
    "InitDataKeys",
    "PrivateAI",
    "Question",
    "Sessions",
    "Turn",
    "check_init_data",
]

_HOMES = {
    "Accounts": "accounts",
    "Delta": "assistant.values",
    "Facts": "assistant.values",
    "Finished": "assistant.values",
    "InitData": "auth.init_data",
    "InitDataKeys": "auth.init_data",
    "PrivateAI": "kit.private_ai",
    "Question": "assistant.values",
    "Sessions": "auth.sessions",
    "Turn": "assistant.values",
    "check_init_data": "auth.init_data",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cocoon.telegram.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

"""What nodes of the network say when a contract does not accept an external message.

Indexers pass the text of their liteserver on, so one reading serves both. There is no code for it.
"""

import re

_EXIT_CODE = re.compile(r"exit[ _]?code[ =:]{0,3}(-?[0-9]{1,10})")
_REJECTED = ("cannot apply external message", "was not accepted", "inbound external message")
_DUPLICATE = "duplicate message"


def is_rejection(text: str) -> bool:
    """Whether the contract refuses, so that sending the same again changes nothing."""
    return any(part in text for part in _REJECTED)


def is_duplicate(text: str) -> bool:
    """Whether the message is known already, which is as good as taken."""
    return _DUPLICATE in text


def exit_code_in(text: str) -> int | None:
    """Exit code of the contract, if the text has one."""
    found = _EXIT_CODE.search(text)
    return None if found is None else int(found[1])

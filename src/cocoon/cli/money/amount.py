"""Amounts as people write them: TON with up to nine decimals."""

import re

from cocoon.errors import ConfigError

DECIMALS = 9
MAX_NANO = 2**63 - 1
_FORM = re.compile(r"(?P<whole>[0-9]{1,10})(?:\.(?P<part>[0-9]{1,9}))?", re.ASCII)


def parse_ton(text: str) -> int:
    """NanoTON of an amount such as ``12.5``.

    Raises:
        ConfigError: not such a number, zero, or more than exists.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"not an amount in TON: {text!r}; write it as 12.5, without a unit")
    nano = int(match["whole"]) * 10**DECIMALS + int((match["part"] or "").ljust(DECIMALS, "0"))
    if not nano:
        raise ConfigError("an amount of 0 TON does nothing")
    if nano > MAX_NANO:
        raise ConfigError(f"{text} TON is more than there is")
    return int(nano)

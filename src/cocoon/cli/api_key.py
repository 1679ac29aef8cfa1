"""The API key with which commands call a gateway that asks for one."""

import os
import re

from cocoon.errors import ConfigError

VARIABLE = "COCOON_API_KEY"
"""Name of the environment's variable; the examples read it, too. Options can be seen by others."""
MAX_KEY = 512

_key = re.compile(r"[!-~]+")


def environment_key() -> str | None:
    """The key that the environment names; None without one.

    Raises:
        ConfigError: it cannot stand in a header.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    if len(text) > MAX_KEY or not _key.fullmatch(text):
        raise ConfigError(f"{VARIABLE} is no API key: it has blanks or is too long")
    return text


def bearer(key: str | None) -> dict[str, str]:
    """The header that carries it."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}

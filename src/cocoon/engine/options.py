"""What an operator says about an engine that cannot be asked, or that answers wrongly."""

import msgspec

from cocoon.engine.dialects import DIALECTS
from cocoon.engine.dialects.words import ALL_WORDS
from cocoon.errors import ConfigError


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of an engine behind a URL; the defaults ask it.

    Attributes:
        dialect: name of one of `cocoon.engine.dialects.DIALECTS`; empty: found out.
        features: words to add to what the engine is found to do.
        without: words to take away.
        context_length: tokens of prompt and answer; 0: what the engine says.
        allow_shared_cache: serve although clients share the engine's prompt cache, so that one can
            find out by timing what another has asked.
        pass_headers: further header names, in small letters, that the engine may see; for engines
            made for tests.

    Raises:
        ConfigError: a name or word does not exist.
    """

    dialect: str = ""
    features: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    context_length: int = 0
    allow_shared_cache: bool = False
    pass_headers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.dialect and self.dialect not in DIALECTS:
            raise ConfigError(f"engine: the dialect must be one of {', '.join(DIALECTS)}")
        if unknown := sorted({*self.features, *self.without} - ALL_WORDS):
            raise ConfigError(f"engine: there is no feature {unknown[0]!r}")
        if self.context_length < 0:
            raise ConfigError("engine: the context length must not be negative")

"""Any other OpenAI-compatible server: nothing is known of it, so nothing is translated.

It gets what the caller sent, less what names the caller. Whether its prompt cache is shared cannot
be known: a worker serves with it only if its operator accepts that.
"""

from typing import Final

from cocoon.engine.dialects.dialect import CALLER_FIELDS, Dialect, for_paths, same_paths
from cocoon.engine.dialects.words import (
    CHOICES,
    JSON_OBJECT,
    JSON_SCHEMA,
    LOGIT_BIAS,
    LOGPROBS,
    PATH_WORDS,
    SEED,
    TOOLS,
)

PLAIN: Final = Dialect(
    name="openai",
    title="an OpenAI-compatible server",
    paths=same_paths(*PATH_WORDS),
    features=frozenset(
        {"chat", "completions", TOOLS, JSON_OBJECT, JSON_SCHEMA, LOGPROBS, SEED, LOGIT_BIAS}
        | {CHOICES}
    ),
    rules=for_paths(tuple(PATH_WORDS), CALLER_FIELDS),
)

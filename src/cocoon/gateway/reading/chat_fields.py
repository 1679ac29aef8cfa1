"""The fields of chat and text completions: a check for each that OpenAI documents.

A field that is in no table goes to the worker as it is, which refuses what its engine does not
know. Limits are OpenAI's where it states one.
"""

from collections.abc import Mapping
from typing import Final

from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import Check
from cocoon.gateway.reading.output_fields import check_logit_bias, check_logprobs, check_modalities

MAX_STOP: Final = 4
"""Stop sequences in a call of OpenAI's API; translated APIs may have ``MAX_STOP_TRANSLATED``."""
MAX_STOP_TRANSLATED: Final = 16
MAX_STOP_LENGTH: Final = 1024
_INT64: Final = 2**63

_COMMON: Final[Mapping[str, Check]] = {
    "temperature": fields.number(0, 2),
    "top_p": fields.number(0, 1),
    "presence_penalty": fields.number(-2, 2),
    "frequency_penalty": fields.number(-2, 2),
    "seed": fields.integer(-_INT64, _INT64 - 1),
    "logit_bias": check_logit_bias,
    "stop": fields.strings(MAX_STOP_TRANSLATED, MAX_STOP_LENGTH),
}

CHAT: Final[Mapping[str, Check]] = {
    **_COMMON,
    "logprobs": fields.boolean,
    "top_logprobs": fields.integer(0, 20),
    "parallel_tool_calls": fields.boolean,
    "reasoning_effort": fields.one_of("none", "minimal", "low", "medium", "high", "xhigh"),
    "verbosity": fields.one_of("low", "medium", "high"),
    "prediction": fields.obj,
    "modalities": check_modalities,
    "audio": fields.refused("Chats answer in text; /v1/audio/speech speaks."),
    "web_search_options": fields.refused("Nothing is looked up: no part of a prompt leaves."),
}

COMPLETION: Final[Mapping[str, Check]] = {
    **_COMMON,
    "logprobs": check_logprobs,
    "echo": fields.boolean,
    "suffix": fields.string(2**20),
}

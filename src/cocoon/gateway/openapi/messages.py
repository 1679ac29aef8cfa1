"""Fields and answers of Anthropic's Messages API, which is translated to chats."""

from cocoon.gateway.openapi.chat import MODEL
from cocoon.gateway.openapi.native import NATIVE
from cocoon.gateway.openapi.schema import (
    INT32_MAX,
    Field,
    Fields,
    Schema,
    array,
    boolean,
    const,
    either,
    free,
    integer,
    nullable,
    number,
    record,
    ref,
    string,
    words,
)

_ROLE = words("user", "assistant", "system")
_TEXT = string(minLength=1)
_BLOCK = record(
    {"type": string()},
    {"text": string()},
    "`text`, `image`, `tool_use`, `tool_result` or `thinking`, as Anthropic has them.",
)
_COUNTED: Fields = {
    "model": MODEL,
    "messages": Field(
        array(record({"role": _ROLE, "content": either(_TEXT, array(_BLOCK))}), minItems=1),
        "The conversation: text, images, tool use and tool results.",
        required=True,
    ),
    "system": Field(either(string(), array(free())), "Instructions."),
    "tools": Field(array(free(), maxItems=128), "Functions; server tools are refused."),
    "tool_choice": Field(free(), "`auto`, `any`, `tool` with a name, or `none`."),
    "thinking": Field(free(), "Switches thinking of models that can."),
    "output_config": Field(free(), "`effort`, and `format` with a JSON schema."),
}
MESSAGE: Fields = {
    **_COUNTED,
    "max_tokens": Field(integer(1, INT32_MAX), "Tokens of the answer at most.", required=True),
    "stream": Field(boolean(default=False), "Answer with Anthropic's server-sent events."),
    "stop_sequences": Field(array(string(), maxItems=64), "Texts at which the answer ends."),
    "temperature": Field(number(0, 1), "Spread of sampling."),
    "top_p": Field(number(0, 1), "Share of the likeliest tokens that are sampled."),
    "top_k": Field(integer(0), "Tokens that are sampled."),
    "metadata": Field(free(), "`user_id` is your end user."),
    "service_tier": Field(string(), "Accepted; there is one tier."),
    **NATIVE,
}
COUNT: Fields = {**_COUNTED, **NATIVE}
SCHEMAS: dict[str, Schema] = {
    "Message": record(
        {
            "id": string(),
            "type": const("message"),
            "role": const("assistant"),
            "model": string(),
            "content": array(record({"type": string()})),
            "stop_reason": nullable(string()),
            "usage": record({"input_tokens": integer(0), "output_tokens": integer(0)}),
        },
        {"stop_sequence": nullable(string()), "cocoon": ref("Cocoon")},
    ),
    "MessageEvent": record(
        {"type": string()},
        text="One event, `message_start` first and `message_stop` or `error` last.",
    ),
    "TokenCount": record({"input_tokens": integer(0)}),
}

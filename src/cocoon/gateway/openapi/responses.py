"""Fields and answers of the Responses API, which is translated to chats."""

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

RESPONSE: Fields = {
    "model": MODEL,
    "input": Field(
        either(string(), array(free(), minItems=1)),
        "Text, or items: messages, function calls with their outputs, reasoning.",
        required=True,
    ),
    "instructions": Field(string(), "Becomes the first system message."),
    "stream": Field(boolean(default=False), "Answer with typed server-sent events."),
    "max_output_tokens": Field(integer(1, INT32_MAX), "Tokens of the answer at most."),
    "temperature": Field(number(), "Spread of sampling."),
    "top_p": Field(number(), "Share of the likeliest tokens that are sampled."),
    "tools": Field(array(free(), maxItems=128), "Functions; hosted tools are refused."),
    "tool_choice": Field(
        either(words("none", "auto", "required"), free()),
        "Whether it must call one, which one, or `allowed_tools`.",
    ),
    "parallel_tool_calls": Field(boolean(), "Whether several calls may stand in one answer."),
    "text": Field(free(), "`format` as in `response_format` of a chat, and `verbosity`."),
    "reasoning": Field(free(), "`effort`; how much a reasoning model thinks."),
    "top_logprobs": Field(integer(0, 20), "Likeliest tokens at each place."),
    "include": Field(array(string()), "What else to tell; logprobs of the text."),
    "metadata": Field(free(), "Comes back with the answer; nothing is stored."),
    "store": Field(boolean(), "Nothing is stored, whatever this says."),
    "user": Field(string(maxLength=256), "Your end user."),
    **NATIVE,
}
SCHEMAS: dict[str, Schema] = {
    "Response": record(
        {
            "id": string(),
            "object": const("response"),
            "status": string(),
            "model": string(),
            "output": array(record({"type": string()})),
        },
        {"usage": nullable(free()), "error": nullable(free()), "cocoon": ref("Cocoon")},
    ),
    "ResponseEvent": record(
        {"type": string(), "sequence_number": integer(0)},
        text="One typed event, such as `response.output_text.delta`; the last is "
        "`response.completed`, `response.incomplete` or `response.failed`.",
    ),
}

"""Fields of chat completions and of completions, and what is answered."""

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
)

MAX_CHOICES = 128
MODEL = Field(
    string(minLength=1, maxLength=256),
    "A model of `GET /v1/models`, or `NAME@COMMIT:HASH`: only a worker with exactly this answers.",
    required=True,
)
TOKENS = integer(0, INT32_MAX)
STREAM_OPTIONS = {
    "type": "object",
    "properties": {"include_usage": boolean(), "include_obfuscation": boolean()},
}

SHARED: Fields = {
    "model": MODEL,
    "stream": Field(boolean(default=False), "Answer with server-sent events."),
    "stream_options": Field(
        STREAM_OPTIONS, "Only with `stream`: `include_usage` asks for a last event with the usage."
    ),
    "max_tokens": Field(TOKENS, "Tokens of one answer at most; 1000 when nothing is said."),
    "max_completion_tokens": Field(TOKENS, "The same as `max_tokens`, and goes before it."),
    "n": Field(integer(1, MAX_CHOICES), "Answers to give; each is paid for."),
    "temperature": Field(number(), "Spread of sampling; 0 takes the likeliest token."),
    "top_p": Field(number(), "Share of the likeliest tokens that are sampled."),
    "frequency_penalty": Field(number(-2, 2), "Against repeating tokens, by their count."),
    "presence_penalty": Field(number(), "Against tokens that occurred at all."),
    "seed": Field(integer(None), "Makes sampling repeatable on the same worker and model."),
    "stop": Field(
        either(string(), array(string(), maxItems=16)), "Text or texts at which the answer ends."
    ),
    "logit_bias": Field(
        {"type": "object", "additionalProperties": {"type": "number"}},
        "Added to the logits of tokens, by token number.",
    ),
    "response_format": Field(
        free(), "`text`, `json_object`, or `json_schema` with a schema that the answer fits."
    ),
    "user": Field(string(maxLength=256), "Your end user; budgets can be kept for each."),
    "top_k": Field(integer(None), "Engines' own: tokens that are sampled."),
    "min_p": Field(number(), "Engines' own: least probability beside the likeliest token's."),
    "typical_p": Field(number(), "Engines' own: locally typical sampling."),
    "repetition_penalty": Field(number(), "Engines' own."),
    "length_penalty": Field(number(), "Engines' own."),
    "min_tokens": Field(integer(0), "Engines' own: tokens before a stop counts."),
    "ignore_eos": Field(boolean(), "Engines' own: go on after the model's end."),
    "stop_token_ids": Field(array(integer(None)), "Engines' own."),
    "include_stop_str_in_output": Field(boolean(), "Engines' own."),
    "skip_special_tokens": Field(boolean(), "Engines' own."),
    "spaces_between_special_tokens": Field(boolean(), "Engines' own."),
    "truncate_prompt_tokens": Field(integer(None), "Engines' own: keep the prompt's last tokens."),
}
"""Fields of both endpoints."""

TOOL = record(
    {"type": string(), "function": free()},
    text="A function that the model may call: `name`, `description`, `parameters` (JSON schema).",
)
MESSAGE = {
    "type": "object",
    "properties": {"role": string()},
    "required": ["role"],
    "description": "`role` is system, developer, user, assistant or tool; `content` a text or "
    "parts (text, image_url and others, for models that take them).",
}

CHAT: Fields = {
    **SHARED,
    "messages": Field(array(ref("ChatMessage"), minItems=1), "The conversation.", required=True),
    "tools": Field(array(ref("Tool"), maxItems=128), "Functions that the model may call."),
    "tool_choice": Field(
        either(string(enum=["none", "auto", "required"]), free()),
        "Whether it must call one; naming a function demands that one.",
    ),
    "parallel_tool_calls": Field(boolean(), "Whether several calls may stand in one answer."),
    "functions": Field(
        array(free()), "Older form of `tools`; the answer has `function_call`, one at most."
    ),
    "function_call": Field(either(string(), free()), "Older form of `tool_choice`."),
    "logprobs": Field(boolean(), "Give the log probability of each token."),
    "top_logprobs": Field(integer(0, 20), "Likeliest tokens at each place; needs `logprobs`."),
    "reasoning_effort": Field(string(), "How much a reasoning model thinks."),
    "verbosity": Field(string(), "How long answers are."),
    "chat_template_kwargs": Field(
        {
            "type": "object",
            "properties": {"enable_thinking": boolean(), "thinking": boolean()},
        },
        "Engines' own: switches of the model's template.",
    ),
    "prediction": Field(free(), "Text that the answer is expected to repeat."),
    "metadata": Field(
        {"type": "object", "additionalProperties": string(maxLength=512), "maxProperties": 16},
        "Accepted; nothing is stored.",
    ),
    "store": Field({"type": "boolean", "const": False}, "Only false: nothing is stored."),
    "service_tier": Field(string(), "Accepted; there is one tier."),
    "safety_identifier": Field(string(), "Accepted, like `user`."),
    "prompt_cache_key": Field(string(), "Accepted; caches are kept apart for each client."),
    **NATIVE,
}

COMPLETION: Fields = {
    **SHARED,
    "prompt": Field(
        either(
            string(),
            array(string(), minItems=1, maxItems=2048),
            array(integer(0), minItems=1),
            array(array(integer(0), minItems=1), minItems=1, maxItems=2048),
        ),
        "Text, texts, or the same as token numbers.",
        required=True,
    ),
    "best_of": Field(integer(1, MAX_CHOICES), "Answers to make, of which the best `n` come back."),
    "echo": Field(boolean(), "Repeat the prompt in the answer."),
    "logprobs": Field(integer(0, 5), "Likeliest tokens to tell at each place."),
    "suffix": Field(string(), "Text that comes after the answer."),
    **NATIVE,
}

USAGE = record(
    {"prompt_tokens": integer(0), "completion_tokens": integer(0), "total_tokens": integer(0)},
    {"prompt_tokens_details": nullable(free()), "completion_tokens_details": nullable(free())},
    "Tokens as the engine counted them.",
)
_HEAD = {"id": string(), "created": integer(0), "model": string()}
_MORE = {"usage": nullable(ref("Usage")), "cocoon": ref("Cocoon"), "debug": free()}

CHAT_ANSWER = record(
    {
        **_HEAD,
        "object": const("chat.completion"),
        "choices": array(
            record(
                {
                    "index": integer(0),
                    "message": record(
                        {"role": string()},
                        {
                            "content": nullable(string()),
                            "refusal": nullable(string()),
                            "reasoning_content": nullable(string()),
                            "tool_calls": nullable(array(free())),
                        },
                    ),
                    "finish_reason": nullable(string()),
                },
                {"logprobs": nullable(free())},
            )
        ),
    },
    _MORE,
)
CHAT_CHUNK = record(
    {
        **_HEAD,
        "object": const("chat.completion.chunk"),
        "choices": array(
            record(
                {"index": integer(0), "delta": free()},
                {"finish_reason": nullable(string()), "logprobs": nullable(free())},
            )
        ),
    },
    _MORE,
    "One event of a stream; `data: [DONE]` is the last, or an `error` object if it broke off.",
)
COMPLETION_ANSWER = record(
    {
        **_HEAD,
        "object": const("text_completion"),
        "choices": array(
            record(
                {"index": integer(0), "text": string()},
                {"finish_reason": nullable(string()), "logprobs": nullable(free())},
            )
        ),
    },
    _MORE,
)

SCHEMAS: dict[str, Schema] = {
    "ChatMessage": MESSAGE,
    "Tool": TOOL,
    "Usage": USAGE,
    "ChatCompletion": CHAT_ANSWER,
    "ChatCompletionChunk": CHAT_CHUNK,
    "Completion": COMPLETION_ANSWER,
}

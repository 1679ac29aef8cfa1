"""For each field of each endpoint a value that asks for something."""

from typing import Any

MODEL = "demo"
HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
_FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": _FUNCTION}
PNG = "data:image/png;base64,iVBORw0KGgo="
_SCHEMA = {"name": "thing", "schema": {"type": "object", "properties": {}}}
_FLAT_TOOL = {"type": "function", "name": "look", "parameters": {"type": "object"}}

BASES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": MODEL, "messages": HELLO, "max_tokens": 10},
    "/v1/completions": {"model": MODEL, "prompt": "Hello", "max_tokens": 10},
    "/v1/responses": {"model": MODEL, "input": "Hello", "max_output_tokens": 10},
    "/v1/messages": {"model": MODEL, "messages": HELLO, "max_tokens": 2000},
    "/v1/embeddings": {"model": MODEL, "input": "Hello"},
    "/v1/rerank": {"model": MODEL, "query": "cat", "documents": ["a", "b"]},
    "/v1/moderations": {"model": MODEL, "input": "Hello"},
    "/tokenize": {"model": MODEL, "prompt": "Hello"},
    "/detokenize": {"model": MODEL, "tokens": [1, 2]},
    "/v1/images/generations": {"model": MODEL, "prompt": "a cat"},
    "/v1/audio/speech": {"model": MODEL, "input": "Hello", "voice": "alloy"},
}
"""The least that is asked; forms are left out, their fields are checked like the others."""

_COMMON: dict[str, Any] = {
    "stream": True,
    "max_tokens": 7,
    "max_completion_tokens": 7,
    "n": 2,
    "temperature": 0.5,
    "top_p": 0.9,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "seed": 7,
    "stop": ["end"],
    "logit_bias": {"50": 10},
    "user": "someone",
    "top_k": 5,
    "min_p": 0.1,
    "typical_p": 0.9,
    "repetition_penalty": 1.1,
    "length_penalty": 1.1,
    "min_tokens": 2,
    "ignore_eos": True,
    "stop_token_ids": [2],
    "include_stop_str_in_output": True,
    "skip_special_tokens": False,
    "spaces_between_special_tokens": False,
    "truncate_prompt_tokens": 100,
    "reasoning_effort": "low",
    "verbosity": "low",
    "chat_template_kwargs": {"enable_thinking": False},
    "prediction": {"type": "content", "content": "Hello"},
    "metadata": {"purpose": "test"},
    "store": False,
    "service_tier": "auto",
    "safety_identifier": "someone",
    "prompt_cache_key": "key",
    "max_coefficient": 2000,
    "max_cost": 10**9,
    "timeout": 30,
    "enable_debug": True,
    "request_guid": "abc",
    "pin": {"evidence": ["tdx"]},
    "best_of": 2,
    "echo": True,
    "suffix": " end",
    "encoding_format": "base64",
    "dimensions": 4,
    "top_n": 1,
    "return_documents": True,
    "max_tokens_per_doc": 100,
    "add_special_tokens": True,
    "add_generation_prompt": True,
    "continue_final_message": True,
    "return_token_strs": True,
    "negative_prompt": "dogs",
    "size": "512x512",
    "quality": "high",
    "style": "vivid",
    "background": "opaque",
    "moderation": "low",
    "output_format": "png",
    "output_compression": 80,
    "num_inference_steps": 20,
    "guidance_scale": 5.5,
    "instructions": "Be brief.",
    "speed": 1.5,
    "stream_format": "audio",
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {"effort": "low"},
    "stop_sequences": ["end"],
    "system": "Be brief.",
    "parallel_tool_calls": False,
}
_PAIRS: dict[str, dict[str, Any]] = {
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
    "tools": {"tools": [TOOL]},
    "tool_choice": {"tools": [TOOL], "tool_choice": "required"},
    "parallel_tool_calls": {"tools": [TOOL], "parallel_tool_calls": False},
    "functions": {"functions": [_FUNCTION]},
    "function_call": {"functions": [_FUNCTION], "function_call": "auto"},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 2},
    "response_format": {"response_format": {"type": "json_schema", "json_schema": _SCHEMA}},
}
_OWN: dict[str, dict[str, dict[str, Any]]] = {
    "/v1/completions": {"logprobs": {"logprobs": 2}},
    "/v1/responses": {
        "tools": {"tools": [_FLAT_TOOL]},
        "tool_choice": {"tools": [_FLAT_TOOL], "tool_choice": "required"},
        "parallel_tool_calls": {"tools": [_FLAT_TOOL], "parallel_tool_calls": False},
        "text": {"text": {"format": {"type": "json_schema", **_SCHEMA}}},
        "reasoning": {"reasoning": {"effort": "low"}},
        "include": {"include": ["message.output_text.logprobs"]},
        "top_logprobs": {"top_logprobs": 2},
        "max_output_tokens": {"max_output_tokens": 20},
    },
    "/v1/messages": {
        "tools": {"tools": [{"name": "look", "input_schema": {"type": "object"}}]},
        "tool_choice": {
            "tools": [{"name": "look", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        },
        "metadata": {"metadata": {"user_id": "someone"}},
    },
    "/tokenize": {
        "messages": {"prompt": None, "messages": HELLO},
        "tools": {"prompt": None, "messages": HELLO, "tools": [TOOL]},
        "add_generation_prompt": {
            "prompt": None,
            "messages": HELLO,
            "add_generation_prompt": False,
        },
        "continue_final_message": {
            "prompt": None,
            "messages": HELLO,
            "continue_final_message": True,
            "add_generation_prompt": False,
        },
        "chat_template_kwargs": {
            "prompt": None,
            "messages": HELLO,
            "chat_template_kwargs": {"enable_thinking": False},
        },
    },
    "/v1/images/generations": {
        "response_format": {"response_format": "b64_json"},
        "stream": {"stream": False},
        "n": {"n": 2},
    },
    "/v1/audio/speech": {"response_format": {"response_format": "wav"}},
}


def sample(path: str, name: str) -> dict[str, Any]:
    """A body that uses a field, as little else as possible.

    Raises:
        KeyError: there is no sample for it.
    """
    base = BASES[path]
    pair = _OWN.get(path, {}).get(name) or _PAIRS.get(name)
    if pair is None:
        pair = {name: _COMMON[name] if name in _COMMON else base[name]}
    return {key: value for key, value in {**base, **pair}.items() if value is not None}

"""Every engine's dialect, for any value of every field that it has a rule for."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.engine.base import EngineLoad
from cocoon.engine.dialects import DIALECTS, LLAMACPP, OLLAMA, SGLANG, VLLM, prepare
from cocoon.engine.dialects.cache import CacheSalts
from cocoon.engine.dialects.dialect import RESERVED
from cocoon.engine.dialects.metrics import read_load
from cocoon.engine.dialects.words import PATH_WORDS
from cocoon.errors import BadRequestError

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from fuzz_engine_reports import fuzz_one

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = sorted(
    {name for dialect in DIALECTS.values() for rules in dialect.rules.values() for name in rules}
    | RESERVED
    | {"data", "id", "models", "capabilities", "tokens", "content", "count", "index", "score"}
)
BODIES = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6)


def fields(**values: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in values.items()}


@given(st.binary(max_size=300) | BODIES.map(lambda body: json.dumps(body).encode()))
def test_nothing_escapes(data: bytes) -> None:
    fuzz_one(data)


@given(BODIES, st.sampled_from(sorted(DIALECTS)), st.sampled_from(sorted(PATH_WORDS)))
def test_reserved_fields_never_reach_an_engine(body: Any, name: str, path: str) -> None:
    try:
        made = prepare(DIALECTS[name], path, fields(**body), "ours")
    except BadRequestError:
        return
    ours = {"cache_salt", "cache_prompt"}
    assert not (set(made.fields) & RESERVED) - ours
    assert bytes(made.fields.get("cache_salt", msgspec.Raw(b'"ours"'))) == b'"ours"'
    assert bytes(made.fields.get("cache_prompt", msgspec.Raw(b"false"))) == b"false"
    assert not {"user", "safety_identifier", "metadata"} & set(made.fields) or path in {
        path for path in PATH_WORDS if path not in DIALECTS[name].rules
    }


CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("name", "sent", "got"),
    [
        ("vllm", {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
         {"tools": [{"type": "function", "function": {"name": "f"}}],
          "tool_choice": {"type": "function", "function": {"name": "f"}}, "cache_salt": "s"}),
        ("sglang", {"include_stop_str_in_output": True}, {"no_stop_trim": True, "cache_salt": "s"}),
        ("llama.cpp", {"repetition_penalty": 1.1, "reasoning_effort": "none"},
         {"repeat_penalty": 1.1, "cache_prompt": False,
          "chat_template_kwargs": {"reasoning_effort": "none", "enable_thinking": False}}),
        ("ollama", {"max_completion_tokens": 5, "max_tokens": 9, "n": 1, "logprobs": False},
         {"max_tokens": 5}),
        ("ollama", {"chat_template_kwargs": {"enable_thinking": False}},
         {"reasoning_effort": "none"}),
        ("ollama", {"tools": [1], "tool_choice": "none", "reasoning_effort": "minimal"},
         {"reasoning_effort": "low"}),
        ("openai", {"user": "u", "seed": 1}, {"seed": 1}),
        ("vllm", {"stream_options": {"include_usage": True, "include_obfuscation": False}},
         {"stream_options": {"include_usage": True}, "cache_salt": "s"}),
    ],
)  # fmt: skip
def test_translations(name: str, sent: Any, got: Any) -> None:
    made = prepare(DIALECTS[name], CHAT, fields(**sent), "s")
    assert {key: json.loads(bytes(raw)) for key, raw in made.fields.items()} == got


@pytest.mark.parametrize(
    ("dialect", "sent"),
    [
        (OLLAMA, {"n": 2}),
        (OLLAMA, {"tool_choice": "required"}),
        (OLLAMA, {"logprobs": True}),
        (VLLM, {"typical_p": 0.5}),
        (SGLANG, {"truncate_prompt_tokens": 5}),
        (LLAMACPP, {"stop_token_ids": [7]}),
    ],
)
def test_what_an_engine_would_ignore_is_refused(dialect: Any, sent: Any) -> None:
    with pytest.raises(BadRequestError, match=f"field '{next(iter(sent))}'"):
        prepare(dialect, CHAT, fields(**sent), "s")


def test_salts_part_clients() -> None:
    salts = CacheSalts()
    one, two = bytes(32), bytes(31) + b"\1"
    assert salts.of(one) == salts.of(one) != salts.of(two)
    assert salts.of(b"") != salts.of(b"")
    assert CacheSalts().of(one) != salts.of(one)
    with pytest.raises(BadRequestError):
        salts.of(b"short")


def test_load() -> None:
    text = (
        b'# HELP vllm:num_requests_running x\nvllm:num_requests_running{engine="0"} 2.0\n'
        b'vllm:num_requests_running{engine="1"} 1.0\nvllm:num_requests_waiting{engine="0"} 4.0\n'
        b'vllm:kv_cache_usage_perc{model_name="a } b"} 0.25\nvllm:kv_cache_usage_perc NaN\n'
    )
    assert read_load(VLLM, text) == EngineLoad(3, 4, 0.25)
    assert read_load(SGLANG, text) is None

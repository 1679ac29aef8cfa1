"""Which engine is behind a URL and what it can do: scripted servers, one for each engine."""

import json
from typing import Any

import pytest

from cocoon.engine.dialects.discovery import Discovered, Reply, discover
from cocoon.engine.dialects.words import ALL_WORDS, PATH_WORDS
from cocoon.engine.options import EngineOptions
from cocoon.errors import ConfigError, EngineError
from cocoon.wire import features

pytestmark = pytest.mark.anyio

Pages = dict[str, Any]


def models(owner: str, **more: Any) -> Pages:
    return {"/v1/models": {"object": "list", "data": [{"id": "m", "owned_by": owner, **more}]}}


async def found(pages: Pages, **options: Any) -> Discovered:
    async def ask(_method: str, path: str, body: bytes) -> Reply:
        page = pages.get(path)
        if callable(page):
            page = page(json.loads(body))
        if page is None:
            return Reply(404, b"{}")
        return Reply(200, page if isinstance(page, bytes) else json.dumps(page).encode())

    return await discover(ask, "m", EngineOptions(**options))


def vllm(version: str = "0.11.0", metrics: bytes = b"") -> Pages:
    def chat(body: dict[str, Any]) -> dict[str, Any] | None:
        return None if isinstance(body["messages"][0]["content"], list) else {}

    return {
        **models("vllm", max_model_len=32768),
        "/version": {"version": version},
        "/metrics": metrics,
        "/v1/chat/completions": chat,
        "/v1/completions": {},
    }


async def test_vllm_separates_clients_by_salt() -> None:
    what = (await found(vllm())).capabilities
    assert (what.engine, what.version, what.context_length) == ("vllm", "0.11.0", 32768)
    assert {"chat", "completions", "tools", "tool-choice", "tokenize"} <= set(what.features)
    assert not {"image-input", "embeddings", "rerank"} & set(what.features)
    assert not what.shares_prompt_cache
    assert not what.refusal


async def test_an_old_vllm_must_not_serve_unless_its_cache_is_off() -> None:
    what = (await found(vllm("0.9.2"))).capabilities
    assert "could tell by timing" in what.refusal
    assert "chat" not in what.features
    off = b'vllm:cache_config_info{block_size="16",enable_prefix_caching="False"} 1.0\n'
    assert not (await found(vllm("0.9.2", off))).capabilities.refusal
    on = off.replace(b"False", b"True")
    assert (await found(vllm("0.9.2", on))).capabilities.refusal


async def test_vllm_embeddings_need_the_cache_off() -> None:
    pages = {**models("vllm"), "/version": {"version": "0.11.0"}, "/v1/embeddings": {}}
    assert (await found(pages)).capabilities.refusal
    off = b'vllm:cache_config_info{enable_prefix_caching="False"} 1.0\n'
    what = (await found({**pages, "/metrics": off})).capabilities
    assert "embeddings" in what.features
    assert not what.refusal


def sglang(**info: Any) -> Pages:
    return {
        **models("sglang", max_model_len=8192),
        "/server_info": {
            "version": "0.5.18",
            "disable_radix_cache": False,
            "api_key": "secret",
            "tool_call_parser": "qwen25",
            "reasoning_parser": None,
            **info,
        },
        "/model_info": {"has_image_understanding": True},
    }


async def test_sglang() -> None:
    what = (await found(sglang())).capabilities
    assert (what.engine, what.version, what.context_length) == ("sglang", "0.5.18", 8192)
    assert {"tools", "tool-choice", "image-input", "chat"} <= set(what.features)
    assert "reasoning" not in what.features
    assert not what.refusal
    assert not what.shares_prompt_cache


@pytest.mark.parametrize(
    "info",
    [{"version": "0.5.10"}, {"enable_lmcache": True}, {"hicache_storage_backend": "file"}],
)
async def test_sglang_whose_salt_does_not_hold(info: dict[str, Any]) -> None:
    what = (await found(sglang(**info))).capabilities
    assert "--disable-radix-cache" in what.refusal
    assert not (await found(sglang(disable_radix_cache=True, **info))).capabilities.refusal
    accepted = (await found(sglang(**info), allow_shared_cache=True)).capabilities
    assert accepted.shares_prompt_cache
    assert not accepted.refusal


async def test_llamacpp_with_and_without_its_properties() -> None:
    props = {
        "default_generation_settings": {"n_ctx": 2048},
        "build_info": "b7000-abc",
        "modalities": {"vision": True, "audio": False},
        "chat_template_caps": {"supports_tools": True},
    }
    pages = {**models("llamacpp", meta={"n_ctx": 4096}), "/props": props, "/v1/embeddings": {}}
    what = (await found(pages)).capabilities
    assert (what.engine, what.version, what.context_length) == ("llama.cpp", "b7000-abc", 2048)
    assert {"embeddings", "image-input", "tools"} <= set(what.features)
    assert "rerank" not in what.features
    assert not what.refusal
    del pages["/props"]
    assert (await found(pages)).capabilities.context_length == 4096


async def test_ollama_is_refused_unless_its_operator_accepts_the_shared_cache() -> None:
    show = {
        "capabilities": ["completion", "tools", "thinking"],
        "model_info": {"qwen3.context_length": 40960},
        "parameters": "temperature 0.6\nnum_ctx 16384",
    }
    pages = {**models("library"), "/api/version": {"version": "0.12.0"}, "/api/show": show}
    assert "accept it with engine.allow_shared_cache" in (await found(pages)).capabilities.refusal
    what = (await found(pages, allow_shared_cache=True)).capabilities
    assert (what.engine, what.context_length) == ("ollama", 16384)
    assert {"chat", "tools", "reasoning", "seed"} <= set(what.features)
    assert "tool-choice" not in what.features
    pages["/api/ps"] = {"models": [{"name": "m", "context_length": 8192}]}
    loaded = await found(pages, allow_shared_cache=True)
    assert loaded.capabilities.context_length == 8192


async def test_other_servers_are_told_apart_by_their_pages_and_otherwise_unknown() -> None:
    props = {"/props": {"default_generation_settings": {"n_ctx": 1}}}
    assert (await found({**models("me"), **props})).dialect.name == "llama.cpp"
    plain = (await found(models("me"), allow_shared_cache=True)).capabilities
    assert (plain.engine, plain.context_length) == ("openai", 0)
    assert (await found(models("me"))).capabilities.refusal


async def test_operators_have_the_last_word() -> None:
    what = (
        await found(
            models("me"),
            dialect="openai",
            allow_shared_cache=True,
            features=("speech",),
            without=("seed",),
            context_length=77,
        )
    ).capabilities
    assert "speech" in what.features
    assert "seed" not in what.features
    assert what.context_length == 77
    with pytest.raises(ConfigError, match="no feature"):
        EngineOptions(features=("magic",))
    with pytest.raises(ConfigError, match="dialect"):
        EngineOptions(dialect="gpt")


@pytest.mark.parametrize("page", [b"", b"[]", b'{"data":[]}', b'{"data":[{"id":1}]}', b"[" * 999])
async def test_nonsense_is_an_engine_error(page: bytes) -> None:
    with pytest.raises(EngineError):
        await found({"/v1/models": page})


def test_the_words_are_those_of_the_wire() -> None:
    assert features.ENDPOINTS == PATH_WORDS
    words = {
        value for name, value in vars(features).items() if name.isupper() and isinstance(value, str)
    }
    assert words == ALL_WORDS

"""Find out which engine is behind a URL, and what it can do with one model.

`discover` asks with plain GET requests and, of engines that do not say which endpoints work (vLLM),
with requests for a single token. An endpoint that a server does not have is an answer, not an
error; only a server that does not answer at all, or with nonsense, is an `EngineError`.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

from cocoon.engine.base import EngineCapabilities
from cocoon.engine.dialects import (
    DIALECTS,
    LLAMACPP,
    OLLAMA,
    PLAIN,
    SGLANG,
    VLLM,
    Dialect,
    sglang,
    vllm,
)
from cocoon.engine.dialects.metrics import prefix_cache_is_off
from cocoon.engine.dialects.reports import (
    ModelReport,
    read_image_input,
    read_loaded_context,
    read_models,
    read_props,
    read_sglang,
    read_show,
    read_version,
    version_numbers,
)
from cocoon.engine.dialects.words import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    EMBEDDINGS_PATH,
    IMAGE_INPUT,
    PATH_WORDS,
    REASONING,
    RERANK_PATH,
    TOOL_CHOICE,
    TOOLS,
)
from cocoon.engine.options import EngineOptions
from cocoon.errors import EngineError

OLLAMA_CONTEXT: Final = 4096
"""Tokens that Ollama gives a model for which nothing else was set (docs.ollama.com/context-length).
"""


class Reply(NamedTuple):
    """A short answer: HTTP status and whole body."""

    status: int
    body: bytes


Ask = Callable[[str, str, bytes], Awaitable[Reply]]
"""Sends method, path and JSON body; raises only `EngineError`."""


class Discovered(NamedTuple):
    """What was found out.

    Attributes:
        dialect: how requests are written.
        capabilities: what is told to proxies.
        served: paths that may be asked; others would meet other clients in a prompt cache, or do
            not exist.
    """

    dialect: Dialect
    capabilities: EngineCapabilities
    served: frozenset[str]


class _Found(NamedTuple):
    """Of one engine: version, context, words, and whether its prompt cache is off or separable."""

    version: str = ""
    context: int = 0
    words: frozenset[str] = frozenset()
    cache_off: bool = False
    salted: bool = False


async def discover(ask: Ask, model: str, options: EngineOptions) -> Discovered:
    """Ask an engine what it is and can do.

    Args:
        ask: sends a request.
        model: the name that requests will carry; empty: the first that is listed.
        options: what the operator says about it.

    Raises:
        EngineError: it does not answer, or with nonsense.
    """
    reply = await ask("GET", "/v1/models", b"")
    if reply.status != 200:
        raise EngineError(f"GET /v1/models answers {reply.status}")
    models = read_models(reply.body)
    card = next((each for each in models if each.name == model), models[0])
    dialect = DIALECTS[options.dialect] if options.dialect else await _identify(ask, card)
    found = await _READERS[dialect.name](ask, card)
    return _judge(dialect, found, options)


async def _get(ask: Ask, path: str) -> bytes | None:
    reply = await ask("GET", path, b"")
    return reply.body if reply.status == 200 else None


async def _identify(ask: Ask, card: ModelReport) -> Dialect:
    """By ``owned_by``, then by the pages that only one engine has."""
    owners = {"vllm": VLLM, "sglang": SGLANG, "llamacpp": LLAMACPP, "library": OLLAMA}
    if card.owner in owners:
        return owners[card.owner]
    checks: tuple[tuple[str, Dialect, Callable[[bytes], object]], ...] = (
        ("/server_info", SGLANG, read_sglang),
        ("/get_server_info", SGLANG, read_sglang),
        ("/props", LLAMACPP, read_props),
        ("/api/version", OLLAMA, read_version),
    )
    for path, dialect, read in checks:
        body = await _get(ask, path)
        try:
            if body is not None and read(body):
                return dialect
        except EngineError:
            continue  # another server's page at the same path
    return PLAIN


def _judge(dialect: Dialect, found: _Found, options: EngineOptions) -> Discovered:
    """Which paths may be asked without one client noticing another, and what to tell of them."""
    may = frozenset(
        path
        for path in dialect.paths
        if found.cache_off
        or options.allow_shared_cache
        or path in dialect.cacheless
        or (found.salted and path in dialect.salted)
    )
    able = dialect.features | found.words | frozenset(options.features)
    able -= frozenset(options.without)
    path_words = frozenset(PATH_WORDS.values())
    served = frozenset(path for path in may if PATH_WORDS[path] in able)
    words = (able - path_words) | frozenset(PATH_WORDS[path] for path in served)
    wanted = [path for path in dialect.paths if PATH_WORDS[path] in able]
    shares = not found.cache_off and any(
        path not in dialect.cacheless and not (found.salted and path in dialect.salted)
        for path in wanted
    )
    lost = [path for path in wanted if path not in served and path not in dialect.cacheless]
    useful = any(path in served for path in wanted if path not in dialect.cacheless) or (
        not lost and bool(served)
    )
    capabilities = EngineCapabilities(
        engine=dialect.name,
        version=found.version,
        context_length=options.context_length or found.context,
        features=tuple(sorted(words)),
        shares_prompt_cache=shares,
        refusal="" if useful else _refusal(dialect),
    )
    return Discovered(dialect, capabilities, served)


def _refusal(dialect: Dialect) -> str:
    helps = {
        VLLM.name: "start a newer one, or one with --no-enable-prefix-caching",
        SGLANG.name: "start it with --disable-radix-cache",
    }.get(dialect.name, "use an engine that separates clients")
    return (
        f"clients would share the prompt cache of {dialect.title} and could tell by timing what "
        f"others ask; {helps}, or accept it with engine.allow_shared_cache"
    )


# One reader for each engine


async def _read_vllm(ask: Ask, card: ModelReport) -> _Found:
    version = read_version(await _get(ask, "/version") or b"{}")
    metrics = await _get(ask, "/metrics")
    return _Found(
        version,
        card.context,
        await _try_endpoints(ask, card.name),
        cache_off=metrics is not None and prefix_cache_is_off(metrics),
        salted=version_numbers(version) >= vllm.SALTED_SINCE,
    )


_TOOL: Final = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
_PIXEL: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY"
    "42YAAAAASUVORK5CYII="
)


async def _try_endpoints(ask: Ask, model: str) -> frozenset[str]:
    """Ask for one token each; vLLM answers 200 only where model and start options allow it."""
    message = [{"role": "user", "content": "a"}]
    picture = [{"type": "image_url", "image_url": {"url": _PIXEL}}]
    tries: tuple[tuple[str, dict[str, object], tuple[str, ...]], ...] = (
        (CHAT_PATH, {"messages": message, "max_tokens": 1}, ("chat", TOOL_CHOICE)),
        (CHAT_PATH, {"messages": message, "max_tokens": 1, "tools": [_TOOL]}, (TOOLS,)),
        (
            CHAT_PATH,
            {"messages": [{"role": "user", "content": picture}], "max_tokens": 1},
            (IMAGE_INPUT,),
        ),
        (COMPLETIONS_PATH, {"prompt": "a", "max_tokens": 1}, ("completions",)),
        (EMBEDDINGS_PATH, {"input": "a"}, ("embeddings",)),
        (RERANK_PATH, {"query": "a", "documents": ["a"]}, ("rerank",)),
    )
    words: set[str] = set()
    for path, fields, proven in tries:
        if path == CHAT_PATH and proven[0] != "chat" and "chat" not in words:
            continue
        reply = await ask("POST", path, msgspec.json.encode({"model": model, **fields}))
        if reply.status == 200:
            words.update(proven)
    if TOOLS not in words:
        words.discard(TOOL_CHOICE)
    return frozenset(words)


async def _read_sglang(ask: Ask, card: ModelReport) -> _Found:
    body = await _get(ask, "/server_info") or await _get(ask, "/get_server_info")
    if body is None:
        return _Found(context=card.context)
    info = read_sglang(body)
    model = await _get(ask, "/model_info") or await _get(ask, "/get_model_info")
    words = {"embeddings", "rerank"} if info.embeds else {"chat", "completions"}
    if info.tools:
        words |= {TOOLS, TOOL_CHOICE}
    if info.reasoning:
        words.add(REASONING)
    if model is not None and read_image_input(model):
        words.add(IMAGE_INPUT)
    return _Found(
        info.version,
        card.context or info.context,
        frozenset(words),
        cache_off=info.cache_off,
        salted=version_numbers(info.version) >= sglang.SALTED_SINCE and not info.cache_outside,
    )


async def _read_llamacpp(ask: Ask, card: ModelReport) -> _Found:
    """``/props`` may be switched off; the model list has the context length as well."""
    body = await _get(ask, "/props")
    words: set[str] = {"chat", "completions"}
    # Both answer 501 at once unless the server was started for them.
    tries: tuple[tuple[str, dict[str, object]], ...] = (
        (EMBEDDINGS_PATH, {"input": "a"}),
        (RERANK_PATH, {"query": "a", "documents": ["a"]}),
    )
    for path, fields in tries:
        reply = await ask("POST", path, msgspec.json.encode({"model": card.name, **fields}))
        if reply.status == 200:
            words.add(PATH_WORDS[path])
    if body is None:
        return _Found(context=card.context, words=frozenset(words))
    props = read_props(body)
    words |= {TOOLS, TOOL_CHOICE} if props.tools else set()
    words |= {IMAGE_INPUT} if props.images else set()
    words |= {"audio-input"} if props.audio else set()
    words |= {REASONING} if props.reasoning else set()
    return _Found(props.version, props.context or card.context, frozenset(words))


async def _read_ollama(ask: Ask, card: ModelReport) -> _Found:
    version = read_version(await _get(ask, "/api/version") or b"{}")
    reply = await ask("POST", "/api/show", msgspec.json.encode({"model": card.name}))
    if reply.status != 200:
        return _Found(version)
    show = read_show(reply.body)
    loaded = read_loaded_context(await _get(ask, "/api/ps") or b'{"models":[]}', card.name)
    context = loaded or show.set_context or min(OLLAMA_CONTEXT, show.context or OLLAMA_CONTEXT)
    names = {
        "completion": ("chat", "completions"),
        "tools": (TOOLS,),
        "vision": (IMAGE_INPUT,),
        "thinking": (REASONING,),
        "embedding": ("embeddings",),
    }
    words = frozenset(word for name in show.capabilities for word in names.get(name, ()))
    return _Found(version, context, words)


async def _read_plain(_ask: Ask, card: ModelReport) -> _Found:
    return _Found(context=card.context)


_READERS: Final[dict[str, Callable[[Ask, ModelReport], Awaitable[_Found]]]] = {
    VLLM.name: _read_vllm,
    SGLANG.name: _read_sglang,
    LLAMACPP.name: _read_llamacpp,
    OLLAMA.name: _read_ollama,
    PLAIN.name: _read_plain,
}

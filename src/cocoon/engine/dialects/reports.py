"""Readers of what engines say about themselves; all raise only `EngineError`.

An engine is not trusted: every number has a range, every text a length, and what does not fit is as
if it had not been said. Source for each reader: its dialect's module.
"""

import re
from typing import Any, Final

import msgspec

from cocoon.errors import EngineError

MAX_REPORT: Final = 4 << 20
"""Longest answer in bytes."""
MAX_MODELS: Final = 1024
MAX_MODEL_NAME: Final = 512
MAX_CONTEXT: Final = 1 << 30
"""Largest context length, in tokens, that is believed."""
MAX_VERSION: Final = 64
MAX_SHORT_NUMBERS: Final = 4

_BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_VERSION = re.compile(r"[0-9A-Za-z.+_\-]{1,64}", re.ASCII)
_NUM_CTX = re.compile(r"^num_ctx[ \t]+([0-9]{1,10})[ \t]*$", re.MULTILINE)


class ModelReport(msgspec.Struct, frozen=True):
    """One entry of a model list.

    Attributes:
        name: that requests use.
        owner: ``owned_by``, which most engines fill with their own name; may be empty.
        context: tokens, 0 if it is not there.
    """

    name: str
    owner: str = ""
    context: int = 0


class _Card(msgspec.Struct):
    id: Any = None
    owned_by: Any = None
    max_model_len: Any = None
    meta: Any = None


class _Cards(msgspec.Struct):
    data: list[_Card]


class SglangReport(msgspec.Struct, frozen=True):
    """Of ``/server_info`` what counts here; the rest, its API key among it, is not kept.

    Attributes:
        version: may be empty.
        context: ``context_length``, 0 if the operator set none.
        cache_off: started with ``--disable-radix-cache``.
        cache_outside: prompts are also cached where salts do not reach.
        tools: it has a parser for tool calls.
        reasoning: it has a parser for reasoning.
        embeds: it serves embeddings, not answers.
    """

    version: str = ""
    context: int = 0
    cache_off: bool = False
    cache_outside: bool = True
    tools: bool = False
    reasoning: bool = False
    embeds: bool = False


class _Sglang(msgspec.Struct):
    version: Any = None
    context_length: Any = None
    disable_radix_cache: Any = None
    enable_lmcache: Any = None
    hicache_storage_backend: Any = None
    tool_call_parser: Any = None
    reasoning_parser: Any = None
    is_embedding: Any = None


class LlamaReport(msgspec.Struct, frozen=True):
    """Of llama.cpp's ``/props``.

    Attributes:
        version: its build, may be empty.
        context: tokens that a slot has, 0 if it is not there.
        slots: requests at a time, 0 if it is not there.
        images, audio: what the model takes beside text.
        tools: the model's template knows tools.
        reasoning: the model's template knows reasoning.
    """

    version: str = ""
    context: int = 0
    slots: int = 0
    images: bool = False
    audio: bool = False
    tools: bool = False
    reasoning: bool = False


class _Props(msgspec.Struct):
    default_generation_settings: dict[str, Any]
    total_slots: Any = None
    build_info: Any = None
    modalities: Any = None
    chat_template_caps: Any = None


class OllamaReport(msgspec.Struct, frozen=True):
    """Of Ollama's ``/api/show``.

    Attributes:
        capabilities: its words, such as ``completion``, ``tools``, ``vision``.
        context: tokens that the model was made for, 0 if it is not there.
        set_context: ``num_ctx`` of its parameters, 0 if none is set.
    """

    capabilities: frozenset[str] = frozenset()
    context: int = 0
    set_context: int = 0


class _Show(msgspec.Struct):
    capabilities: Any = None
    model_info: Any = None
    parameters: Any = None


class _Loaded(msgspec.Struct):
    name: Any = None
    model: Any = None
    context_length: Any = None


class _Ps(msgspec.Struct):
    models: list[_Loaded]


def _decode(body: bytes, kind: Any, what: str) -> Any:
    if len(body) > MAX_REPORT:
        raise EngineError(f"the engine's {what} is too long")
    try:
        return msgspec.json.decode(body, type=kind)
    except _BAD_JSON:
        raise EngineError(f"the engine's {what} cannot be read") from None


def tokens(value: object) -> int:
    """A number of tokens that can be believed, or 0."""
    return value if type(value) is int and 0 < value <= MAX_CONTEXT else 0


def _version(value: object) -> str:
    return value if isinstance(value, str) and _VERSION.fullmatch(value) else ""


def _entry(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def version_numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: ``0.10.1rc2`` is (0, 10, 1)."""
    numbers: list[int] = []
    for part in version.removeprefix("v").split(".")[:MAX_SHORT_NUMBERS]:
        digits = re.match(r"[0-9]{1,6}", part, re.ASCII)
        if digits is None:
            break
        numbers.append(int(digits[0]))
        if digits[0] != part:
            break
    return tuple(numbers)


def read_models(body: bytes) -> tuple[ModelReport, ...]:
    """``GET /v1/models``.

    Raises:
        EngineError: it is no model list, or a list without models.
    """
    cards = _decode(body, _Cards, "model list").data
    models = tuple(
        ModelReport(
            card.id,
            _version(card.owned_by).lower(),
            tokens(card.max_model_len) or tokens(_entry(card.meta, "n_ctx")),
        )
        for card in cards[:MAX_MODELS]
        if isinstance(card.id, str) and 0 < len(card.id) <= MAX_MODEL_NAME
    )
    if not models:
        raise EngineError("the engine has no model loaded")
    return models


def read_version(body: bytes) -> str:
    """``{"version": …}`` of vLLM and Ollama; empty if it is not that.

    Raises:
        EngineError: it is no object.
    """
    return _version(_decode(body, dict[str, Any], "version").get("version"))


def read_sglang(body: bytes) -> SglangReport:
    """``GET /server_info`` of SGLang.

    Raises:
        EngineError: it is no such object.
    """
    info = _decode(body, _Sglang, "server info")
    if info.disable_radix_cache is None:
        raise EngineError("the engine's server info does not say whether it caches prompts")
    return SglangReport(
        version=_version(info.version),
        context=tokens(info.context_length),
        cache_off=info.disable_radix_cache is True,
        cache_outside=bool(info.enable_lmcache) or info.hicache_storage_backend is not None,
        tools=isinstance(info.tool_call_parser, str),
        reasoning=isinstance(info.reasoning_parser, str),
        embeds=info.is_embedding is True,
    )


def read_image_input(body: bytes) -> bool:
    """Whether SGLang's ``/model_info`` says that the model takes pictures.

    Raises:
        EngineError: it is no object.
    """
    return _decode(body, dict[str, Any], "model info").get("has_image_understanding") is True


def read_props(body: bytes) -> LlamaReport:
    """``GET /props`` of llama.cpp.

    Raises:
        EngineError: it is no such object.
    """
    props = _decode(body, _Props, "properties")
    caps = props.chat_template_caps
    return LlamaReport(
        version=_version(props.build_info),
        context=tokens(props.default_generation_settings.get("n_ctx")),
        slots=tokens(props.total_slots),
        images=_entry(props.modalities, "vision") is True,
        audio=_entry(props.modalities, "audio") is True,
        tools=_entry(caps, "supports_tools") is True,
        reasoning=_entry(caps, "supports_preserve_reasoning") is True,
    )


def read_show(body: bytes) -> OllamaReport:
    """``POST /api/show`` of Ollama.

    Raises:
        EngineError: it is no such object.
    """
    show = _decode(body, _Show, "model description")
    words = show.capabilities if isinstance(show.capabilities, list) else []
    info = show.model_info if isinstance(show.model_info, dict) else {}
    lengths = [tokens(info[name]) for name in info if name.endswith(".context_length")]
    set_to = _NUM_CTX.search(show.parameters) if isinstance(show.parameters, str) else None
    return OllamaReport(
        capabilities=frozenset(word for word in words[:64] if isinstance(word, str)),
        context=max(lengths, default=0),
        set_context=tokens(int(set_to[1])) if set_to else 0,
    )


def read_loaded_context(body: bytes, model: str) -> int:
    """The context length that Ollama's ``/api/ps`` gives for a loaded model, 0 if it is not there.

    Raises:
        EngineError: it is no such object.
    """
    for loaded in _decode(body, _Ps, "list of loaded models").models[:MAX_MODELS]:
        if model in (loaded.name, loaded.model):
            return tokens(loaded.context_length)
    return 0

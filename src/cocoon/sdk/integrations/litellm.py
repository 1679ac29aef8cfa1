"""LiteLLM: models named ``cocoon/…``; needs the package ``litellm``.

::

    import litellm
    from cocoon.sdk.integrations.litellm import register

    register()
    litellm.completion(model="cocoon/MODEL", messages=[...])
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import litellm
import openai
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import (
    EmbeddingResponse,
    GenericStreamingChunk,
    ModelResponse,
)

from cocoon.sdk.integrations.clients import async_openai, http_client, sync_openai
from cocoon.sdk.sync_transport import TransportClient

PROVIDER = "cocoon"


class CocoonLLM(CustomLLM):
    """The provider.

    Args:
        http: a connection that :func:`cocoon.transport` made; the process's own when None.
    """

    def __init__(self, http: TransportClient | None = None) -> None:
        super().__init__()
        connection = http or http_client()
        self._sync = sync_openai(connection).with_options(max_retries=0)
        self._async = async_openai(connection)

    def completion(self, **call: Any) -> ModelResponse:
        """A whole answer."""
        with _translated():
            answer = self._sync.chat.completions.create(**_chat(call))
        return ModelResponse(**answer.model_dump())

    def streaming(self, **call: Any) -> Iterator[GenericStreamingChunk]:
        """An answer as it comes."""
        with _translated(), self._sync.chat.completions.create(**_chat(call, True)) as stream:
            for chunk in stream:
                yield from _pieces(chunk)

    async def acompletion(self, **call: Any) -> ModelResponse:
        """A whole answer."""
        with _translated():
            answer = await self._async.chat.completions.create(**_chat(call))
        return ModelResponse(**answer.model_dump())

    async def astreaming(self, **call: Any) -> AsyncIterator[GenericStreamingChunk]:
        """An answer as it comes."""
        with _translated():
            async with await self._async.chat.completions.create(**_chat(call, True)) as stream:
                async for chunk in stream:
                    for piece in _pieces(chunk):
                        yield piece

    def embedding(self, **call: Any) -> EmbeddingResponse:
        """Embeddings."""
        with _translated():
            answer = self._sync.embeddings.create(**_embedding(call))
        return EmbeddingResponse(**answer.model_dump())

    async def aembedding(self, **call: Any) -> EmbeddingResponse:
        """Embeddings."""
        with _translated():
            answer = await self._async.embeddings.create(**_embedding(call))
        return EmbeddingResponse(**answer.model_dump())


def register(http: TransportClient | None = None) -> CocoonLLM:
    """Make models named ``cocoon/…`` known to LiteLLM.

    Args:
        http: a connection that :func:`cocoon.transport` made; the process's own when None.

    Raises:
        ConfigError: nothing was named to connect to, and no devnet runs.
    """
    handler = CocoonLLM(http)
    others = [item for item in litellm.custom_provider_map if item["provider"] != PROVIDER]
    litellm.custom_provider_map = [*others, {"provider": PROVIDER, "custom_handler": handler}]
    # What its own entry points call after a change of the map.
    litellm.utils.custom_llm_setup()
    return handler


class _translated:  # noqa: N801 - read as a word in a with statement
    """Errors as LiteLLM's callers know them."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, openai.APIStatusError):
            raise _as_litellm(error.status_code, str(error)) from error
        if isinstance(error, openai.APITimeoutError):
            raise _as_litellm(504, "no answer in time") from error
        if isinstance(error, openai.APIConnectionError):
            raise _as_litellm(502, "no proxy is ready") from error


def _as_litellm(status: int, message: str) -> Exception:
    """Its class for a status; an unknown class of ours would look like a lost connection."""
    classes = {
        400: litellm.BadRequestError,
        404: litellm.NotFoundError,
        429: litellm.RateLimitError,
        503: litellm.ServiceUnavailableError,
        504: litellm.Timeout,
    }
    found = classes.get(status)
    if found is not None:
        named: Exception = found(message=message, model="", llm_provider=PROVIDER)
        return named
    other: Exception = litellm.APIError(
        status_code=status, message=message, model="", llm_provider=PROVIDER
    )
    return other


def _chat(call: dict[str, Any], stream: bool = False) -> dict[str, Any]:
    options = dict(call.get("optional_params") or {})
    for name in ("stream", "stream_options"):
        options.pop(name, None)
    if stream:
        options |= {"stream": True, "stream_options": {"include_usage": True}}
    return {"model": call["model"], "messages": call["messages"], **_timed(call), **_split(options)}


def _embedding(call: dict[str, Any]) -> dict[str, Any]:
    options = dict(call.get("optional_params") or {})
    return {"model": call["model"], "input": call["input"], **_timed(call), **_split(options)}


_KNOWN_FIELDS = frozenset(
    {
        "audio",
        "dimensions",
        "encoding_format",
        "extra_headers",
        "extra_query",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)


def _split(options: dict[str, Any]) -> dict[str, Any]:
    """Arguments that the ``openai`` package knows; the rest, such as ``max_cost``, goes beside."""
    extra = dict(options.pop("extra_body", None) or {})
    known = {name: value for name, value in options.items() if name in _KNOWN_FIELDS}
    extra |= {name: value for name, value in options.items() if name not in _KNOWN_FIELDS}
    return {**known, "extra_body": extra} if extra else known


def _timed(call: dict[str, Any]) -> dict[str, Any]:
    limit = call.get("timeout")
    return {"timeout": float(limit)} if isinstance(limit, int | float) else {}


def _pieces(chunk: Any) -> Iterator[GenericStreamingChunk]:
    """A chunk in LiteLLM's own form: one piece for text, one for each tool call."""
    usage = None if chunk.usage is None else chunk.usage.model_dump()
    if not chunk.choices:
        yield _piece("", None, usage)
        return
    choice = chunk.choices[0]
    calls = choice.delta.tool_calls or []
    for one in calls[:-1]:
        yield _piece("", None, None, tool=one.model_dump())
    tool = calls[-1].model_dump() if calls else None
    yield _piece(choice.delta.content or "", choice.finish_reason, usage, choice.index, tool)


def _piece(
    text: str, finish: str | None, usage: Any, index: int = 0, tool: Any = None
) -> GenericStreamingChunk:
    return {
        "text": text,
        "is_finished": finish is not None,
        "finish_reason": finish or "",
        "usage": usage,
        "index": index,
        "tool_use": tool,
    }

"""LlamaIndex: ``CocoonLLM`` and ``CocoonEmbedding``; needs the package ``llama-index-core``.

They stand on the core alone: the package with LlamaIndex' ``OpenAILike`` demands an older
``openai`` than Cocoon.
"""

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import LLM
from openai import AsyncOpenAI

from cocoon.sdk.client import Client
from cocoon.sdk.integrations.clients import async_openai, http_client, sync_openai
from cocoon.sdk.sync_transport import TransportClient


class CocoonLLM(LLM):
    """A chat model of the network.

    Args:
        model: its name.
        cocoon: a connection that :func:`cocoon.transport` made; the process's own when None.
        options: ``context_window``, ``max_tokens``, ``temperature`` and further arguments for each
            request in ``additional_kwargs``.

    Raises:
        ConfigError: nothing was named to connect to, and no devnet runs.
    """

    model: str
    context_window: int = Field(default=4096, description="Tokens of prompt and answer.")
    max_tokens: int | None = Field(default=None, description="Tokens of an answer at most.")
    temperature: float | None = Field(default=None)
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    _sync: Client = PrivateAttr()
    _async: AsyncOpenAI = PrivateAttr()

    def __init__(self, model: str, *, cocoon: TransportClient | None = None, **options: Any):
        super().__init__(model=model, **options)
        http = cocoon or http_client()
        self._sync = sync_openai(http).with_options(max_retries=0)
        self._async = async_openai(http)

    @classmethod
    def class_name(cls) -> str:
        """LlamaIndex' name for it."""
        return "CocoonLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex plans with."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.max_tokens or 256,
            is_chat_model=True,
            model_name=self.model,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """A whole answer."""
        answer = self._sync.chat.completions.create(**self._request(messages, kwargs))
        return _answer(answer)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """An answer as it comes."""

        def parts() -> ChatResponseGen:
            so_far = ""
            request = self._request(messages, kwargs)
            with self._sync.chat.completions.create(**request, stream=True) as stream:
                for chunk in stream:
                    delta = _delta(chunk)
                    so_far += delta
                    yield _part(so_far, delta, chunk)

        return parts()

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """A whole answer."""
        return _answer(await self._async.chat.completions.create(**self._request(messages, kwargs)))

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """An answer as it comes."""

        async def parts() -> ChatResponseAsyncGen:
            so_far = ""
            request = self._request(messages, kwargs)
            async with await self._async.chat.completions.create(**request, stream=True) as stream:
                async for chunk in stream:
                    delta = _delta(chunk)
                    so_far += delta
                    yield _part(so_far, delta, chunk)

        return parts()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """A whole answer to a prompt."""
        return _completed(self.chat(_user(prompt), **kwargs))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """An answer to a prompt as it comes."""
        return (_completed(part) for part in self.stream_chat(_user(prompt), **kwargs))

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """A whole answer to a prompt."""
        return _completed(await self.achat(_user(prompt), **kwargs))

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """An answer to a prompt as it comes."""
        stream = await self.astream_chat(_user(prompt), **kwargs)
        return (_completed(part) async for part in stream)

    def _request(self, messages: Sequence[ChatMessage], more: dict[str, Any]) -> dict[str, Any]:
        limits = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        known = {name: value for name, value in limits.items() if value is not None}
        return {
            "model": self.model,
            "messages": [
                {"role": message.role.value, "content": message.content or ""}
                for message in messages
            ],
            **known,
            **self.additional_kwargs,
            **more,
        }


class CocoonEmbedding(BaseEmbedding):
    """Embeddings of the network.

    Args:
        model_name: of the model.
        cocoon: a connection that :func:`cocoon.transport` made; the process's own when None.
        options: as for LlamaIndex' ``BaseEmbedding``.

    Raises:
        ConfigError: nothing was named to connect to, and no devnet runs.
    """

    _sync: Client = PrivateAttr()
    _async: AsyncOpenAI = PrivateAttr()

    def __init__(self, model_name: str, *, cocoon: TransportClient | None = None, **options: Any):
        super().__init__(model_name=model_name, **options)
        http = cocoon or http_client()
        self._sync = sync_openai(http).with_options(max_retries=0)
        self._async = async_openai(http)

    @classmethod
    def class_name(cls) -> str:
        """LlamaIndex' name for it."""
        return "CocoonEmbedding"

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        answer = self._sync.embeddings.create(model=self.model_name, input=texts)
        return [item.embedding for item in answer.data]

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        answer = await self._async.embeddings.create(model=self.model_name, input=texts)
        return [item.embedding for item in answer.data]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._aget_text_embeddings([text]))[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await self._aget_text_embedding(query)


def _user(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=prompt)]


def _answer(answer: Any) -> ChatResponse:
    text = answer.choices[0].message.content or ""
    return ChatResponse(
        message=ChatMessage(role=MessageRole.ASSISTANT, content=text),
        raw=answer,
        additional_kwargs={} if answer.usage is None else answer.usage.model_dump(),
    )


def _delta(chunk: Any) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


def _part(so_far: str, delta: str, chunk: Any) -> ChatResponse:
    message = ChatMessage(role=MessageRole.ASSISTANT, content=so_far)
    return ChatResponse(message=message, delta=delta, raw=chunk)


def _completed(answer: ChatResponse) -> CompletionResponse:
    text = answer.message.content or ""
    return CompletionResponse(text=text, delta=answer.delta, raw=answer.raw)

"""The table of endpoints: one line for each path and method."""

from dataclasses import dataclass
from typing import Any

from cocoon.gateway.openapi import admin, chat, media, messages, more, responses, service
from cocoon.gateway.openapi.schema import Fields, Schema

TEXT, VECTORS, MEDIA = "Chat and text", "Vectors and tokens", "Images and sound"
MODELS, KEYS, SERVICE = "Models and prices", "Keys and usage", "This gateway"
DEMO = "SmolLM2-135M-Instruct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation of the document.

    Attributes:
        method, path: how it is called; the path may have ``{parameters}``.
        group: heading under which the page shows it.
        name: ``operationId``.
        summary, text: what it does, in a line and in a paragraph.
        fields: of its body; None when it has none.
        media: content type of its body.
        answer: name of the schema of a whole answer, or None where it is not JSON.
        answer_media: content type of an answer without schema.
        other_media: a further content type of its answer, without schema.
        not_ready: name of the schema of a 503 that is no error, or None.
        event: name of the schema of one event of its stream, or None where it has none.
        runs: whether it runs an engine, and so has Cocoon's headers and the network's errors.
        keyed: whether it asks for a key where keys are configured.
        success: status of its success.
        statuses: further statuses that it answers with, all with an error body.
        dialect: whose form its errors have.
        parameters: OpenAPI parameter objects of path and query.
        examples: bodies, by name.
    """

    method: str = "get"
    path: str
    group: str
    name: str
    summary: str
    text: str = ""
    fields: Fields | None = None
    media: str = "application/json"
    answer: str | None = None
    answer_media: str = "application/json"
    other_media: str | None = None
    not_ready: str | None = None
    event: str | None = None
    runs: bool = False
    keyed: bool = True
    success: int = 200
    statuses: tuple[int, ...] = ()
    dialect: str = "Error"
    parameters: tuple[Schema, ...] = ()
    example: Schema | None = None


_HELLO = [{"role": "user", "content": "Why is the sky blue?"}]
_NAME = (
    {
        "name": "model",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": "Base name or full name.",
    },
)


def _run(path: str, group: str, name: str, summary: str, **more: Any) -> Endpoint:
    return Endpoint(
        method="post", path=path, group=group, name=name, summary=summary, runs=True, **more
    )


def _get(path: str, group: str, name: str, summary: str, **more: Any) -> Endpoint:
    return Endpoint(path=path, group=group, name=name, summary=summary, **more)


_TEXTS = (
    _run(
        "/v1/chat/completions",
        TEXT,
        "createChatCompletion",
        "Answer a conversation",
        fields=chat.CHAT,
        answer="ChatCompletion",
        event="ChatCompletionChunk",
        example={"model": DEMO, "messages": _HELLO, "max_tokens": 100},
    ),
    _run(
        "/v1/responses",
        TEXT,
        "createResponse",
        "Answer in the form of the Responses API",
        text="Nothing is stored: send the items of earlier answers as input.",
        fields=responses.RESPONSE,
        answer="Response",
        event="ResponseEvent",
        example={"model": DEMO, "input": "Why is the sky blue?", "max_output_tokens": 100},
    ),
    _run(
        "/v1/messages",
        TEXT,
        "createMessage",
        "Answer in the form of Anthropic's Messages API",
        text="A key may stand in `x-api-key` as well.",
        fields=messages.MESSAGE,
        answer="Message",
        event="MessageEvent",
        dialect="AnthropicError",
        example={"model": DEMO, "max_tokens": 100, "messages": _HELLO},
    ),
    _run(
        "/v1/messages/count_tokens",
        TEXT,
        "countMessageTokens",
        "Count the tokens of a message",
        fields=messages.COUNT,
        answer="TokenCount",
        dialect="AnthropicError",
        example={"model": DEMO, "messages": _HELLO},
    ),
    _run(
        "/v1/completions",
        TEXT,
        "createCompletion",
        "Continue a text",
        fields=chat.COMPLETION,
        answer="Completion",
        event="Completion",
        example={"model": DEMO, "prompt": "Once upon", "max_tokens": 20},
    ),
)
_NUMBERS = (
    _run(
        "/v1/embeddings",
        VECTORS,
        "createEmbedding",
        "Turn texts into vectors",
        fields=more.EMBEDDING,
        answer="EmbeddingList",
        example={"model": DEMO, "input": ["a cat", "a kitten"]},
    ),
    _run(
        "/v1/rerank",
        VECTORS,
        "rerank",
        "Sort documents by a query",
        fields=more.RERANK,
        answer="RerankResult",
        example={"model": "a-reranker", "query": "cats", "documents": ["a cat", "a bank"]},
    ),
    _run(
        "/v1/moderations",
        VECTORS,
        "createModeration",
        "Judge texts",
        fields=more.MODERATION,
        answer="Moderation",
        example={"model": "a-moderator", "input": "I love this."},
    ),
    _run(
        "/tokenize",
        VECTORS,
        "tokenize",
        "Turn text into token numbers",
        fields=more.TOKENIZE,
        answer="Tokens",
        example={"model": DEMO, "prompt": "Hello"},
    ),
    _run(
        "/detokenize",
        VECTORS,
        "detokenize",
        "Turn token numbers into text",
        fields=more.DETOKENIZE,
        answer="Detokenized",
        example={"model": DEMO, "tokens": [19556]},
    ),
)
_ALIASES = (
    _run(
        "/v1/tokenize",
        VECTORS,
        "tokenizeV1",
        "The same as /tokenize",
        fields=more.TOKENIZE,
        answer="Tokens",
        example={"model": DEMO, "prompt": "Hello"},
    ),
    _run(
        "/v1/detokenize",
        VECTORS,
        "detokenizeV1",
        "The same as /detokenize",
        fields=more.DETOKENIZE,
        answer="Detokenized",
        example={"model": DEMO, "tokens": [19556]},
    ),
)
_SENSES = (
    _run(
        "/v1/images/generations",
        MEDIA,
        "createImage",
        "Make pictures",
        fields=media.IMAGE,
        answer="Images",
        example={"model": "a-painter", "prompt": "a lighthouse", "size": "512x512"},
    ),
    _run(
        "/v1/audio/transcriptions",
        MEDIA,
        "createTranscription",
        "Write down what is said",
        fields=media.TRANSCRIPTION,
        media="multipart/form-data",
        answer="Transcript",
        event="Transcript",
        example={"model": "a-listener", "file": "@speech.wav"},
    ),
    _run(
        "/v1/audio/translations",
        MEDIA,
        "createTranslation",
        "Write down what is said, in English",
        fields=media.TRANSLATION,
        media="multipart/form-data",
        answer="Transcript",
        example={"model": "a-listener", "file": "@speech.wav"},
    ),
    _run(
        "/v1/audio/speech",
        MEDIA,
        "createSpeech",
        "Speak a text",
        fields=media.SPEECH,
        answer_media="audio/*",
        example={"model": "a-speaker", "input": "Hello.", "voice": "alloy"},
    ),
)
_MODELS = (
    _get(
        "/v1/models", MODELS, "listModels", "List the models", answer="ModelList", statuses=(502,)
    ),
    _get(
        "/v1/models/{model}",
        MODELS,
        "getModel",
        "Show one model",
        answer="Model",
        statuses=(404, 502),
        parameters=_NAME,
    ),
)
_QUOTE = Endpoint(
    method="post",
    path="/v1/quote",
    group=MODELS,
    name="quote",
    summary="Say what a request would cost and who could answer it",
    text="The body is a request of `endpoint`, or `request` holds it; nothing is run or paid. "
    "`max_cost_nanoton` is the most that it can cost.",
    fields=service.QUOTE,
    answer="Quote",
    statuses=(502, 503, 504),
    example={"model": DEMO, "messages": _HELLO, "max_tokens": 100},
)
_STORE = "Only on gateways that keep keys; the key needs the scope `admin`."


def _key(method: str, path: str, name: str, summary: str, **more: Any) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        group=KEYS,
        name=name,
        summary=summary,
        text=_STORE,
        statuses=(404, 409, 503),
        **more,
    )


_ADMIN = (
    _key(
        "get",
        "/v1/admin/keys",
        "listKeys",
        "List the keys",
        answer="ApiKeyList",
        parameters=admin.PAGE,
    ),
    _key(
        "post",
        "/v1/admin/keys",
        "createKey",
        "Make a key",
        answer="ApiKey",
        fields=admin.CREATE,
        example={"name": "web", "limits": {"day_nanoton": 10**9}},
    ),
    _key(
        "get",
        "/v1/admin/keys/{key_id}",
        "getKey",
        "Show a key and its budgets",
        answer="ApiKey",
        parameters=admin.KEY_ID,
    ),
    _key(
        "post",
        "/v1/admin/keys/{key_id}",
        "changeKey",
        "Change a key",
        answer="ApiKey",
        parameters=admin.KEY_ID,
        fields=admin.CHANGE,
        example={"disabled": True},
    ),
    _key(
        "post",
        "/v1/admin/keys/{key_id}/rotate",
        "rotateKey",
        "Give a key a new secret",
        answer="ApiKey",
        parameters=admin.KEY_ID,
        fields=admin.ROTATE,
        example={"overlap_seconds": 3600},
    ),
    _key(
        "post",
        "/v1/admin/keys/{key_id}/revoke",
        "revokeKey",
        "End a key for ever",
        answer="ApiKey",
        parameters=admin.KEY_ID,
    ),
    _key(
        "get",
        "/v1/admin/usage",
        "summarizeUsage",
        "Sum up usage",
        answer="UsageList",
        parameters=admin.SUMMARY,
    ),
    _key(
        "get",
        "/v1/admin/usage/export",
        "exportUsage",
        "Give the ledger, request by request",
        answer="UsageList",
        other_media="text/csv",
        parameters=admin.EXPORT,
    ),
    Endpoint(
        path="/v1/usage",
        group=KEYS,
        name="ownUsage",
        summary="Show a key's own budgets and spending",
        text="Only on gateways that keep keys; the key needs the scope `usage:read`.",
        answer="OwnUsage",
        statuses=(404, 503),
    ),
)
_SERVICE = (
    _get(
        "/health", SERVICE, "health", "Tell that the process answers", answer="Status", keyed=False
    ),
    _get(
        "/ready",
        SERVICE,
        "ready",
        "Tell whether requests can be taken",
        answer="Status",
        not_ready="Status",
        keyed=False,
    ),
    _get(
        "/metrics",
        SERVICE,
        "metrics",
        "Counters for Prometheus",
        answer_media="text/plain; version=0.0.4; charset=utf-8",
    ),
    _get(
        "/openapi.json",
        SERVICE,
        "openapi",
        "This document",
        answer_media="application/json",
        keyed=False,
    ),
    _get(
        "/docs", SERVICE, "docs", "This document as a page", answer_media="text/html", keyed=False
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *_TEXTS,
    *_NUMBERS,
    *_ALIASES,
    *_SENSES,
    *_MODELS,
    _QUOTE,
    *_ADMIN,
    *_SERVICE,
)

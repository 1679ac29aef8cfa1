"""The table of endpoints: one line for each path and method."""

from dataclasses import dataclass

from cocoon.gateway.openapi import chat
from cocoon.gateway.openapi.schema import Fields, Schema

CHAT_GROUP, MODELS_GROUP, SERVICE_GROUP = "Chat and text", "Models", "This gateway"


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
    event: str | None = None
    runs: bool = False
    keyed: bool = True
    success: int = 200
    statuses: tuple[int, ...] = ()
    dialect: str = "Error"
    parameters: tuple[Schema, ...] = ()
    example: Schema | None = None


_HELLO = [{"role": "user", "content": "Why is the sky blue?"}]

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="post",
        path="/v1/chat/completions",
        group=CHAT_GROUP,
        name="createChatCompletion",
        summary="Answer a conversation",
        fields=chat.CHAT,
        answer="ChatCompletion",
        event="ChatCompletionChunk",
        runs=True,
        example={"model": "SmolLM2-135M-Instruct", "messages": _HELLO, "max_tokens": 100},
    ),
    Endpoint(
        method="post",
        path="/v1/completions",
        group=CHAT_GROUP,
        name="createCompletion",
        summary="Continue a text",
        fields=chat.COMPLETION,
        answer="Completion",
        event="Completion",
        runs=True,
        example={"model": "SmolLM2-135M-Instruct", "prompt": "Once upon", "max_tokens": 20},
    ),
)

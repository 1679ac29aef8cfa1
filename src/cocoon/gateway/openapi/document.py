"""The OpenAPI 3.1 document, put together from the tables."""

from functools import cache
from typing import Any

import msgspec

from cocoon.gateway.openapi import admin, chat, media, messages, more, native, responses, service
from cocoon.gateway.openapi.endpoints import ENDPOINTS, Endpoint
from cocoon.gateway.openapi.errors import ERROR_SCHEMAS, STATUSES, errors_of
from cocoon.gateway.openapi.schema import Schema, body, ref

TITLE = "Cocoon gateway"
VERSION = "1"
ABOUT = (
    "The OpenAI API over a confidential network. Existing clients work unchanged; what exists only "
    "here is marked as Cocoon's own."
)
KEYED: list[dict[str, list[str]]] = [{}, {"key": []}]
"""A key, or none where the gateway has no keys configured."""


@cache
def document() -> Schema:
    """The document; do not change what is returned."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(item.group for item in ENDPOINTS)],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


@cache
def document_json() -> bytes:
    """The document as it is served: JSON with sorted members."""
    text: bytes = msgspec.json.encode(document(), order="sorted")
    return text


def _schemas() -> dict[str, Schema]:
    return {
        "Pin": native.PIN,
        "Peer": native.PEER,
        "Cocoon": native.COCOON_BLOCK,
        **chat.SCHEMAS,
        **responses.SCHEMAS,
        **messages.SCHEMAS,
        **more.SCHEMAS,
        **media.SCHEMAS,
        **service.SCHEMAS,
        **admin.SCHEMAS,
        **ERROR_SCHEMAS,
    }


def _operation(endpoint: Endpoint) -> Schema:
    made: Schema = {
        "tags": [endpoint.group],
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": _responses(endpoint),
    }
    if endpoint.text:
        made["description"] = endpoint.text
    parameters = [*endpoint.parameters, *(_native_headers() if endpoint.runs else ())]
    if parameters:
        made["parameters"] = parameters
    if endpoint.keyed:
        made["security"] = KEYED
    if endpoint.fields is not None:
        made["requestBody"] = _body(endpoint)
    return made


def _native_headers() -> list[Schema]:
    return [
        {"name": name, "in": "header", "schema": schema, "description": text}
        for name, (schema, text) in native.REQUEST_HEADERS.items()
    ]


def _body(endpoint: Endpoint) -> Schema:
    content: Schema = {"schema": body(endpoint.fields or {})}
    if endpoint.example is not None:
        content["example"] = endpoint.example
    return {"required": True, "content": {endpoint.media: content}}


def _responses(endpoint: Endpoint) -> Schema:
    answers: Schema = {str(endpoint.success): _success(endpoint)}
    for status in errors_of(endpoint):
        answers[str(status)] = {
            "description": STATUSES[status],
            "headers": {
                "X-Request-Id": _header({"type": "string"}, "Stands in the gateway's log too."),
                "X-Should-Retry": _header({"type": "string"}, "Whether the same may succeed."),
            },
            "content": {"application/json": {"schema": ref(endpoint.dialect)}},
        }
    if endpoint.not_ready is not None:
        content = {"application/json": {"schema": ref(endpoint.not_ready)}}
        answers["503"] = {"description": "Not now.", "content": content}
    return answers


def _success(endpoint: Endpoint) -> Schema:
    content: Schema = {}
    if endpoint.answer is not None:
        content["application/json"] = {"schema": ref(endpoint.answer)}
    else:
        content[endpoint.answer_media] = {}
    if endpoint.other_media is not None:
        content[endpoint.other_media] = {}
    if endpoint.event is not None:
        content["text/event-stream"] = {
            "schema": {
                "type": "string",
                "description": f"Server-sent events; the data of each is a `{endpoint.event}`.",
            }
        }
    headers = {"X-Request-Id": _header({"type": "string"}, "Stands in the gateway's log too.")}
    if endpoint.runs:
        headers |= {name: _header(*item) for name, item in native.ANSWER_HEADERS.items()}
    return {"description": "Success", "headers": headers, "content": content}


def _header(schema: Schema, text: str) -> Schema:
    return {"schema": schema, "description": text}

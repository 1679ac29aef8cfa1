"""Statuses and bodies of failures."""

from typing import TYPE_CHECKING

from cocoon.gateway.openapi.schema import Schema, boolean, const, free, nullable, record, string

if TYPE_CHECKING:
    from cocoon.gateway.openapi.endpoints import Endpoint

STATUSES: dict[int, str] = {
    400: "The request is wrong; `param` names the field.",
    401: "A key is configured and was not given, or is not known.",
    402: "Money: the balance, a budget or the request's own cap does not cover it.",
    403: "The key, or the page's web origin, may not do this.",
    404: "There is no such model, path or thing.",
    405: "The path does not have this method; see `Allow`.",
    408: "The request did not arrive in time.",
    409: "It contradicts what is there.",
    413: "The request is too large.",
    415: "The body is of another type than this path takes.",
    422: "The engine does not accept the request.",
    429: "A limit of the key or of the gateway; see `Retry-After`.",
    431: "The request head is too large.",
    500: "A fault of the gateway; its log has the request id.",
    501: "No engine in the network does this.",
    502: "A hop failed, or no worker can take the request; the message says which.",
    503: "Overloaded, or not ready; see `Retry-After`.",
    504: "The time limit passed.",
}
EVERY = (400, 405)
KEYED = (401, 403)
BODY = (408, 413, 415)
RUNS = (402, 404, 422, 429, 500, 502, 503, 504)

ERROR = record(
    {
        "error": record(
            {
                "message": string(),
                "type": nullable(string()),
                "param": nullable(string()),
                "code": nullable(string()),
            },
            {
                "request_id": string(),
                "retryable": boolean(),
                "cocoon": free(),
            },
        )
    },
    text="OpenAI's form of an error.",
)
ANTHROPIC_ERROR = record(
    {
        "type": const("error"),
        "error": record({"type": string(), "message": string()}),
    },
    {"request_id": nullable(string())},
    "Anthropic's form of an error.",
)
ERROR_SCHEMAS: dict[str, Schema] = {"Error": ERROR, "AnthropicError": ANTHROPIC_ERROR}


def errors_of(endpoint: "Endpoint") -> list[int]:
    """Statuses of an endpoint's failures, in order."""
    statuses = {*EVERY, *endpoint.statuses}
    if endpoint.keyed:
        statuses |= {*KEYED, 429}
    if endpoint.fields is not None:
        statuses |= set(BODY)
    if endpoint.runs:
        statuses |= set(RUNS)
    return sorted(statuses)

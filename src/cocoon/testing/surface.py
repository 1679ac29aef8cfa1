"""What becomes of every field of every endpoint, found by asking the code itself.

A body that uses the field goes the way of a request: the gateway's reader, the allow-list of a
worker, the words of the engine; or, for workers of the official network, their rules. What comes
out at the end is compared with the same body without the field. The compatibility table in
``docs/reference/openai-compatibility.md`` is what :func:`rows` finds.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cocoon.engine.dialects import OLLAMA, SGLANG, VLLM, Dialect, prepare
from cocoon.engine.llama_dialect import EMBEDDED
from cocoon.errors import BadRequestError, RequestError
from cocoon.gateway.openapi.endpoints import ENDPOINTS
from cocoon.gateway.operations import OPERATIONS
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.settings import GatewaySettings
from cocoon.testing.surface_samples import BASES, MODEL, sample
from cocoon.worker.validation import validate

WORKS, TRANSLATED, ACCEPTED, REFUSED = "works", "translated", "accepted", "refused"
"""The field does what it says; it reaches the engine in other words; it is taken and changes
nothing; it is refused, with a reason and before anything is paid."""

ENGINES: Final[dict[str, Dialect]] = {
    "embedded llama.cpp": EMBEDDED,
    "vLLM": VLLM,
    "SGLang": SGLANG,
    "Ollama": OLLAMA,
}
OFFICIAL: Final = "official worker"
COLUMNS: Final = (*ENGINES, OFFICIAL)
OfficialRules = Callable[[str, bytes, str], bytes]
"""Path, body, base model → the body as an official worker sends it on; raises for a refusal."""

_HEADERS = {b"content-type": b"application/json"}
_TRANSLATED_APIS = {"/v1/responses", "/v1/messages"}
_OLD_FORMS = {
    "functions": "the gateway writes them as `tools`; the answer has `function_call`",
    "function_call": "the gateway writes it as `tool_choice`",
}
_readers = {operation.path: operation.read for operation in OPERATIONS}


@dataclass(frozen=True, slots=True)
class Cell:
    """What becomes of a field: one of the four words, and why where that is not plain."""

    result: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A field of an endpoint, with a cell for each of :data:`COLUMNS`."""

    path: str
    name: str
    native: bool
    cells: tuple[Cell, ...]


def rows(official: OfficialRules) -> Iterator[Row]:
    """The whole table, in the order of the OpenAPI document."""
    for endpoint in ENDPOINTS:
        if endpoint.path not in BASES or endpoint.path not in _readers:
            continue
        for name, field in (endpoint.fields or {}).items():
            yield Row(endpoint.path, name, field.native, _cells(endpoint.path, name, official))


def _cells(path: str, name: str, official: OfficialRules) -> tuple[Cell, ...]:
    body = sample(path, name)
    try:
        call = _read(path, body)
    except BadRequestError as error:
        return (Cell(REFUSED, str(error)),) * len(COLUMNS)
    without = _plain(path, name)
    kept = without is not None and (
        call.request.body == without.request.body or name == "stream_options"
    )
    here = _at_the_gateway(path, name, call) if kept else None
    cells = [_own(path, name, call, without, dialect, here) for dialect in ENGINES.values()]
    return (*cells, _official(path, call, official, here))


def _read(path: str, body: dict[str, Any]) -> InferenceCall:
    incoming = Incoming(path, json.dumps(body).encode(), _HEADERS)
    return _readers[path](incoming, GatewaySettings())


def _plain(path: str, name: str) -> InferenceCall | None:
    """The same request without the field; None for a field that must be there."""
    body = sample(path, name)
    if name not in BASES[path]:
        body.pop(name)
    elif name in ("max_tokens", "max_output_tokens") and path != "/v1/messages":
        body = dict(BASES[path])
    else:
        return None
    try:
        return _read(path, body)
    except BadRequestError:
        return None


def _at_the_gateway(path: str, name: str, call: InferenceCall) -> Cell:
    """A field that never reaches the network."""
    plain = _plain(path, name)
    if name == "stream_options":
        return Cell(WORKS, "the usage is always asked for; the caller gets it when it asks too")
    native = next(e.fields for e in ENDPOINTS if e.path == path) or {}
    if native[name].native and name != "request_guid":
        return Cell(WORKS, "the gateway's own; never sent on")
    if name == "user" or (plain is not None and call.user != plain.user):
        return Cell(WORKS, "the gateway keeps budgets by it; never sent on")
    return Cell(ACCEPTED, "changes nothing in an answer; never sent on")


def _own(
    path: str,
    name: str,
    call: InferenceCall,
    without: InferenceCall | None,
    dialect: Dialect,
    here: Cell | None,
) -> Cell:
    """A worker of ours with this engine."""
    try:
        made = _prepared(call, dialect)
    except BadRequestError as error:
        return Cell(REFUSED, str(error))
    if here is not None:
        return here
    if path in _TRANSLATED_APIS:
        return Cell(TRANSLATED, "as a chat")
    before = None if without is None else _prepared(without, dialect)
    if before == made:
        rule = dialect.rule(call.request.path, name)
        return Cell(ACCEPTED, rule.text if rule is not None else "changes nothing in an answer")
    sent = json.loads(call.request.body)
    if name in _OLD_FORMS and name not in sent:
        return Cell(TRANSLATED, _OLD_FORMS[name])
    if made.get(name) == sent.get(name):
        return Cell(WORKS)
    rule = dialect.rule(call.request.path, name)
    return Cell(TRANSLATED, rule.text if rule is not None else "")


def _prepared(call: InferenceCall, dialect: Dialect) -> dict[str, Any]:
    """The body that the engine gets."""
    request = call.request
    accepted = validate(request.path, request.body, MODEL, cap=request.max_tokens or None)
    prepared = prepare(dialect, request.path, accepted.fields, "")
    return {name: msgspec.json.decode(raw) for name, raw in prepared.fields.items()}


def _official(path: str, call: InferenceCall, official: OfficialRules, here: Cell | None) -> Cell:
    request = call.request
    try:
        official(request.path, request.body, MODEL)
    except (RequestError, ValueError, RuntimeError) as error:
        return Cell(REFUSED, str(error))
    if here is not None:
        return here
    return Cell(TRANSLATED, "as a chat") if path in _TRANSLATED_APIS else Cell(WORKS)

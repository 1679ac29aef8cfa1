"""``/v1/rerank``, ``/v1/moderations``, ``/tokenize`` and ``/detokenize``."""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw

from cocoon.gateway.answers.shape import PassedOn
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.draft import open_draft
from cocoon.gateway.reading.fields import INT32_MAX, Check, first_byte
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.messages_field import check_content, check_messages
from cocoon.gateway.reading.tools_field import check_tools
from cocoon.gateway.settings import GatewaySettings
from cocoon.wire import features

MAX_DOCUMENTS: Final = 2048
MAX_MODERATED: Final = 2048
MAX_TOKENS: Final = 2**20
"""Token numbers to turn into text."""

_RERANK: Final[Mapping[str, Check]] = {
    "query": fields.string(2**20, least=1),
    "top_n": fields.integer(1),
    "return_documents": fields.boolean,
    "max_tokens_per_doc": fields.integer(1),
}
_TOKENIZE: Final[Mapping[str, Check]] = {
    "prompt": fields.string(2**23),
    "add_special_tokens": fields.boolean,
    "add_generation_prompt": fields.boolean,
    "continue_final_message": fields.boolean,
    "return_token_strs": fields.boolean,
}


def read_rerank(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to order documents by a query.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, _RERANK, ("query", "documents"))
    members = draft.members
    documents = fields.take_list(members["documents"], "documents", MAX_DOCUMENTS, least=1)
    for index, item in enumerate(documents):
        at = f"documents[{index}]"
        if first_byte(item) == 0x22:
            continue
        if first_byte(item) != 0x7B:
            raise fields.invalid_type(item, at, "a string or an object with 'text'")
        if "text" not in fields.take_object(item, at):
            raise fields.missing(f"{at}.text")
    # A cross-encoder reads the query once for each document, the body holds it once.
    again = len(memoryview(members["query"])) * len(documents)
    return draft.call(
        "/v1/rerank",
        PassedOn(show_usage=True, debug=draft.native.debug),
        requires=(features.RERANK,),
        max_tokens=min(again, INT32_MAX),
    )


def read_moderation(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to judge texts or images.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, {}, ("input",))
    media = _check_moderated(draft.members["input"])
    return draft.call(
        "/v1/moderations",
        PassedOn(show_usage=True, debug=draft.native.debug),
        requires=tuple(sorted({features.MODERATIONS, *media})),
    )


def _check_moderated(raw: Raw) -> list[str]:
    media: list[str] = []
    if first_byte(raw) == 0x22:
        return media
    if first_byte(raw) != 0x5B:
        raise fields.invalid_type(raw, "input", "a string or an array")
    items = fields.take_list(raw, "input", MAX_MODERATED, least=1)
    kinds = {first_byte(item) for item in items}
    if kinds == {0x22}:
        return media
    if kinds != {0x7B}:
        raise fields.invalid_value("input", "expected only strings, or only content parts.")
    check_content(raw, "input", media)
    return media


def read_tokenize(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to turn a text or a chat into token numbers.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, _TOKENIZE)
    members = draft.members
    if ("prompt" in members) == ("messages" in members):
        raise fields.invalid_value("prompt", "send either 'prompt' or 'messages'.")
    found = {features.TOKENIZE}
    if "messages" in members:
        found |= check_messages(members["messages"])
    if "tools" in members:
        check_tools(members["tools"])
        found.add(features.TOOLS)
    shape = PassedOn(show_usage=True, debug=draft.native.debug)
    return draft.call("/tokenize", shape, requires=tuple(sorted(found)))


def read_detokenize(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to turn token numbers into text.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, {}, ("tokens",))
    for token in fields.take_list(draft.members["tokens"], "tokens", MAX_TOKENS):
        if not bytes(token).isdigit():
            raise fields.invalid_type(token, "tokens", "an array of token numbers")
    shape = PassedOn(show_usage=True, debug=draft.native.debug)
    return draft.call("/detokenize", shape, requires=(features.TOKENIZE,))

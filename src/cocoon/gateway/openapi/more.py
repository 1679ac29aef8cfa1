"""Fields and answers of embeddings, rerank, moderations and tokens."""

from cocoon.gateway.openapi.chat import MODEL
from cocoon.gateway.openapi.native import NATIVE
from cocoon.gateway.openapi.schema import (
    Field,
    Fields,
    Schema,
    array,
    boolean,
    const,
    either,
    free,
    integer,
    nullable,
    number,
    record,
    ref,
    string,
    words,
)

_INPUT = either(
    string(minLength=1),
    array(string(minLength=1), minItems=1, maxItems=2048),
    array(integer(0), minItems=1),
    array(array(integer(0), minItems=1), minItems=1, maxItems=2048),
)
_USER = {"user": Field(string(maxLength=256), "Your end user.")}
_TRUNCATE = Field(integer(None), "Engines' own: keep the text's last tokens.")

EMBEDDING: Fields = {
    "model": MODEL,
    "input": Field(_INPUT, "Text, texts, or the same as token numbers.", required=True),
    "encoding_format": Field(
        words("float", "base64"), "Numbers, or little-endian float32 in base64."
    ),
    "dimensions": Field(integer(1), "Length of the vectors, for models that can shorten them."),
    "truncate_prompt_tokens": _TRUNCATE,
    **_USER,
    **NATIVE,
}
RERANK: Fields = {
    "model": MODEL,
    "query": Field(string(minLength=1), "What the documents are compared with.", required=True),
    "documents": Field(
        array(either(string(), record({"text": string()})), minItems=1, maxItems=2048),
        "Texts to sort.",
        required=True,
    ),
    "top_n": Field(integer(1), "Documents to give back; all without it."),
    "return_documents": Field(boolean(), "Give the texts back too."),
    "max_tokens_per_doc": Field(integer(1), "Engines' own: cut documents to this length."),
    "truncate_prompt_tokens": _TRUNCATE,
    **_USER,
    **NATIVE,
}
MODERATION: Fields = {
    "model": MODEL,
    "input": Field(
        either(string(), array(either(string(), free()), minItems=1, maxItems=2048)),
        "Text, texts, or parts of a message.",
        required=True,
    ),
    **_USER,
    **NATIVE,
}
TOKENIZE: Fields = {
    "model": MODEL,
    "prompt": Field(string(), "Text; or `messages`."),
    "messages": Field(array(ref("ChatMessage"), minItems=1), "A conversation; or `prompt`."),
    "tools": Field(array(ref("Tool"), maxItems=128), "As in a chat."),
    "add_special_tokens": Field(boolean(), "Engines' own."),
    "add_generation_prompt": Field(boolean(), "Engines' own."),
    "continue_final_message": Field(boolean(), "Engines' own."),
    "return_token_strs": Field(boolean(), "Engines' own: give the tokens as text too."),
    "chat_template_kwargs": Field(free(), "Engines' own: switches of the model's template."),
    **_USER,
    **NATIVE,
}
DETOKENIZE: Fields = {
    "model": MODEL,
    "tokens": Field(array(integer(0)), "Token numbers.", required=True),
    **_USER,
    **NATIVE,
}

_COCOON = {"cocoon": ref("Cocoon"), "debug": free()}
SCHEMAS: dict[str, Schema] = {
    "EmbeddingList": record(
        {
            "object": const("list"),
            "data": array(
                record({"index": integer(0), "embedding": either(array(number()), string())})
            ),
        },
        {"model": string(), "usage": nullable(free()), **_COCOON},
    ),
    "RerankResult": record(
        {"results": array(record({"index": integer(0), "relevance_score": number()}))},
        {"id": string(), "model": string(), "usage": nullable(free()), **_COCOON},
    ),
    "Moderation": record(
        {"results": array(record({"flagged": boolean()}))},
        {"id": string(), "model": string(), **_COCOON},
    ),
    "Tokens": record({"tokens": array(integer(0))}, {"count": integer(0), **_COCOON}),
    "Detokenized": record({"prompt": string()}, _COCOON),
}

"""What the gateway lets engines compute: every path, its reader, and how it tells of errors."""

from dataclasses import dataclass

from cocoon.gateway.dialect import OPENAI, Dialect
from cocoon.gateway.messages import ANTHROPIC, read_messages
from cocoon.gateway.reading.body import read_chat, read_completion
from cocoon.gateway.reading.embeddings import read_embeddings
from cocoon.gateway.reading.incoming import Reader
from cocoon.gateway.reading.media import read_images, read_speech
from cocoon.gateway.reading.texts import (
    read_detokenize,
    read_moderation,
    read_rerank,
    read_tokenize,
)
from cocoon.gateway.reading.transcription import read_transcription, read_translation
from cocoon.gateway.responses import read_response


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        path: where it is called; also its name in metrics and in the ledger.
        read: checks a call.
        dialect: the form of its errors.
    """

    path: str
    read: Reader
    dialect: Dialect = OPENAI


OPERATIONS: tuple[Operation, ...] = (
    Operation("/v1/chat/completions", read_chat),
    Operation("/v1/completions", read_completion),
    Operation("/v1/messages", read_messages, ANTHROPIC),
    Operation("/v1/responses", read_response),
    Operation("/v1/embeddings", read_embeddings),
    Operation("/v1/rerank", read_rerank),
    Operation("/v1/moderations", read_moderation),
    Operation("/v1/images/generations", read_images),
    Operation("/v1/audio/transcriptions", read_transcription),
    Operation("/v1/audio/translations", read_translation),
    Operation("/v1/audio/speech", read_speech),
    Operation("/tokenize", read_tokenize),
    Operation("/detokenize", read_detokenize),
    Operation("/v1/tokenize", read_tokenize),
    Operation("/v1/detokenize", read_detokenize),
)

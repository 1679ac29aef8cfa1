"""One instance of the emulator's WebAssembly: its host functions and calls with texts.

The emulator is single-threaded and keeps nothing between calls but a parsed configuration. After a
trap an instance must not be used again; :class:`~cocoon.chain.embedded.emulator.Emulator` makes a
new one, which takes milliseconds.
"""

import ctypes
import os
import struct
import time
from collections.abc import Callable
from typing import Any

import wasmtime

from cocoon.chain.embedded import exceptions_wat
from cocoon.chain.embedded.artifacts import Artifacts
from cocoon.chain.embedded.exceptions_wat import Signature

MAX_WASM_STACK = 2 << 20
"""Bytes; the threads of Python have at least four times that."""
_C_STACK = 4 << 20
"""Bytes; holds what the functions of C++ keep in memory."""
_ALIGNMENT = 16
_PAGE = 65536
_NO_SUCH_SYSTEM_CALL = -52
_FIRST_ARENA = 64 * 1024


def new_engine() -> wasmtime.Engine:
    """The compiler with the settings that the emulator needs."""
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.parallel_compilation = True
    config.max_wasm_stack = MAX_WASM_STACK
    return wasmtime.Engine(config)


class Machine:
    """A running instance.

    Args:
        engine: from :func:`new_engine`.
        module: the emulator, compiled for that engine.
        artifacts: names of its imports and exports.
    """

    def __init__(
        self, engine: wasmtime.Engine, module: wasmtime.Module, artifacts: Artifacts
    ) -> None:
        self._store = wasmtime.Store(engine)
        handled = {
            item.name or "": (artifacts.imports[item.name or ""], _signature(item.type))
            for item in module.imports
            if exceptions_wat.is_handled(artifacts.imports[item.name or ""])
        }
        stubs_module = wasmtime.Module(engine, exceptions_wat.stubs_wat(handled))
        stubs = wasmtime.Instance(self._store, stubs_module, []).exports(self._store)
        host = _Host(self._store)
        imports = [
            stubs[item.name]
            if item.name in handled
            else host.function(artifacts.imports[item.name or ""], item.type)
            for item in module.imports
        ]
        exports = wasmtime.Instance(self._store, module, imports).exports(self._store)
        self._exports: dict[str, Any] = {
            c_name: exports[short] for short, c_name in artifacts.exports.items()
        }
        host.memory = self._memory = self._exports["memory"]
        names = {c_name: short for short, c_name in artifacts.exports.items()}
        linker = wasmtime.Linker(engine)
        linker.define(self._store, "stubs", "handlers", stubs["handlers"])
        for short in names.values():
            linker.define(self._store, "emulator", short, exports[short])
        handlers_module = wasmtime.Module(engine, exceptions_wat.handlers_wat(handled, names))
        handlers: Any = linker.instantiate(self._store, handlers_module).exports(self._store)
        self._clock = handlers["clock"]
        self.call("__wasm_call_ctors")
        handlers["init"](self._store)
        # The stack that it was built with is too small for the deepest cells of the network.
        stack = self.call("_malloc", _C_STACK)
        self.call("__emscripten_stack_restore", (stack + _C_STACK) & -_ALIGNMENT)
        self._arena, self._arena_size = self.call("_malloc", _FIRST_ARENA), _FIRST_ARENA

    def call(self, name: str, *arguments: int) -> Any:
        """Call an exported function with numbers.

        Raises:
            wasmtime.WasmtimeError: it trapped; the instance is of no use any more.
        """
        return self._exports[name](self._store, *arguments)

    def call_with_texts(self, name: str, *arguments: bytes | int) -> Any:
        """Call a function that takes texts, which it does not keep.

        Args:
            name: C name.
            arguments: numbers as they are; texts by a pointer to them, closed by a zero byte.
        """
        texts = b"".join(item + b"\0" for item in arguments if isinstance(item, bytes))
        if len(texts) > self._arena_size:
            self.call("_free", self._arena)
            self._arena_size = 2 * len(texts)
            self._arena = self.call("_malloc", self._arena_size)
        self._memory.write(self._store, texts, self._arena)
        numbers, at = [], self._arena
        for item in arguments:
            if isinstance(item, bytes):
                numbers.append(at)
                at += len(item) + 1
            else:
                numbers.append(item)
        self._clock.set_value(self._store, time.time_ns())
        return self.call(name, *numbers)

    def ask(self, name: str, *arguments: bytes | int) -> bytes:
        """Call a function that takes texts and answers with one."""
        pointer = self.call_with_texts(name, *arguments)
        base = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        answer = ctypes.string_at(base + (pointer & 0xFFFFFFFF))
        self.call("_free", pointer)
        return answer

    @property
    def memory_bytes(self) -> int:
        """Size of its memory, which never shrinks."""
        return int(self._memory.data_len(self._store))


def _signature(kind: Any) -> Signature:
    return Signature(tuple(map(str, kind.params)), tuple(map(str, kind.results)))


class _Host:
    """What the emulator asks of the world: next to nothing, and there are no files."""

    memory: Any

    def __init__(self, store: wasmtime.Store) -> None:
        self._store = store
        self._functions: dict[str, Callable[..., Any]] = {
            "_fd_write": self._fd_write,
            "_emscripten_date_now": lambda: time.time() * 1000.0,
            "_random_get": self._random_get,
            "_emscripten_asm_const_int": self._random_number,
            "_emscripten_get_heap_max": lambda: -0x80000000,  # 2 GiB as a signed number
            "_emscripten_resize_heap": self._resize_heap,
            "_environ_sizes_get": self._environ_sizes_get,
            "_environ_get": lambda *_: 0,
            "__gmtime_js": self._time_fields,
            "__localtime_js": self._time_fields,
            "__tzset_js": self._tzset,
            "__emscripten_log_formatted": lambda *_: None,
            "__abort_js": self._abort,
        }

    def function(self, c_name: str, kind: Any) -> wasmtime.Func:
        """The import of this name and type."""
        work = self._functions.get(c_name, lambda *_: _NO_SUCH_SYSTEM_CALL)
        return wasmtime.Func(self._store, kind, work)

    def _write(self, pointer: int, data: bytes) -> None:
        self.memory.write(self._store, data, pointer & 0xFFFFFFFF)

    def _fd_write(self, _file: int, vectors: int, count: int, written: int) -> int:
        """Swallow what it would print; the useful part comes back as the answer's log."""
        total = 0
        for number in range(count):
            at = vectors + 8 * number
            total += struct.unpack("<II", self.memory.read(self._store, at, at + 8))[1]
        self._write(written, struct.pack("<I", total))
        return 0

    def _random_get(self, pointer: int, size: int) -> int:
        self._write(pointer, os.urandom(size))
        return 0

    def _random_number(self, *_: int) -> int:
        return int.from_bytes(os.urandom(4), "little", signed=True)

    def _resize_heap(self, size: int) -> int:
        have = self.memory.data_len(self._store)
        wanted = max(size & 0xFFFFFFFF, have + have // 5)
        try:
            self.memory.grow(self._store, max(1, -(-(wanted - have) // _PAGE)))
        except wasmtime.WasmtimeError:
            return 0
        return 1

    def _environ_sizes_get(self, count: int, size: int) -> int:
        self._write(count, bytes(4))
        self._write(size, bytes(4))
        return 0

    def _time_fields(self, seconds: int, out: int) -> None:
        t = time.gmtime(seconds)
        fields = (t.tm_sec, t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon - 1, t.tm_year - 1900)
        self._write(out, struct.pack("<9i", *fields, (t.tm_wday + 1) % 7, t.tm_yday - 1, 0))

    def _tzset(self, offset: int, daylight: int, standard: int, summer: int) -> None:
        for pointer, data in ((offset, 4), (daylight, 4)):
            self._write(pointer, bytes(data))
        self._write(standard, b"UTC\0")
        self._write(summer, b"UTC\0")

    def _abort(self) -> None:
        raise RuntimeError("the emulator aborted")

"""What fuzz targets share: a script read from bytes, any TL object, and a log that tells."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog

from cocoon.tl import TLObject, schema, types

T = TypeVar("T")

SCHEMA = schema.load()
CLASSES: dict[str, type[TLObject]] = {
    cls.NAME: cls
    for cls in vars(types).values()
    if isinstance(cls, type) and issubclass(cls, TLObject) and cls is not TLObject
}
EDGES = (0, 1, -1, 2, 3, 10, 1000, 10**6, 2**31 - 1, -(2**31), 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, 1.0, 30.0, -1.0, 1e-9, 1e300, float("inf"), float("-inf"), float("nan"))
MAX_DEPTH = 6


class Script:
    """Reads choices from bytes; at the end everything is zero."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte."""
        if not self:
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def take(self, size: int) -> bytes:
        """Up to so many bytes."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def blob(self) -> bytes:
        """Bytes with one byte of length; the longest lengths repeat one byte."""
        size = self.byte()
        if size < 240:
            return self.take(size)
        return bytes([self.byte()]) * (1 << (size - 240))

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.byte() % len(choices)]

    def integer(self, bits: int) -> int:
        """A small number or one at an edge."""
        choice = self.byte()
        if choice < 128:
            return choice
        value = EDGES[choice % len(EDGES)]
        return value if -(1 << bits - 1) <= value < 1 << bits - 1 else choice


def tl_object(script: Script, names: Sequence[str], ids: Sequence[bytes] = ()) -> TLObject:
    """An object of one of the combinators; ``ids`` are 32-byte values worth using again."""
    return _build(script, script.pick(names), ids, 0)


def _build(script: Script, name: str, ids: Sequence[bytes], depth: int) -> TLObject:
    flags = 0
    values: list[Any] = []
    for field in SCHEMA.combinators[name].fields:
        if field.bit is not None and not flags >> field.bit & 1:
            values.append(None)
            continue
        if field.vector:
            count = script.byte() % 4 if depth < MAX_DEPTH else 0
            values.append(tuple(_value(script, field, ids, depth) for _ in range(count)))
            continue
        value = _value(script, field, ids, depth)
        if field.type == "#":
            value = flags = script.byte() & 3
        values.append(value)
    return CLASSES[name](*values)


def _value(script: Script, field: Any, ids: Sequence[bytes], depth: int) -> Any:
    match field.type:
        case "#":
            return script.byte() & 3
        case "int":
            return script.integer(32)
        case "long":
            return script.integer(64)
        case "double":
            return script.pick(FLOATS)
        case "int256":
            choices = (*ids, bytes(32), b"\xff" * 32)
            return script.pick(choices)
        case "Bool":
            return bool(script.byte() & 1)
        case "string":
            return script.blob().decode("utf-8", "surrogateescape")
        case "bytes":
            return script.blob()
        case _ if field.boxed:
            name = script.pick([c.name for c in SCHEMA.constructors_of(field.type)])
            return _build(script, name, ids, depth + 1)
        case _:
            return _build(script, field.type, ids, depth + 1)


class Complaints:
    """Whatever a program under test said it did wrong."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def processor(self, _logger: Any, method: str, event: dict[str, Any]) -> Any:
        """Structlog processor: keep what an ``exception`` call reports, print nothing."""
        if event.get("exc_info"):
            import traceback

            self.all.append(f"{event.get('event')}: {traceback.format_exc()}")
        raise structlog.DropEvent

    def on_loop_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio reports about callbacks and tasks."""
        self.all.append(f"{context.get('message')}: {context.get('exception')!r}")


def play(
    main: Callable[[], Awaitable[None]],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> None:
    """Run a coroutine in a loop of its own; a bug that was only logged fails as well."""
    complaints = Complaints()
    structlog.configure(
        processors=[complaints.processor],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    loop = new_loop()
    loop.set_exception_handler(complaints.on_loop_exception)
    try:
        loop.run_until_complete(main())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
        structlog.reset_defaults()
    if complaints.all:
        raise AssertionError("\n".join(complaints.all))

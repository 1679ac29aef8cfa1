"""Logging of a process: structlog to stderr, set up once, with secrets and content kept out.

The packages below never log prompts, answers or keys. The rule here is the second lock: a field
whose name says that it could hold one is replaced, and bytes are shown as a length. What a peer
wrote is cut, and stays on its line.
"""

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from cocoon.errors import ConfigError, where

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

REDACTED: Final = "[redacted]"

SENSITIVE_WORDS: Final = frozenset(
    {"answer", "authorization", "body", "completion", "content", "cookie", "data", "key", "message"}
    | {"messages", "password", "payload", "prompt", "query", "secret", "seed", "text", "token"}
)
"""A field is redacted when its name contains one of these as a word between underscores."""

HARMLESS_FIELDS: Final = frozenset({"public_key", "query_id"})
"""Names that contain such a word but hold nothing secret."""

MAX_VALUE: Final = 1000
"""Characters of one field; what a peer says can be as long as a frame."""

LEVELS: Final = ("debug", "info", "warning", "error")

_state = {"verbose": False}


def set_verbose(verbose: bool) -> None:
    """Remember ``--verbose`` for :func:`configure` and for error reports."""
    _state["verbose"] = verbose


def is_verbose() -> bool:
    """Whether ``--verbose`` was given."""
    return _state["verbose"]


def level_of(name: str, verbosity: int | None = None) -> int:
    """The level of the standard library for a level name.

    Args:
        name: one of :data:`LEVELS`.
        verbosity: the official ``-v N``, which wins: 0 errors, 1 warnings, 2 and 3 information,
            more is debug.

    Raises:
        ConfigError: there is no such level.
    """
    if is_verbose():
        return logging.DEBUG
    if verbosity is not None:
        steps = (logging.ERROR, logging.WARNING, logging.INFO, logging.INFO)
        return steps[verbosity] if verbosity < len(steps) else logging.DEBUG
    if name not in LEVELS:
        raise ConfigError(f"no log level {name!r}; choose one of {', '.join(LEVELS)}")
    return logging.getLevelNamesMapping()[name.upper()]


def load_without_rich() -> None:
    """Load structlog, but not rich, which it would use for tracebacks that we print plainly.

    Saves a role 5 MB and the start some time; does nothing when either is loaded already.
    """
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # an import of it fails now
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]


class _Stderr:
    """Standard error as it is now. A line that cannot be written fails nobody's request."""

    def write(self, text: str) -> None:
        """Write, if somebody still listens."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush likewise."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def configure(level: int) -> None:
    """Send structlog and the standard library's logging to stderr, from ``level`` up."""
    import structlog  # noqa: PLC0415 - 0.1 s, and not every command logs

    terminal = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            redact,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=True,
    )
    # Libraries say only what an operator must know; their debug output can hold content.
    logging.basicConfig(
        level=max(level, logging.WARNING),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )


def guard_event_loop() -> None:
    """Log what the running event loop complains of without texts, which may quote content."""
    import structlog  # noqa: PLC0415

    log = structlog.get_logger("cocoon")

    def complain(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        facts = {} if error is None else {"error": type(error).__name__, "where": where(error)}
        # What stands behind a colon is some object's own text.
        reason = str(context.get("message", "")).partition(":")[0]
        log.error("the event loop complains", reason=reason, **facts)

    asyncio.get_running_loop().set_exception_handler(complain)


def redact(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":
    """Structlog processor: replace fields that could hold a secret or somebody's content."""
    del logger, method
    for name, value in event.items():
        if name != "event" and is_sensitive(name):
            event[name] = REDACTED
        elif isinstance(value, bytes | bytearray | memoryview):
            event[name] = f"<{len(value)} bytes>"
        elif isinstance(value, str):
            event[name] = _one_line(value)
    return event


def _one_line(value: str) -> str:
    """A text, perhaps a peer's, cut and without characters that steer terminals or end lines."""
    if len(value) > MAX_VALUE:
        value = value[:MAX_VALUE] + "…"
    if value.isprintable():
        return value
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in value)


def is_sensitive(name: str) -> bool:
    """Whether a field of this name is not shown."""
    return name not in HARMLESS_FIELDS and not SENSITIVE_WORDS.isdisjoint(name.lower().split("_"))

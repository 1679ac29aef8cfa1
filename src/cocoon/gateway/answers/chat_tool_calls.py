"""Tool calls of a chat stream, put in order: which delta belongs to which call.

OpenAI numbers the calls and gives ``id`` and name once. Engines differ: some leave the number out,
Ollama has given every call the number 0 with an id of its own, older vLLM repeated the name with a
new id in every delta of a forced call.
"""

import msgspec
from msgspec import Struct

from cocoon.errors import UpstreamError

MAX_CALLS = 128
"""Tool calls in one answer."""
MAX_NAME = 256
"""Characters of a tool's name, or of a call's id."""
MAX_ARGUMENTS = 2**22
"""Characters of one call's arguments."""
MAX_HELD = 2**24
"""Characters of all arguments that are kept, and ``PIECE`` more for each delta."""
PIECE = 64
"""What a short string costs in memory beside its characters, in bytes."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class ToolCallDelta(Struct, frozen=True, gc=False):
    """More of a tool call.

    Attributes:
        index: the call's number in the answer: 0, 1, 2 …
        id: in the first delta of a call, empty where the engine gives none; empty in later ones.
        name: of the function: in the first delta of a call, and never empty there; empty later.
        arguments: the next part of its JSON text; may be empty.
    """

    index: int
    id: str
    name: str
    arguments: str


class ToolFunction(Struct):
    """``function`` of a delta. Arguments that are an object, not its text, are taken too."""

    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class ToolPiece(Struct):
    """One member of a delta's ``tool_calls``."""

    index: int | None = None
    id: str | None = None
    function: ToolFunction | None = None


class _Call:
    """A call so far; its first delta goes out once it has a name."""

    __slots__ = ("arguments", "id", "key", "name", "number", "size", "unsure")

    def __init__(self, number: int, key: int | None) -> None:
        self.number = number
        self.key = key
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.size = 0
        self.unsure = False

    def is_whole(self) -> bool:
        """Whether its arguments are a whole JSON document."""
        try:
            _decode("".join(self.arguments))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return False
        return True


class ToolCalls:
    """The calls of one answer."""

    __slots__ = ("_by_key", "_calls", "_held", "_last")

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._held = 0
        self._by_key: dict[int, _Call] = {}
        self._last: _Call | None = None

    def add(self, piece: ToolPiece) -> tuple[ToolCallDelta, ...]:
        """What a delta adds: none or one event.

        Raises:
            UpstreamError: a limit is passed.
        """
        function = piece.function or ToolFunction()
        name = function.name or ""
        identity = piece.id or ""
        if len(name) > MAX_NAME or len(identity) > MAX_NAME:
            raise UpstreamError("a tool call of the engine has too long a name or id")
        call = self._call_of(piece.index, identity, name)
        text = _text(function.arguments)
        call.arguments.append(text)
        call.size += len(text)
        self._held += len(text) + PIECE
        if call.size > MAX_ARGUMENTS or self._held > MAX_HELD:
            raise UpstreamError("the arguments of a tool call are too long")
        if call.name:
            return (ToolCallDelta(call.number, "", "", text),) if text else ()
        call.id = call.id or identity
        if not name:
            return ()
        call.name = name
        return (ToolCallDelta(call.number, call.id, name, "".join(call.arguments)),)

    def check_named(self) -> None:
        """At the end of the answer.

        Raises:
            UpstreamError: a call has no name.
        """
        if not all(call.name for call in self._calls):
            raise UpstreamError("the engine made a tool call without a name")

    def _call_of(self, key: int | None, identity: str, name: str) -> _Call:
        known = self._last if key is None else self._by_key.get(key)
        if known is None or _is_another(known, key, identity, name):
            return self._new(key)
        self._last = known
        return known

    def _new(self, key: int | None) -> _Call:
        if len(self._calls) >= MAX_CALLS:
            raise UpstreamError(f"the engine made more than {MAX_CALLS} tool calls")
        call = _Call(len(self._calls), key)
        self._calls.append(call)
        self._last = call
        if key is not None:
            self._by_key[key] = call
        return call


def _is_another(known: _Call, key: int | None, identity: str, name: str) -> bool:
    """Whether a delta begins a new call although ``known`` could take it."""
    if not name or not known.name:
        return False
    if key is None and not identity:
        return True  # neither number nor id: a name is all that can begin a call
    if not identity or identity == known.id or known.unsure:
        return False
    # A name with another id: the next call if this one is whole, else a delta that repeats itself.
    if known.is_whole():
        return True
    known.unsure = True
    return False


def _text(arguments: str | dict[str, msgspec.Raw] | None) -> str:
    if not isinstance(arguments, dict):
        return arguments or ""
    try:
        return _encode(arguments).decode()
    except UnicodeDecodeError:  # values are copied unread
        raise UpstreamError("the arguments of a tool call are not text") from None

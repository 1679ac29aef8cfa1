"""A serializer for the messages that runners exchange, from the table of wire-protocol.md §1.3.

An object is an :class:`Obj`: its constructor's name and a dict of fields. Text and bytes are both
``bytes`` once decoded.
"""

import struct
from pathlib import Path
from typing import Any

TABLE = (Path(__file__).parent / "schema.txt").read_text()

_TRUE, _FALSE = bytes.fromhex("b5757299"), bytes.fromhex("379779bc")
BOXED = {
    "!payment": ("proxy.signedPayment", "proxy.signedPaymentEmpty"),
    "!auth": ("client.proxyConnectionAuthShort", "client.proxyConnectionAuthLong"),
}
_FIXED = {"i": "<i", "l": "<q", "d": "<d", "#": "<i"}


def _read_table() -> tuple[dict[str, tuple[int, list[tuple[str, str]]]], dict[int, str]]:
    schema: dict[str, tuple[int, list[tuple[str, str]]]] = {}
    for line in TABLE.split("\n"):
        if line and not line.startswith("#"):
            number, name, *fields = line.split()
            pairs = [tuple(field.split(":", 1)) for field in fields]
            schema[name] = (int(number, 16), pairs)  # type: ignore[assignment]
    return schema, {number: name for name, (number, _) in schema.items()}


SCHEMA, NAMES = _read_table()


class ParseError(Exception):
    """The bytes are no object of the schema."""


class Obj(dict[str, Any]):
    """One object; fields are its items."""

    def __init__(self, name: str, /, **fields: Any) -> None:
        if name not in SCHEMA:
            raise KeyError(name)
        super().__init__(fields)
        self.name = name

    def __repr__(self) -> str:
        return f"{self.name}{dict(self)!r}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Obj) and self.name == other.name and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def boxed(self) -> bytes:
        """Its bytes, with the id."""
        return SCHEMA[self.name][0].to_bytes(4, "little") + self.bare()

    def bare(self) -> bytes:
        """Its bytes without the id."""
        out = []
        for field, kind in SCHEMA[self.name][1]:
            if _present(kind, self):
                out.append(_encode(kind.rpartition("?")[2], self[field]))
        return b"".join(out)


def _present(kind: str, obj: dict[str, Any]) -> bool:
    return "?" not in kind or bool(obj["flags"] >> int(kind[0]) & 1)


def _encode(kind: str, value: Any) -> bytes:
    if kind in _FIXED:
        return struct.pack(_FIXED[kind], value)
    if kind == "h":
        if len(value) != 32:
            raise ValueError("32 bytes are needed")
        return bytes(value)
    if kind == "s":
        return encode_bytes(value.encode() if isinstance(value, str) else value)
    if kind == "B":
        return _TRUE if value else _FALSE
    if kind.startswith("!"):
        return value.boxed()
    if kind.startswith("%"):
        return value.bare()
    items = b"".join(_encode(kind[1:-1], item) for item in value)
    return struct.pack("<i", len(value)) + items


def encode_bytes(data: bytes) -> bytes:
    """The form of ``string`` and ``bytes``."""
    n = len(data)
    if n < 254:
        head = bytes([n])
    elif n < 1 << 24:
        head = b"\xfe" + n.to_bytes(3, "little")
    else:
        head = b"\xff" + n.to_bytes(7, "little")
    return head + data + bytes(-(len(head) + n) % 4)


class Reader:
    """Takes values off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        """The next ``n`` bytes."""
        if n < 0 or self.at + n > len(self.data):
            raise ParseError("too short")
        self.at += n
        return self.data[self.at - n : self.at]

    def end(self) -> None:
        """Check that nothing is left."""
        if self.at != len(self.data):
            raise ParseError("too much data")

    def number(self, form: str) -> Any:
        """A number of this ``struct`` form."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self) -> bytes:
        """A ``string`` or ``bytes``."""
        first = self.take(1)[0]
        if first < 254:
            n, used = first, 1
        elif first == 254:
            n, used = int.from_bytes(self.take(3), "little"), 4
        else:
            n, used = int.from_bytes(self.take(7), "little"), 8
        data = self.take(n)
        self.take(-(used + n) % 4)
        return data

    def value(self, kind: str) -> Any:
        """A value of a kind of the table."""
        if kind in _FIXED:
            number = self.number(_FIXED[kind])
            if kind == "#" and number < 0:
                raise ParseError("bit 31 of flags")
            return number
        if kind == "h":
            return self.take(32)
        if kind == "s":
            return self.text()
        if kind == "B":
            word = self.take(4)
            if word not in (_TRUE, _FALSE):
                raise ParseError("not a Bool")
            return word == _TRUE
        if kind.startswith("!"):
            obj = self.boxed()
            if obj.name not in BOXED[kind]:
                raise ParseError(f"{obj.name} does not belong here")
            return obj
        if kind.startswith("%"):
            return self.bare(kind[1:])
        count = self.number("<i")
        if not 0 <= count <= len(self.data) - self.at:
            raise ParseError("vector is too long")
        return [self.value(kind[1:-1]) for _ in range(count)]

    def boxed(self) -> Obj:
        """An object with its id."""
        number = self.number("<I")
        if number not in NAMES:
            raise ParseError(f"unknown id {number:08x}")
        return self.bare(NAMES[number])

    def bare(self, name: str) -> Obj:
        """An object without its id."""
        obj = Obj(name)
        for field, kind in SCHEMA[name][1]:
            if _present(kind, obj):
                obj[field] = self.value(kind.rpartition("?")[2])
        return obj


def decode(data: bytes) -> Obj:
    """The one boxed object that ``data`` is."""
    reader = Reader(data)
    obj = reader.boxed()
    reader.end()
    return obj


def http_request(body: bytes, url: str = "/v1/chat/completions", **headers: str) -> bytes:
    """A boxed ``http.request`` as a client makes it."""
    pairs = [Obj("http.header", name=n.replace("_", "-"), value=v) for n, v in headers.items()]
    pairs.append(Obj("http.header", name="Content-Length", value=str(len(body))))
    return Obj(
        "http.request", method="POST", url=url, version="HTTP/1.1", headers=pairs, payload=body
    ).boxed()


def tokens(prompt: int = 0, cached: int = 0, completion: int = 0, reasoning: int = 0) -> Obj:
    """A ``tokensUsed`` that adds up."""
    return Obj(
        "tokensUsed",
        prompt=prompt,
        cached=cached,
        completion=completion,
        reasoning=reasoning,
        total=prompt + cached + completion + reasoning,
    )

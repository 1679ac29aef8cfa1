"""A serializer for the messages that runners exchange, from the table of wire-protocol.md §1.3.

An object is an :class:`Obj`: its constructor's name and a dict of fields. Text and bytes are both
``bytes`` once decoded.
"""

import struct
from typing import Any

# id, name, fields: # flags, i int, l long, d double, h 32 bytes, s text or bytes, B bool,
# %x bare x, ! any boxed object, [t] vector, N?t present when bit N of flags is set.
TABLE = """
bbe9627c tcp.ping id:l
0bd4302c tcp.pong id:l
9c17baf8 tcp.packet data:s
c048c311 tcp.queryAnswer id:l data:s
4cd2f602 tcp.queryError id:l code:i message:s
3af51908 tcp.query id:l data:s
636d41d6 tcp.connected id:l
a57c4261 tcp.connect id:l
70c5b15c tokensUsed prompt:l cached:l completion:l reasoning:l total:l
869c73ed worker.params flags:# owner:s model:s coefficient:i is_test:0?B proxy_cnt:0?i max_active_requests:0?i min_proto:1?i max_proto:1?i
d5c5609f proxy.params flags:# public_key:h owner:s sc_address:s is_test:0?B proto:1?i
40fdca64 client.params flags:# owner:s is_test:0?B min_proto:1?i max_proto:1?i
d6ffc5af client.proxyConnectionAuthShort secret_hash:h nonce:l
417bf016 client.proxyConnectionAuthLong nonce:l
75d5ac34 client.authorizationWithProxySuccess signed_payment:! db:l max:l
95317ad1 client.connectedToProxy params:%proxy.params sc_address:s auth:! signed_payment:!
9b943922 client.queryAnswer answer:s is_completed:B request_id:h used:%tokensUsed
6d60569a client.queryAnswerError error_code:i error:s request_id:h used:%tokensUsed
b765de4c client.queryAnswerPart answer:s is_completed:B request_id:h used:%tokensUsed
d790a022 client.queryAnswerPartError error_code:i error:s request_id:h used:%tokensUsed
69a452f0 client.queryFinalInfo flags:# used:%tokensUsed worker_debug:0?s proxy_debug:0?s proxy_start:1?d proxy_end:1?d worker_start:1?d worker_end:1?d
cd524720 client.queryAnswerEx request_id:h answer:s flags:# final:0?%client.queryFinalInfo
072562a8 client.queryAnswerErrorEx request_id:h error_code:i error:s flags:# final:0?%client.queryFinalInfo
c07bfaec client.queryAnswerPartEx request_id:h answer:s flags:# final:0?%client.queryFinalInfo
8210e21c client.workerType name:s active_workers:i min:i bucket50:i max:i
f64e0e01 client.workerTypes types:[%client.workerType]
3ea93d00 client.workerInstanceV2 flags:# coefficient:i active:i max_active:i
b27d8197 client.workerTypeV2 name:s workers:[%client.workerInstanceV2]
0cf0dc67 client.workerTypesV2 types:[%client.workerTypeV2]
aa8a0ecc client.paymentStatus signed_payment:! db:l max:l
c6bcf127 proxy.clientRequestPayment request_id:h signed_payment:! db:l max:l request_tokens:l
ff5fa0f4 client.connectToProxy params:%client.params min_config_version:i
6c276723 client.authorizeWithProxyShort data:s
d3474303 client.authorizeWithProxyLong
bc748f32 client.runQuery model:s query:s max_coefficient:i max_tokens:i timeout:d request_id:h min_config_version:i
f54cb74b client.runQueryEx model:s query:s max_coefficient:i max_tokens:i timeout:d request_id:h min_config_version:i flags:# debug:0?B
9ed1c697 client.updatePaymentStatus
7f062bdb client.getWorkerTypes
b2133d72 client.getWorkerTypesV2
02998182 proxy.signedPayment data:s
b347ce64 proxy.signedPaymentEmpty
37e5f725 proxy.queryAnswer answer:s is_completed:B request_id:h used:%tokensUsed
669d014e proxy.queryAnswerError error_code:i error:s request_id:h used:%tokensUsed
72eb00ee proxy.queryAnswerPart answer:s is_completed:B request_id:h used:%tokensUsed
940e1168 proxy.queryAnswerPartError error_code:i error:s request_id:h used:%tokensUsed
e794e6fc proxy.queryFinalInfo flags:# used:%tokensUsed worker_debug:0?s worker_start:1?d worker_end:1?d
1ce574e8 proxy.queryAnswerEx request_id:h answer:s flags:# final:0?%proxy.queryFinalInfo
8f7fb0a7 proxy.queryAnswerErrorEx request_id:h error_code:i error:s flags:# final:0?%proxy.queryFinalInfo
6d85b50f proxy.queryAnswerPartEx request_id:h answer:s flags:# final:0?%proxy.queryFinalInfo
1436c0d5 proxy.workerRequestPayment request_id:h signed_payment:! db:l max:l request_tokens:l client_owner:s
47182416 proxy.runQuery query:s signed_payment:! coefficient:l timeout:d request_id:h
c805e7e2 proxy.runQueryEx query:s signed_payment:! coefficient:l timeout:d request_id:h flags:# debug:0?B
b3b71039 worker.enabledDisabled disabled:i
6af092b0 worker.newCoefficient coefficient:i
66bc82ee worker.connectedToProxy params:%proxy.params sc_address:s
9054c411 worker.compareBalanceWithProxyResult signed_payment:! db:l max:l error_code:i
0c10973e worker.extendedCompareBalanceWithProxyResult error_code:i
3ad9b886 worker.proxyHandshakeCompleted
a88bd701 worker.paymentStatus signed_payment:! db:l max:l
cc484c5d worker.connectToProxy params:%worker.params
db386501 worker.compareBalanceWithProxy chain:l db:l max:l
f8dd9914 worker.extendedCompareBalanceWithProxy db:l other:s
f843b066 worker.proxyHandshakeComplete is_disabled:B
dc70a524 worker.updatePaymentStatus
8e9be511 http.header name:s value:s
1cd0c42b http.response version:s status:i reason:s headers:[%http.header] payload:s
47492de5 http.request method:s url:s version:s headers:[%http.header] payload:s
"""

_TRUE, _FALSE = bytes.fromhex("b5757299"), bytes.fromhex("379779bc")
_FIXED = {"i": "<i", "l": "<q", "d": "<d", "#": "<i"}


def _read_table() -> tuple[dict[str, tuple[int, list[tuple[str, str]]]], dict[int, str]]:
    schema: dict[str, tuple[int, list[tuple[str, str]]]] = {}
    for line in TABLE.split("\n"):
        if line:
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
            if "?" in kind:
                bit, kind = kind.split("?")
                if not self["flags"] >> int(bit) & 1:
                    continue
            out.append(_encode(kind, self[field]))
        return b"".join(out)


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
    if kind == "!":
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
        if kind == "!":
            return self.boxed()
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
            if "?" in kind:
                bit, kind = kind.split("?")
                if not obj["flags"] >> int(bit) & 1:
                    continue
            obj[field] = self.value(kind)
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

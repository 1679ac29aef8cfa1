"""Limits and refusals of the codec, both ways."""

import pytest

from cocoon import tl
from cocoon.errors import DecodeError, LocalProtocolError, RemoteProtocolError
from cocoon.tl import types as t

REQUEST_ID = bytes(range(32))


def ex_answer(flags, final):
    return t.ClientQueryAnswerEx(REQUEST_ID, b"", flags, final)


@pytest.mark.parametrize(
    "value",
    [
        t.TcpPing(2**63),
        t.TcpPing(-(2**63) - 1),
        t.TcpPing(1.5),
        t.TcpPing(None),
        t.TcpQueryError(1, 2**31, ""),
        t.TcpQueryError(1, 0, b"bytes"),
        t.TcpPacket("text"),
        t.TcpPacket(bytes(2**24)),
        t.TcpPacket(bytes(2**24 - 7)),
        t.WorkerProxyHandshakeComplete(None),
        t.KeyManagerPrivateKey(1, bytes(31)),
        t.KeyManagerPrivateKey(1, bytes(33)),
        t.RootConfigPseudo((b"short",), (), (), (), (), 0, 0, 0, 0, 0, "", "", "", ""),
        ex_answer(1, None),
        ex_answer(0, t.ClientQueryFinalInfo(0, t.TokensUsed(0, 0, 0, 0, 0))),
        ex_answer(-1, None),
        ex_answer(2**31, None),
        ex_answer(1, t.ClientQueryFinalInfo(1, t.TokensUsed(0, 0, 0, 0, 0), "only one")),
        t.ClientPaymentStatus(t.ProxyParams(1, bytes(32), "", "", False), 0, 0),
        t.ClientPaymentStatus(None, 0, 0),
        t.KeyManagerPrivateKeys((t.HttpHeader("a", "b"),)),
        t.ClientWorkerTypes(tuple([t.ClientWorkerType("", 0, 0, 0, 0)] * (tl.MAX_VECTOR + 1))),
    ],
    ids=repr,
)
def test_unencodable(value):
    with pytest.raises(LocalProtocolError):
        value.to_bytes()


def test_the_longest_object():
    packet = t.TcpPacket(bytes(2**24 - 8))
    data = packet.to_bytes()
    assert len(data) == tl.MAX_MESSAGE
    assert tl.decode(data) == packet
    with pytest.raises(DecodeError):
        tl.decode(data + bytes(4))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 252, 253, 254, 255, 256, 257, 65535, 65536])
def test_every_string_form(length):
    packet = t.TcpPacket(bytes(length))
    data = packet.to_bytes()
    assert len(data) % 4 == 0
    assert tl.decode(data) == packet


def test_a_string_that_is_not_utf8_survives():
    data = bytes.fromhex("02f6d24c" + "01" + "00" * 7 + "02000000" + "03ff0080")
    error = tl.decode(data)
    assert isinstance(error, t.TcpQueryError)
    assert error.to_bytes() == data


def test_decoding_takes_any_bytes_like_object():
    data = t.TcpPing(5).to_bytes()
    assert tl.decode(bytearray(data)) == tl.decode(memoryview(data)) == t.TcpPing(5)


def test_from_bytes_wants_its_own_constructor():
    with pytest.raises(DecodeError, match=r"tcp\.ping where tcp\.pong was expected"):
        t.TcpPong.from_bytes(t.TcpPing(5).to_bytes())


def test_an_answer_must_have_the_type_of_its_function():
    empty = t.ProxySignedPaymentEmpty()
    status = t.ClientPaymentStatus(empty, 1, 2)
    assert tl.decode_result(t.ClientUpdatePaymentStatus, status.to_bytes()) == status
    for wrong in (empty, t.WorkerPaymentStatus(empty, 1, 2), t.ClientUpdatePaymentStatus()):
        with pytest.raises(RemoteProtocolError, match="no answer to"):
            tl.decode_result(t.ClientUpdatePaymentStatus(), wrong.to_bytes())


def test_ids_can_be_looked_at_before_decoding():
    assert tl.is_known_id(tl.peek_id(t.TcpPing(5).to_bytes()))
    assert tl.peek_id(b"abc") is None
    assert not tl.is_known_id(None)
    assert not tl.is_known_id(0)


def test_repr_hides_text_and_bytes():
    secret = t.ClientAuthorizeWithProxyShort(b"my secret")
    assert repr(secret) == "ClientAuthorizeWithProxyShort(data=<9 bytes>)"
    config = t.RootConfigRegisteredProxy(3, "UQ-address")
    assert repr(config) == "RootConfigRegisteredProxy(seqno=3, address=<10 characters>)"
    keys = t.KeyManagerPrivateKeys((t.KeyManagerPrivateKey(7, b"k" * 32),))
    assert repr(keys) == "KeyManagerPrivateKeys(keys=<1 elements>)"

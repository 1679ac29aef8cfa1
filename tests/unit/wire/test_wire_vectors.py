"""The vectors of vectors/wire, as any implementation could run them."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.wire import packets
from cocoon.wire import pow as proof
from cocoon.wire.attested_peer import AttestedPeerReader
from cocoon.wire.frames import FrameDecoder, FrameEncoder
from cocoon.wire.packets import Kind, Packet
from cocoon.wire.socks5 import Socks5Client, Socks5Server

VECTORS = Path(__file__).parents[3] / "vectors" / "wire"


def load(name: str) -> list[Any]:
    entries = json.loads((VECTORS / name).read_text())
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


def failure(vector: dict[str, Any]) -> type[Exception]:
    kind = getattr(errors, vector["expect"])
    assert issubclass(kind, errors.RemoteProtocolError)
    return kind  # type: ignore[no-any-return]


def encode(packet: dict[str, Any]) -> bytes:
    kind, body = Kind(packet["kind"]), bytes.fromhex(packet.get("body", ""))
    if kind is Kind.MESSAGE:
        return b"".join(packets.encode_message(body))
    if kind in {Kind.QUERY, Kind.ANSWER}:
        return b"".join(packets.encode_query(kind, packet["id"], body))
    if kind is Kind.ERROR:
        return b"".join(packets.encode_error(packet["id"], packet["code"], body))
    return packets.encode_plain(kind, packet["id"])


def packets_of(vector: dict[str, Any]) -> list[Packet]:
    decoder, other = FrameDecoder(), FrameEncoder()
    for _ in range(vector.get("first", 0)):
        decoder.feed(other.encode(bytes(4)))
    found = [packets.decode(payload) for payload in decoder.feed(bytes.fromhex(vector["input"]))]
    if decoder.failure is not None:
        raise decoder.failure
    return found


@pytest.mark.parametrize("vector", load("frames.json"))
def test_frames(vector: dict[str, Any]) -> None:
    if vector["expect"] != "ok":
        with pytest.raises(failure(vector)):
            packets_of(vector)
        return
    expected = [
        Packet(Kind(p["kind"]), p["id"], bytes.fromhex(p.get("body", "")), p.get("code", 0))
        for p in vector["packets"]
    ]
    assert packets_of(vector) == expected
    if vector["packets"] and vector.get("canonical", True):
        encoder = FrameEncoder()
        for _ in range(vector.get("first", 0)):
            encoder.encode(bytes(4))
        written = b"".join(encoder.encode(encode(packet)) for packet in vector["packets"])
        assert written.hex() == vector["input"]


@pytest.mark.parametrize("vector", load("pow.json"))
def test_pow(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["input"])
    codec = {"challenge": proof.Challenge, "response": proof.Response}.get(vector["kind"])
    if codec is not None:
        if vector["expect"] == "ok":
            assert codec.from_bytes(data).to_bytes() == data
        else:
            with pytest.raises(failure(vector)):
                codec.from_bytes(data)
        return
    challenge = proof.Challenge.from_bytes(bytes.fromhex(vector["challenge"]))
    assert challenge.to_bytes().hex() == vector["challenge"]
    assert challenge.difficulty == vector["difficulty"]
    response = proof.Response.from_bytes(data)
    assert response == proof.Response(vector["nonce"])
    assert response.to_bytes() == data
    solved = proof.check(challenge.salt, response.nonce, challenge.difficulty)
    assert solved == (vector["expect"] == "ok")
    if "sha256" in vector:
        assert sha256(challenge.salt + data[4:]).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("vector", load("attested_peer.json"))
def test_attested_peer(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["input"])
    reader = AttestedPeerReader()
    if vector["expect"] not in {"ok", "incomplete"}:
        with pytest.raises(failure(vector)):
            reader.feed(data)
        return
    info = reader.feed(data + b"rest" * (vector["expect"] == "ok"))
    if vector["expect"] == "incomplete":
        assert info is None
        return
    assert info is not None
    assert reader.rest == b"rest"
    assert info.attestation.describe() == vector["attestation"]
    assert info.attestation.image_hash.hex() == vector["image_hash"]
    assert info.public_key.hex() == vector["public_key"]
    assert list(info.source) == vector["source_address"]
    assert list(info.destination) == vector["destination_address"]
    assert info.to_frame() == data


@pytest.mark.parametrize("split", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("vector", load("socks5.json"))
def test_socks5(vector: dict[str, Any], split: bool) -> None:
    data = bytes.fromhex(vector["input"])
    half: Socks5Server | Socks5Client
    if vector["side"] == "server":
        names = vector.get("usernames")
        half = Socks5Server(None if names is None else set(names))
        sent_key = "reply"
    else:
        half = Socks5Client(vector["host"], vector["port"], vector.get("username"))
        sent_key = "sent"
    rest = bytes.fromhex(vector.get("rest") or "")
    end = len(data) - len(rest)
    pieces = [data[i : i + 1] for i in range(end)] if split else [data]
    result: Any = None
    try:
        for piece in pieces:
            result = half.receive_data(piece)
    except errors.RemoteProtocolError as error:
        assert type(error).__name__ == vector["expect"]  # noqa: PT017
        with pytest.raises(errors.LocalProtocolError):
            half.receive_data(b"")
    else:
        assert vector["expect"] == ("ok" if result else "incomplete")
    assert half.data_to_send().hex() == vector[sent_key]
    if vector["expect"] != "ok":
        return
    if not split:
        assert half.rest == rest
    if isinstance(half, Socks5Server):
        found = (result.host, result.port, result.username)
        assert found == (vector["host"], vector["port"], vector["username"])
        half.accept()
        assert half.data_to_send().hex() == "05000001000000000000"

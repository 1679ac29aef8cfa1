"""Recorded connections between our roles and the stand-ins, replayed without any I/O."""

import json
from pathlib import Path
from typing import Any

import pytest
from official import tl as official_tl
from replay import Replay, inner_of, packet_of

from cocoon.wire.frames import FrameDecoder

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "conformance" / "transcripts.json").read_text()
)
each = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


@each
def test_both_serializers_agree(vector: dict[str, Any]) -> None:
    """Ours and the stand-in's give the same bytes for every packet and what it carries."""
    for frame in vector["frames"]:
        payload = bytes.fromhex(frame["hex"])[8:]
        packet = packet_of(bytes(8) + payload)
        assert packet.to_bytes() == payload == official_tl.decode(payload).boxed()
        inner = inner_of(packet)
        if inner is not None:
            data = packet.data  # type: ignore[attr-defined]
            assert inner.to_bytes() == data == official_tl.decode(data).boxed()
            assert frame["is"] == f"{packet.NAME} {inner.NAME}"
            _check_nested(data)


def _check_nested(data: bytes) -> None:
    """Requests and heads are boxed objects in ``bytes``."""
    outer = official_tl.decode(data)
    nested = outer.get("query")
    if nested is None and outer.name in ("client.queryAnswerEx", "proxy.queryAnswerEx"):
        nested = outer["answer"]
    if nested is not None:
        from cocoon import tl

        assert tl.decode(nested).to_bytes() == nested == official_tl.decode(nested).boxed()


@each
@pytest.mark.parametrize("size", [1, 7, 1 << 20], ids=["bytes", "small pieces", "at once"])
def test_frames_however_they_are_cut(vector: dict[str, Any], size: int) -> None:
    for sender in ("connector", "acceptor"):
        frames = [bytes.fromhex(f["hex"]) for f in vector["frames"] if f["from"] == sender]
        stream = b"".join(frames)
        decoder = FrameDecoder()
        payloads = [
            payload
            for at in range(0, len(stream), size)
            for payload in decoder.feed(stream[at : at + size])
        ]
        assert payloads == [frame[8:] for frame in frames]


@each
def test_our_half_does_the_same_again(vector: dict[str, Any]) -> None:
    """Fed with the official side's frames, our half is legal throughout and emits our frames."""
    assert vector["expect"] == "ok"
    replay = Replay(vector["half"], vector["frames"])
    replay.run()
    assert replay.events == vector["events"]

"""dm-verity trees: equal to ``veritysetup``'s, and nothing altered passes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation.measure import verity
from cocoon.attestation.measure.verity import (
    BLOCK,
    Superblock,
    VerityBuilder,
    VerityLayout,
    verify_block,
    verify_stream,
    verity_root,
)
from cocoon.errors import EvidenceError, LocalProtocolError

VECTORS = Path(__file__).parents[3] / "vectors" / "attestation" / "verity.json"
CASES = json.loads(VECTORS.read_text())


def data_of(blocks: int) -> bytes:
    return b"".join(index.to_bytes(8, "little") * 512 for index in range(blocks))


def tree_of(data: bytes, salt: bytes = verity.OFFICIAL_SALT) -> tuple[bytes, bytes]:
    """Root and hash file."""
    layout = VerityLayout(len(data) // BLOCK)
    file = bytearray(layout.size)
    file[:BLOCK] = Superblock(layout.blocks, salt).to_bytes()

    def node(level: int, index: int, content: bytes) -> None:
        offset = layout.offset(level, index)
        file[offset : offset + BLOCK] = content

    builder = VerityBuilder(salt, node)
    builder.feed(data)
    return builder.finish(), bytes(file)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_roots_and_hash_files_are_those_of_veritysetup(case: dict[str, Any]) -> None:
    salt = bytes.fromhex(case["salt"])
    root, file = tree_of(data_of(case["blocks"]), salt)
    assert root.hex() == case["root"]
    assert file[:512].hex() == case["superblock"]
    assert len(file) == case["hash_file_bytes"]
    assert hashlib.sha256(file).hexdigest() == case["hash_file_sha256"]
    assert Superblock.from_bytes(bytes.fromhex(case["superblock"])) == Superblock(
        case["blocks"], salt
    )


@pytest.mark.parametrize("piece", [1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 200 * BLOCK])
def test_pieces_of_any_length_make_the_same_root(piece: int) -> None:
    data = data_of(2) + b"x" * BLOCK if piece == 1 else data_of(300)
    pieces = (data[start : start + piece] for start in range(0, len(data), piece))
    assert verity_root(pieces) == verity_root([data])


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK + 1])
def test_only_whole_blocks_have_a_root(size: int) -> None:
    with pytest.raises(EvidenceError, match="whole number of blocks"):
        verity_root([bytes(size)])


def test_a_stream_is_checked_against_its_root() -> None:
    data = data_of(130)
    root = verity_root([data])
    assert verify_stream([data], root) == 130
    for changed in (data[:-1] + b"!", data + bytes(BLOCK), data[BLOCK:]):
        with pytest.raises(EvidenceError, match="verity root"):
            verify_stream([changed], root)


@pytest.mark.parametrize("blocks", [1, 2, 129, 16_385])
def test_a_single_block_is_checked_with_its_path(blocks: int) -> None:
    data = data_of(blocks)
    root, file = tree_of(data)
    layout = VerityLayout(blocks)
    for index in {0, blocks // 2, blocks - 1}:
        block = data[index * BLOCK : (index + 1) * BLOCK]
        path = [file[offset : offset + BLOCK] for offset in layout.path(index)]
        verify_block(block, index, path, root)
        with pytest.raises(EvidenceError, match=f"block {index} "):
            verify_block(block[:-1] + b"\x01", index, path, root)
        with pytest.raises(EvidenceError):
            verify_block(block, index, path, bytes(32))
        for height, node in enumerate(path):
            altered = [*path]
            altered[height] = node[:-1] + bytes([node[-1] ^ 1])
            with pytest.raises(EvidenceError):
                verify_block(block, index, altered, root)
        if path:
            with pytest.raises(EvidenceError):
                verify_block(block, index, path[:-1], root)
            with pytest.raises(EvidenceError):
                verify_block(block, index + 1, path, root)


def test_there_is_no_path_to_what_is_not_there() -> None:
    layout = VerityLayout(130)
    for index in (-1, 130):
        with pytest.raises(EvidenceError, match="there is no block"):
            layout.path(index)
    for level, index in ((2, 0), (-1, 0), (0, 2), (1, -1)):
        with pytest.raises(EvidenceError, match="has no node"):
            layout.offset(level, index)


@pytest.mark.parametrize("blocks", [0, -1, verity.MAX_BLOCKS + 1])
def test_sizes_have_a_limit(blocks: int) -> None:
    with pytest.raises(EvidenceError):
        VerityLayout(blocks)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0, b"X"),  # signature
        (8, b"\2"),  # version
        (12, b"\0"),  # hash type
        (32, b"sha512"),
        (64, b"\0\2"),  # data block size
        (68, b"\0\2"),  # hash block size
        (72, bytes(8)),  # no blocks
        (72, b"\xff" * 8),
        (80, b"\1\1"),  # salt longer than its field
        (82, b"\1"),  # padding
        (88 + 17, b"\1"),  # behind the salt
        (511, b"\1"),
    ],
)
def test_a_superblock_of_another_form_is_refused(offset: int, value: bytes) -> None:
    data = bytearray(Superblock(5).to_bytes())
    data[offset : offset + len(value)] = value
    with pytest.raises(EvidenceError):
        Superblock.from_bytes(bytes(data))


def test_a_short_superblock_is_refused() -> None:
    with pytest.raises(EvidenceError, match="superblock"):
        Superblock.from_bytes(Superblock(5).to_bytes()[:511])


def test_a_long_salt_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        VerityBuilder(bytes(257))
    with pytest.raises(LocalProtocolError):
        Superblock(1, bytes(257)).to_bytes()
    with pytest.raises(EvidenceError):
        verity.hash_block(b"short")


def test_too_much_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verity, "MAX_BLOCKS", 3)
    with pytest.raises(EvidenceError, match="more than 3 blocks"):
        verity_root([bytes(4 * BLOCK)])

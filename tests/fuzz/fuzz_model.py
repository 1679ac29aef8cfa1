"""Names, superblocks and archives of models: what parses is written back as the same bytes."""

import contextlib
import io
import tempfile
from pathlib import Path

from cocoon.attestation.measure.verity import (
    BLOCK,
    MODEL_UUID,
    Superblock,
    VerityLayout,
    verify_block,
    verity_root,
)
from cocoon.errors import ConfigError, EvidenceError
from cocoon.model.name import ModelName
from cocoon.model.tar import Kind, Member, end_of_archive, header, read_members
from cocoon.model.verify import verify

ROOT = bytes(32)


def fuzz_one(data: bytes) -> None:
    """The bytes as each of them."""
    _name(data)
    _superblock(data)
    _archive(data)
    _archive(_whole(data))
    _path(data)
    _files(data)


def _name(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(ConfigError):
        if str(ModelName.parse(text)) != text:
            raise AssertionError("a name changes when it is written back")


def _superblock(data: bytes) -> None:
    for bytes_ in (data, Superblock(5, uuid=MODEL_UUID).to_bytes()[:64] + data):
        with contextlib.suppress(EvidenceError):
            read = Superblock.from_bytes(bytes_)
            if read.to_bytes()[:512] != bytes_[:512]:
                raise AssertionError("a superblock changes when it is written back")


def _archive(data: bytes) -> None:
    def read(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    with contextlib.suppress(EvidenceError):
        end = 0
        for placed in read_members(read, len(data)):
            written = header(placed.member)
            if data[placed.start : placed.content] != written:
                raise AssertionError("a header changes when it is written back")
            end = placed.end
        if data[end:] != end_of_archive(end):
            raise AssertionError("an archive ends in another way than we write it")


def _whole(data: bytes) -> bytes:
    """An archive in normal form, but for one header, which is made of the input."""
    front = header(Member(b"./", Kind.DIRECTORY, 0o755))
    block = bytearray(header(Member(b"./" + b"n" * 120, Kind.FILE, 0o644)))
    for at, byte in enumerate(data[: len(block)]):
        block[at] ^= byte
    for start in (0, len(block) - 512):
        one = block[start : start + 512]
        one[148:156] = b" " * 8
        block[start + 148 : start + 156] = b"%06o\0 " % sum(one)
    position = len(front) + len(block)
    return front + bytes(block) + end_of_archive(position)


def _path(data: bytes) -> None:
    index = int.from_bytes(data[:5], "little")
    nodes = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]
    with contextlib.suppress(EvidenceError):
        verify_block(data[:BLOCK].ljust(BLOCK), index, nodes, ROOT)
        raise AssertionError("a block passes for a root of zeros")
    with contextlib.suppress(EvidenceError):
        VerityLayout(index).path(index // 2)
    with contextlib.suppress(EvidenceError):
        verity_root(iter(io.BytesIO(data).readline, b""))


def _files(data: bytes) -> None:
    """A file, a tree and a name that do not belong together are refused by our errors only."""
    with tempfile.TemporaryDirectory() as folder:
        model, tree = Path(folder) / "model", Path(folder) / "tree"
        model.write_bytes(_whole(data) if data[:1] < b"\x80" else data)
        tree.write_bytes((Superblock(7).to_bytes() + data).ljust(3 * BLOCK, b"\1"))
        for verity in (None, tree):
            with contextlib.suppress(EvidenceError, ConfigError):
                verify(ModelName("m", "c", ROOT), model, verity=verity)
                raise AssertionError("a model passes for a root of zeros")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

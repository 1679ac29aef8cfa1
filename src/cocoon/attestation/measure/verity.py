"""dm-verity in pure Python: the hash tree over a disk, its root, and the file that holds it.

The form is that of ``veritysetup format`` with its defaults: hash type 1 (the salt goes first),
SHA-256, blocks of 4096 bytes (``attestation.md`` §9). A node is 128 hashes of the level below,
filled up with zeros; the root is the hash of the only node of the highest level. Data of a single
block has no node: its own hash is the root. The hash file holds a superblock in its first block,
then the levels, the highest first.

Nothing here opens files: data comes in as bytes, nodes go out through a callable.
"""

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cocoon.errors import EvidenceError, LocalProtocolError

BLOCK: Final = 4096
"""Bytes of a block of data and of a node."""
DIGEST: Final = 32
FANOUT: Final = BLOCK // DIGEST
"""Hashes in a node."""
MAX_SALT: Final = 256
MAX_BLOCKS: Final = 1 << 40
"""4 PiB of data: far above any disk, and small enough for every sum here to stay harmless."""
SUPERBLOCK_BYTES: Final = 512

OFFICIAL_SALT: Final = bytes.fromhex("00010203040506070809101a1b1c1d1e1f")
"""Of models and of the root file systems of images, 17 bytes (``attestation.md`` §8, §9)."""
MODEL_UUID: Final = UUID("645ac31f-7610-42e1-8434-9d733699eac0")
"""In the superblock of every model's hash file; the root does not depend on it."""

NodeSink = Callable[[int, int, bytes], object]
"""Told level (0 is next to the data), index in the level, and the 4096 bytes of a finished node."""

_SUPERBLOCK: Final = struct.Struct("<8sII16s32sIIQH6s256s168s")
_SIGNATURE: Final = b"verity\0\0"
_ALGORITHM: Final = b"sha256".ljust(32, b"\0")


class VerityBuilder:
    """Computes a root over data that comes in pieces; holds one unfinished node a level.

    Args:
        salt: up to 256 bytes that every hash starts with.
        sink: told every node once it is finished, those of one level in order.

    Raises:
        LocalProtocolError: the salt is too long.
    """

    __slots__ = ("_base", "_levels", "_rest", "_sink", "blocks")

    def __init__(self, salt: bytes = OFFICIAL_SALT, sink: NodeSink | None = None) -> None:
        if len(salt) > MAX_SALT:
            raise LocalProtocolError(f"a verity salt of {len(salt)} bytes; at most {MAX_SALT}")
        self._base = hashlib.sha256(salt)
        self._sink = sink
        self._levels: list[_Level] = []
        self._rest = b""
        self.blocks = 0
        """Whole blocks taken so far."""

    def feed(self, data: bytes | memoryview) -> None:
        """Take more data, of any length; large pieces of whole blocks are fastest.

        Raises:
            EvidenceError: more data than :data:`MAX_BLOCKS`.
        """
        view = memoryview(data)
        if self._rest:
            missing = BLOCK - len(self._rest)
            self._rest += view[:missing]
            view = view[missing:]
            if len(self._rest) < BLOCK:
                return
            self._take(memoryview(self._rest))
            self._rest = b""
        whole = len(view) - len(view) % BLOCK
        # One node's worth at a time: memory does not grow with the size of a piece.
        for start in range(0, whole, BLOCK * FANOUT):
            self._take(view[start : min(start + BLOCK * FANOUT, whole)])
        self._rest = bytes(view[whole:])

    def finish(self) -> bytes:
        """Finish the tree and return its root, 32 bytes.

        Raises:
            EvidenceError: there was no data, or not a whole number of blocks.
        """
        if self._rest or not self.blocks:
            size = self.blocks * BLOCK + len(self._rest)
            raise EvidenceError(f"{size} bytes are not a whole number of blocks of {BLOCK} bytes")
        if self.blocks == 1:
            return bytes(self._levels[0].hashes)
        level = 0
        while True:
            current = self._levels[level]
            if not current.done and len(current.hashes) == DIGEST and level > 0:
                return bytes(current.hashes)  # one node below: this is its hash
            if current.hashes:
                self._flush(level)
            level += 1

    def _take(self, blocks: memoryview) -> None:
        self.blocks += len(blocks) // BLOCK
        if self.blocks > MAX_BLOCKS:
            raise EvidenceError(f"more than {MAX_BLOCKS} blocks of data")
        base, hashes = self._base, []
        for start in range(0, len(blocks), BLOCK):
            block = base.copy()
            block.update(blocks[start : start + BLOCK])
            hashes.append(block.digest())
        self._add(0, b"".join(hashes))

    def _add(self, level: int, hashes: bytes) -> None:
        if level == len(self._levels):
            self._levels.append(_Level())
        current = self._levels[level]
        while hashes:
            missing = BLOCK - len(current.hashes)
            current.hashes += hashes[:missing]
            hashes = hashes[missing:]
            if len(current.hashes) == BLOCK:
                self._flush(level)

    def _flush(self, level: int) -> None:
        current = self._levels[level]
        node = bytes(current.hashes).ljust(BLOCK, b"\0")
        current.hashes.clear()
        if self._sink is not None:
            self._sink(level, current.done, node)
        current.done += 1
        digest = self._base.copy()
        digest.update(node)
        self._add(level + 1, digest.digest())


class _Level:
    __slots__ = ("done", "hashes")

    def __init__(self) -> None:
        self.hashes = bytearray()
        self.done = 0


def verity_root(chunks: Iterable[bytes | memoryview], salt: bytes = OFFICIAL_SALT) -> bytes:
    """The root of data that comes in pieces, 32 bytes.

    Raises:
        EvidenceError: there is no data, or not a whole number of blocks.
    """
    builder = VerityBuilder(salt)
    for chunk in chunks:
        builder.feed(chunk)
    return builder.finish()


def verify_stream(
    chunks: Iterable[bytes | memoryview], root: bytes, salt: bytes = OFFICIAL_SALT
) -> int:
    """Check all data against a root; returns the number of blocks.

    Raises:
        EvidenceError: the data has another root, or not a whole number of blocks.
    """
    builder = VerityBuilder(salt)
    for chunk in chunks:
        builder.feed(chunk)
    found = builder.finish()
    if not hmac.compare_digest(found, root):
        raise EvidenceError(f"the data has verity root {found.hex()}, not {root.hex()}")
    return builder.blocks


@dataclass(frozen=True, slots=True)
class VerityLayout:
    """Where the nodes over so many blocks of data are in a hash file with a superblock.

    Attributes:
        blocks: blocks of data, at least 1.

    Raises:
        EvidenceError: no block, or more than :data:`MAX_BLOCKS`.
    """

    blocks: int

    def __post_init__(self) -> None:
        if not 1 <= self.blocks <= MAX_BLOCKS:
            raise EvidenceError(f"{self.blocks} blocks of data; 1…{MAX_BLOCKS} make a tree")

    @property
    def levels(self) -> tuple[int, ...]:
        """Nodes in each level, the one next to the data first; empty for a single block."""
        sizes = []
        count = self.blocks
        while count > 1:
            count = -(-count // FANOUT)
            sizes.append(count)
        return tuple(sizes)

    @property
    def size(self) -> int:
        """Bytes of the hash file, its superblock's block included."""
        return BLOCK * (1 + sum(self.levels))

    def offset(self, level: int, index: int) -> int:
        """Byte offset of a node in the hash file.

        Raises:
            EvidenceError: there is no such node.
        """
        levels = self.levels
        if not 0 <= level < len(levels) or not 0 <= index < levels[level]:
            raise EvidenceError(f"a tree over {self.blocks} blocks has no node {index} at {level}")
        return BLOCK * (1 + sum(levels[level + 1 :]) + index)

    def path(self, block: int) -> tuple[int, ...]:
        """Byte offsets of the nodes over a block of data, the one next to the data first.

        Raises:
            EvidenceError: there is no such block.
        """
        if not 0 <= block < self.blocks:
            raise EvidenceError(f"there is no block {block}; the data has {self.blocks}")
        offsets = []
        for level in range(len(self.levels)):
            block //= FANOUT
            offsets.append(self.offset(level, block))
        return tuple(offsets)


def verify_block(
    block: bytes,
    index: int,
    path: Sequence[bytes],
    root: bytes,
    salt: bytes = OFFICIAL_SALT,
) -> None:
    """Check one block of data with the nodes above it, as the kernel does on every read.

    Args:
        block: its 4096 bytes.
        index: which block of the data it is.
        path: the nodes over it (:meth:`VerityLayout.path`), 4096 bytes each; it must be as long as
            the tree is high, which the caller takes from the number of blocks.
        root: what the tree must end in, 32 bytes.
        salt: of the tree.

    Raises:
        EvidenceError: the block or a node is not what the root says; names the first that differs.
    """
    expected, place = hash_block(block, salt), index
    for height, node in enumerate(path):
        place, slot = divmod(place, FANOUT)
        found = node[slot * DIGEST : (slot + 1) * DIGEST]
        if len(node) != BLOCK or not hmac.compare_digest(found, expected):
            below = f"block {index}" if height == 0 else f"the hash tree above block {index}"
            raise EvidenceError(f"{below} differs from what the hash tree says")
        expected = hash_block(node, salt)
    if place != 0 or not hmac.compare_digest(expected, root):
        raise EvidenceError(f"the hash tree above block {index} does not end in {root.hex()}")


def hash_block(block: bytes, salt: bytes = OFFICIAL_SALT) -> bytes:
    """Hash of a block or node, 32 bytes.

    Raises:
        EvidenceError: it has not 4096 bytes.
    """
    if len(block) != BLOCK:
        raise EvidenceError(f"a block of {len(block)} bytes, not {BLOCK}")
    return hashlib.sha256(salt + block).digest()


@dataclass(frozen=True, slots=True)
class Superblock:
    """The first block of a hash file: how its tree was made. The root is not in it.

    Attributes:
        blocks: blocks of data.
        salt: up to 256 bytes.
        uuid: names the device; nothing depends on it.
    """

    blocks: int
    salt: bytes = OFFICIAL_SALT
    uuid: UUID = MODEL_UUID

    def to_bytes(self) -> bytes:
        """The whole block, 4096 bytes: 512 of the superblock, then zeros.

        Raises:
            LocalProtocolError: the salt is too long.
        """
        if len(self.salt) > MAX_SALT:
            raise LocalProtocolError(f"a verity salt of {len(self.salt)} bytes")
        return _SUPERBLOCK.pack(
            _SIGNATURE,
            1,  # version
            1,  # hash type: the salt goes first
            self.uuid.bytes,
            _ALGORITHM,
            BLOCK,
            BLOCK,
            self.blocks,
            len(self.salt),
            b"",
            self.salt,
            b"",
        ).ljust(BLOCK, b"\0")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Superblock":
        """Read a superblock; only the form that we write is understood.

        Args:
            data: at least the first 512 bytes of the hash file.

        Raises:
            EvidenceError: not a superblock, or of another form.
        """
        if len(data) < SUPERBLOCK_BYTES or not data.startswith(_SIGNATURE):
            raise EvidenceError("the hash file does not start with a verity superblock")
        fields = _SUPERBLOCK.unpack_from(data)
        _, version, kind, identifier, algorithm, data_block, hash_block_size, blocks = fields[:8]
        length, padding, salt, rest = fields[8:]
        if (version, kind, data_block, hash_block_size) != (1, 1, BLOCK, BLOCK):
            raise EvidenceError("the verity superblock is not of type 1 with blocks of 4096 bytes")
        if algorithm != _ALGORITHM:
            raise EvidenceError("the verity superblock names another hash function than sha256")
        if length > MAX_SALT or any(salt[length:]) or any(padding) or any(rest):
            raise EvidenceError("the verity superblock's salt or padding is malformed")
        VerityLayout(blocks)  # its limits
        return cls(blocks, salt[:length], UUID(bytes=identifier))

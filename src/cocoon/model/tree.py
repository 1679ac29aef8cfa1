"""The hash file of an archive, believed only once its lowest level has led to the right root."""

import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from cocoon.attestation.measure.verity import (
    BLOCK,
    DIGEST,
    FANOUT,
    OFFICIAL_SALT,
    Superblock,
    VerityLayout,
    verity_root,
)
from cocoon.errors import ConfigError, EvidenceError

MAX_DIFFERENCES: Final = 64
"""Differing blocks that are remembered; one is enough to refuse."""
_NODES: Final = 256
"""Nodes read at a time."""


class HashTree:
    """A hash file whose content belongs to a root; finds out which blocks of data differ.

    Args:
        path: of the hash file.
        root: that it must have, 32 bytes.

    Attributes:
        layout: says of how many blocks the data is.
        differences: the first blocks of data that :meth:`compare` found to differ, ascending.
        altered: whether it found a node above the lowest level to differ.

    Raises:
        ConfigError: the file cannot be read.
        EvidenceError: it is not a hash file of our form, or its tree has another root.
    """

    def __init__(self, path: Path, root: bytes) -> None:
        self.differences: list[int] = []
        self.altered = False
        self._path = path
        try:
            self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115 - close() closes it
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
        try:
            self._check(root)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _check(self, root: bytes) -> None:
        block = Superblock.from_bytes(self._file.read(BLOCK))
        if block.salt != OFFICIAL_SALT:
            raise EvidenceError(f"{self._path} has another salt than models have")
        self.layout = VerityLayout(block.blocks)
        size = self._file.seek(0, os.SEEK_END)
        if size < self.layout.size:  # a device may be longer
            raise EvidenceError(f"{self._path} has {size} bytes, its tree {self.layout.size}")
        if self.layout.levels:
            # The nodes next to the data are themselves data of the tree above them.
            found = verity_root(self._lowest())
            if not hmac.compare_digest(found, root):
                raise EvidenceError(
                    f"{self._path} is the hash tree of other data: its root is {found.hex()}"
                )

    def _lowest(self) -> Iterator[bytes]:
        left = self.layout.levels[0]
        self._file.seek(self.layout.offset(0, 0))
        while left:
            nodes = self._file.read(BLOCK * min(left, _NODES))
            if not nodes:
                raise EvidenceError(f"{self._path} is cut off")
            yield nodes
            left -= len(nodes) // BLOCK

    def compare(self, level: int, index: int, node: bytes) -> None:
        """Compare a node made from data with the file's; the sink of a builder."""
        if level >= len(self.layout.levels) or index >= self.layout.levels[level]:
            return  # more data than the tree is over: the root differs, and so does the size
        self._file.seek(self.layout.offset(level, index))
        expected = self._file.read(BLOCK)
        if node == expected:
            return
        if level:
            self.altered = True
            return
        for slot in range(FANOUT):
            here = slice(slot * DIGEST, (slot + 1) * DIGEST)
            if node[here] != expected[here] and len(self.differences) < MAX_DIFFERENCES:
                self.differences.append(index * FANOUT + slot)

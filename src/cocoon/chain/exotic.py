"""Cells of Merkle proofs: trees of which branches are cut off and stand there by hash only.

A pruned branch keeps the hash of what was cut off, so that the tree above it has the hash of the
whole. Reading into a pruned branch is a ``DecodeError``. Such cells have up to four hashes, one a
level. ``hash`` is the last, as for any cell; ``origin`` is the first: that of the cell which this
one stands for. Proofs are part of what liteservers answer, and anybody may put one into a message.
"""

from collections.abc import Sequence
from hashlib import sha256

from cocoon.chain.address import HASH_BYTES
from cocoon.chain.cells import MAX_DEPTH, MAX_REFS, Cell
from cocoon.errors import DecodeError

LEVELS = 4
PRUNED, LIBRARY, MERKLE_PROOF, MERKLE_UPDATE = 1, 2, 3, 4

_MERKLE_REFS = {MERKLE_PROOF: 1, MERKLE_UPDATE: 2}
_ENTRY_BITS = (HASH_BYTES + 2) * 8
"""A hash and a depth."""


class ProofCell(Cell):
    """A cell in a tree that has pruned branches or Merkle cells.

    Args:
        data: the bits as one unsigned integer.
        bits: how many.
        refs: cells of the same proof.
        exotic: whether the first byte says what kind of special cell it is.

    Raises:
        DecodeError: malformed, or a Merkle cell that does not have the hash of what is below it.
    """

    __slots__ = ("depths", "hashes", "kind", "mask")

    def __init__(
        self, data: int, bits: int, refs: Sequence["ProofCell"] = (), *, exotic: bool = False
    ) -> None:
        if len(refs) > MAX_REFS or (exotic and bits < 8):
            raise DecodeError("malformed cell in a proof")
        self.data = data
        self.bits = bits
        self.refs: tuple[ProofCell, ...] = tuple(refs)
        self.exotic = exotic
        self.kind = data >> (bits - 8) if exotic else 0
        self.hashes: list[bytes] = []
        self.depths: list[int] = []
        if self.kind == PRUNED:
            self._read_pruned()
        else:
            self._compute()
        self.hash = self.hashes[-1]
        self.depth = self.depths[-1]

    @property
    def origin(self) -> bytes:
        """Hash of the cell that this one stands for."""
        return self.hashes[0]

    def payload(self) -> bytes:
        """Descriptor bytes, with the level, and data; see :meth:`Cell.payload`."""
        plain = super().payload()
        return bytes((plain[0] | self.mask << 5,)) + plain[1:]

    def _read_pruned(self) -> None:
        self.mask = (self.data >> (self.bits - 16)) & 0xFF if self.bits >= 16 else 0
        count = self.mask.bit_count()
        if not 1 <= self.mask <= 7 or self.refs or self.bits != 16 + count * _ENTRY_BITS:
            raise DecodeError("malformed pruned branch in a proof")
        raw = self.data.to_bytes(self.bits // 8, "big")
        split = 2 + count * HASH_BYTES
        own = sha256(self.payload()).digest()
        for level in range(LEVELS):
            index = (self.mask & ((1 << level) - 1)).bit_count()
            if index == count:
                self._add(own, 0)
                continue
            start, depth_at = 2 + index * HASH_BYTES, split + index * 2
            depth = int.from_bytes(raw[depth_at : depth_at + 2], "big")
            self._add(raw[start : start + HASH_BYTES], depth)

    def _compute(self) -> None:
        merkle = self._check_kind()
        below = 0
        for ref in self.refs:
            below |= ref.mask
        self.mask = below >> 1 if merkle else below
        payload = super().payload()
        for level in range(LEVELS):
            if level and not self.mask >> (level - 1) & 1:
                self._add(self.hashes[-1], self.depths[-1])
                continue
            applied = self.mask & ((1 << level) - 1)
            start = bytes((payload[0] | applied << 5, payload[1]))
            # Above level 0 the hash of the level below stands for the data.
            start += self.hashes[-1] if level else payload[2:]
            at = min(level + merkle, LEVELS - 1)
            depths = [ref.depths[at] for ref in self.refs]
            hashes = (ref.hashes[at] for ref in self.refs)
            joined = b"".join(depth.to_bytes(2, "big") for depth in depths) + b"".join(hashes)
            self._add(sha256(start + joined).digest(), 1 + max(depths) if depths else 0)

    def _check_kind(self) -> bool:
        """Whether it is a Merkle cell; refuses one that lies about what is below."""
        if not self.exotic:
            return False
        if self.kind == LIBRARY and not self.refs and self.bits == 8 + 256:
            return False
        count = _MERKLE_REFS.get(self.kind)
        if count is None or len(self.refs) != count or self.bits != 8 + count * _ENTRY_BITS:
            raise DecodeError("malformed special cell in a proof")
        raw = self.data.to_bytes(self.bits // 8, "big")[1:]
        hashes = b"".join(ref.hashes[0] for ref in self.refs)
        depths = b"".join(ref.depths[0].to_bytes(2, "big") for ref in self.refs)
        if raw != hashes + depths:
            raise DecodeError("Merkle cell does not have the hash of what is below it")
        return True

    def _add(self, digest: bytes, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise DecodeError(f"cells are nested deeper than {MAX_DEPTH}")
        self.hashes.append(digest)
        self.depths.append(depth)

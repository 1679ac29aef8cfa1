"""TVM cells: immutable values of up to 1023 bits and four references, with a builder and a reader.

Ordinary cells, of which messages and contract data consist, and references to libraries, which may
stand for a contract's code. Other exotic cells exist in proofs only and are refused. Data is one
big integer, so that reading and writing are shifts. The reader checks every length; a malformed
cell raises ``DecodeError`` and nothing else. Encodings: ``onchain.md`` §1.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol, Self

from cocoon.chain.address import HASH_BYTES, Address
from cocoon.errors import DecodeError

MAX_BITS = 1023
MAX_REFS = 4
MAX_DEPTH = 1024
"""Depth limit of the network for any cell; messages and account data end at 512 already."""
MAX_COINS_BYTES = 8
"""The official parser refuses longer amounts (``onchain.md`` §1)."""

_ADDR_STD = 0b100
_LIBRARY_TYPE = 2
_LIBRARY_BITS = 8 + 256
EXOTIC = 8
"""Flag in the first descriptor byte."""


class HashedCell(Protocol):
    """What a cell's parent needs to know of it."""

    @property
    def hash(self) -> bytes:
        """Representation hash, 32 bytes."""
        ...

    @property
    def depth(self) -> int:
        """0 for a cell without references."""
        ...


class Cell:
    """A cell; equal to any other with the same representation hash.

    Args:
        data: the bits as one unsigned integer, first bit highest.
        bits: how many, 0…1023.
        refs: up to four cells.
        exotic: whether it is a reference to a library, see :meth:`library`.

    Raises:
        DecodeError: too large or too deep, or an exotic cell of another kind.
    """

    __slots__ = ("bits", "data", "depth", "exotic", "hash", "refs")

    def __init__(
        self, data: int, bits: int, refs: Sequence["Cell"] = (), *, exotic: bool = False
    ) -> None:
        self.data = data
        self.bits = bits
        self.refs = tuple(refs)
        self.exotic = exotic
        self.depth: int = 1 + max(ref.depth for ref in self.refs) if self.refs else 0
        if not exotic:
            self.hash = representation_hash(data, bits, self.refs)
            return
        if bits != _LIBRARY_BITS or data >> 256 != _LIBRARY_TYPE or refs:
            raise DecodeError("an exotic cell that is not a reference to a library")
        self.hash = hashlib.sha256(self.payload()).digest()

    @classmethod
    def library(cls, code_hash: bytes) -> "Cell":
        """A reference to a cell that is published as a library, by that cell's hash.

        Raises:
            DecodeError: not 32 bytes.
        """
        if len(code_hash) != HASH_BYTES:
            raise DecodeError(f"{HASH_BYTES} bytes expected, not {len(code_hash)}")
        data = (_LIBRARY_TYPE << 256) | int.from_bytes(code_hash, "big")
        return cls(data, _LIBRARY_BITS, exotic=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cell) and other.hash == self.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"Cell({self.bits} bits, {len(self.refs)} refs, {self.hash.hex()})"

    def payload(self) -> bytes:
        """Descriptor bytes and data with completion tag, as hashed and as stored in a BoC."""
        descriptor = len(self.refs) | (EXOTIC if self.exotic else 0)
        return _payload(self.data, self.bits, descriptor)


def representation_hash(data: int, bits: int, refs: Sequence[HashedCell]) -> bytes:
    """Hash of the cell with these contents; the references need only hash and depth.

    Raises:
        DecodeError: too large or too deep.
    """
    if not 0 <= bits <= MAX_BITS or len(refs) > MAX_REFS:
        raise DecodeError(f"a cell cannot hold {bits} bits and {len(refs)} references")
    if not refs:
        return hashlib.sha256(_payload(data, bits, 0)).digest()
    if any(ref.depth >= MAX_DEPTH for ref in refs):
        raise DecodeError(f"cells are nested deeper than {MAX_DEPTH}")
    depths = b"".join(ref.depth.to_bytes(2, "big") for ref in refs)
    hashes = b"".join(ref.hash for ref in refs)
    return hashlib.sha256(_payload(data, bits, len(refs)) + depths + hashes).digest()


def _payload(data: int, bits: int, descriptor: int) -> bytes:
    size = (bits + 7) // 8
    padding = size * 8 - bits
    if padding:
        # A single 1 bit marks the end of data that does not fill its last byte.
        data = ((data << 1) | 1) << (padding - 1)
    return bytes((descriptor, bits // 8 + size)) + data.to_bytes(size, "big")


class Builder:
    """Writes a cell; every method returns the builder.

    Values come from our own code, so a value that does not fit is a ``DecodeError`` too: it can
    only stem from data that should have been refused before.
    """

    __slots__ = ("_bits", "_data", "_refs")

    def __init__(self) -> None:
        self._data = 0
        self._bits = 0
        self._refs: list[Cell] = []

    def uint(self, value: int, bits: int) -> Self:
        """An unsigned integer of fixed width."""
        if value < 0 or value >> bits:
            raise DecodeError(f"{value} does not fit {bits} bits")
        self._data = (self._data << bits) | value
        self._bits += bits
        return self

    def signed(self, value: int, bits: int) -> Self:
        """A signed integer of fixed width, two's complement."""
        if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise DecodeError(f"{value} does not fit {bits} bits")
        return self.uint(value & ((1 << bits) - 1), bits)

    def raw(self, value: bytes) -> Self:
        """Bytes as they are."""
        return self.uint(int.from_bytes(value, "big"), len(value) * 8)

    def hash256(self, value: bytes) -> Self:
        """A 32-byte hash or public key."""
        if len(value) != HASH_BYTES:
            raise DecodeError(f"{HASH_BYTES} bytes expected, not {len(value)}")
        return self.raw(value)

    def coins(self, value: int) -> Self:
        """An amount: 4-bit byte length, then as few bytes as it needs."""
        size = (value.bit_length() + 7) // 8
        if value < 0 or size > MAX_COINS_BYTES:
            raise DecodeError(f"amount out of range: {value}")
        return self.uint(size, 4).uint(value, size * 8)

    def address(self, address: Address) -> Self:
        """A standard address in workchain 0, 267 bits."""
        return self.uint(_ADDR_STD, 3).uint(0, 8).hash256(address.account)

    def ref(self, cell: Cell) -> Self:
        """A reference."""
        self._refs.append(cell)
        return self

    def content(self, cell: Cell) -> Self:
        """All bits and references of an ordinary cell, inline.

        Raises:
            DecodeError: the cell is exotic.
        """
        if cell.exotic:
            raise DecodeError("an exotic cell has no content of its own")
        self._refs.extend(cell.refs)
        return self.uint(cell.data, cell.bits)

    def fits(self, cell: Cell, spare_bits: int = 0) -> bool:
        """Whether :meth:`content` of this cell and so many bits more can follow."""
        bits = self._bits + cell.bits + spare_bits
        refs = len(self._refs) + len(cell.refs)
        return not cell.exotic and bits <= MAX_BITS and refs <= MAX_REFS

    def maybe_ref(self, cell: Cell | None) -> Self:
        """One bit, and a reference if it is set."""
        self.uint(cell is not None, 1)
        return self if cell is None else self.ref(cell)

    def cell(self) -> Cell:
        """The finished cell.

        Raises:
            DecodeError: more than 1023 bits, four references or the depth limit.
        """
        return Cell(self._data, self._bits, self._refs)


class Reader:
    """Reads a cell front to back; too short, or not empty at :meth:`end`, is a ``DecodeError``.

    So is an exotic cell, whose bits are not data.
    """

    __slots__ = ("_data", "_left", "_next_ref", "_refs")

    def __init__(self, cell: Cell) -> None:
        if cell.exotic:
            raise DecodeError("a reference to a library stands where data belongs")
        self._data = cell.data
        self._left = cell.bits
        self._refs = cell.refs
        self._next_ref = 0

    def uint(self, bits: int) -> int:
        """An unsigned integer of fixed width."""
        if bits > self._left:
            raise DecodeError(f"cell ends: {bits} bits needed, {self._left} left")
        self._left -= bits
        return (self._data >> self._left) & ((1 << bits) - 1)

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self._left

    def signed(self, bits: int) -> int:
        """A signed integer of fixed width, two's complement."""
        value = self.uint(bits)
        return value - (1 << bits) if value >> (bits - 1) else value

    def var_uint(self, length_bits: int) -> int:
        """An unsigned integer after its length in bytes, in any form that the network accepts."""
        return self.uint(self.uint(length_bits) * 8)

    def raw(self, size: int) -> bytes:
        """Bytes as they are."""
        return self.uint(size * 8).to_bytes(size, "big")

    def coins(self) -> int:
        """An amount of at most 64 bits in its shortest form."""
        size = self.uint(4)
        if size > MAX_COINS_BYTES:
            raise DecodeError(f"amount of {size} bytes is too large")
        value = self.uint(size * 8)
        if size and not value >> (size - 1) * 8:
            raise DecodeError("amount is not in its shortest form")
        return value

    def address(self) -> Address:
        """A standard address in workchain 0, without anycast."""
        if self.uint(3) != _ADDR_STD:
            raise DecodeError("not a standard address")
        if self.uint(8) != 0:
            raise DecodeError("address is not in workchain 0")
        return Address(self.raw(HASH_BYTES))

    def any_address(self) -> Address | None:
        """Any address of the network; None if it is none, external or not plainly in workchain 0.

        Strangers choose the addresses in messages, so a kind that we do not use is no error.
        """
        kind = self.uint(2)
        if kind == 0:
            return None
        if kind == 1:
            self.uint(self.uint(9))
            return None
        plain = not self.uint(1)
        if not plain:
            self.uint(self.uint(5))
        if kind == 3:
            size = self.uint(9)
            self.uint(32 + size)
            return None
        workchain, account = self.uint(8), self.raw(HASH_BYTES)
        return Address(account) if plain and workchain == 0 else None

    def ref(self) -> Cell:
        """The next reference."""
        if self._next_ref == len(self._refs):
            raise DecodeError("cell has too few references")
        cell = self._refs[self._next_ref]
        self._next_ref += 1
        return cell

    def maybe_ref(self) -> Cell | None:
        """One bit, and a reference if it is set."""
        return self.ref() if self.uint(1) else None

    def rest(self) -> Cell:
        """Everything not yet read, as a cell; nothing is left then."""
        left, refs = self._left, self._refs[self._next_ref :]
        self._left, self._next_ref = 0, len(self._refs)
        return Cell(self._data & ((1 << left) - 1), left, refs)

    def end(self) -> None:
        """Refuse what is left over."""
        if self._left or self._next_ref != len(self._refs):
            refs = len(self._refs) - self._next_ref
            raise DecodeError(f"cell has {self._left} bits and {refs} references too many")


EMPTY_CELL = Cell(0, 0)

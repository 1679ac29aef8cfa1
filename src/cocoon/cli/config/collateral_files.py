"""Vendors' signed collateral from files: one piece a file, told apart by what is in it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.missing import GPU, SGX, SNP, TDX
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral
from cocoon.attestation.evidence.snp_collateral import SnpCollateral
from cocoon.cli.config.load import read_text
from cocoon.collateral.books import Books
from cocoon.collateral.store import parse_stored
from cocoon.errors import ConfigError, EvidenceError

MAX_FILES = 4096
_SUFFIX = ".json"

Content = Collateral | SnpCollateral | GpuCollateral


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of collateral.

    Attributes:
        kind: ``tdx``, ``sgx``, ``snp`` or ``gpu``.
        content: what it holds.
    """

    kind: str
    content: Content


def put(books: Books, piece: Piece) -> None:
    """Add or replace one piece."""
    match piece.content:
        case Collateral() as content:
            (books.sgx if piece.kind == SGX else books.tdx).put(content)
        case SnpCollateral() as content:
            books.snp.put(content)
        case GpuCollateral() as content:
            books.gpu.put(content)


def load_files(books: Books, paths: Iterable[Path]) -> int:
    """Put what files, and all files of directories, hold; returns how many pieces.

    Raises:
        ConfigError: a file cannot be read or is no collateral.
    """
    count = 0
    for path in paths:
        for _, piece in read_pieces(path):
            put(books, piece)
            count += 1
    return count


def read_pieces(path: Path) -> list[tuple[Path, Piece]]:
    """What a file, or every file of a directory, holds.

    Raises:
        ConfigError: a file cannot be read or is no collateral.
    """
    return [(file, read_piece(file)) for file in _files(path)]


def read_piece(path: Path) -> Piece:
    """One piece of collateral.

    Raises:
        ConfigError: the file cannot be read, or is no collateral.
    """
    text = read_text(path, "collateral file")
    try:
        return parse_piece(text)
    except EvidenceError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse_piece(text: str) -> Piece:
    """Collateral of whichever vendor, bare or as a store keeps it.

    Raises:
        EvidenceError: it is none.
    """
    stored = parse_stored(text.encode())
    if stored is not None:
        return _parse(stored.kind, stored.content)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvidenceError("collateral is JSON, and this is not") from error
    match document:
        case {"tcb_info": str(tcb_info)}:
            return _parse(SGX if _is_sgx(tcb_info) else TDX, text)
        case {"key": str(), "data": str()}:
            return _parse(GPU, text)
        case {"product": str(), "signer": str()}:
            return _parse(SNP, text)
        case _:
            raise EvidenceError("this is no collateral that is known here")


def _parse(kind: str, text: str) -> Piece:
    if kind in (TDX, SGX):
        return Piece(kind, Collateral.from_json(text))
    if kind == SNP:
        return Piece(kind, SnpCollateral.from_json(text))
    if kind == GPU:
        return Piece(kind, GpuCollateral.from_json(text))
    raise EvidenceError(f"collateral of the unknown kind {kind}")


def _is_sgx(tcb_info: str) -> bool:
    try:
        return bool(json.loads(tcb_info).get("id") == "SGX")
    except (ValueError, AttributeError, RecursionError):
        return False


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    try:
        found = sorted(item for item in path.rglob(f"*{_SUFFIX}") if item.is_file())
    except OSError as error:  # such as a directory that is replaced just now
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(found) > MAX_FILES:
        raise ConfigError(f"{path} holds more than {MAX_FILES} files")
    if not found:
        raise ConfigError(
            f"{path} holds no collateral (*{_SUFFIX}); `cocoon attest collateral fetch` gets it"
        )
    yield from found

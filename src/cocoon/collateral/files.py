"""Collateral from files that people name: a document, a file of a store, or a whole store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.missing import GPU, SGX, SNP, TDX
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral
from cocoon.attestation.evidence.snp_collateral import SnpCollateral
from cocoon.collateral.store import MAX_FILE_BYTES, CollateralStore, parse_stored
from cocoon.errors import ConfigError, EvidenceError

D = TypeVar("D")

PARSERS: dict[str, Callable[[str], Any]] = {
    TDX: Collateral.from_json,
    SGX: Collateral.from_json,
    SNP: SnpCollateral.from_json,
    GPU: GpuCollateral.from_json,
}
"""How documents of each kind are read."""


def read_tdx(path: Path) -> list[Collateral]:
    """Intel's collateral for TDX from a file or directory.

    Raises:
        ConfigError: it cannot be read, or holds no such collateral.
    """
    return _read(path, TDX, Collateral.from_json)


def read_snp(path: Path) -> list[SnpCollateral]:
    """AMD's collateral from a file or directory; raises as :func:`read_tdx`."""
    return _read(path, SNP, SnpCollateral.from_json)


def read_gpu(path: Path) -> list[GpuCollateral]:
    """NVIDIA's collateral from a file or directory; raises as :func:`read_tdx`."""
    return _read(path, GPU, GpuCollateral.from_json)


def _read(path: Path, kind: str, parse: Callable[[str], D]) -> list[D]:
    if path.is_dir():
        texts = [item.content for item in CollateralStore(path).all() if item.kind == kind]
        if not texts:
            raise ConfigError(
                f"{path} holds no {kind} collateral; `cocoon attest collateral fetch` makes some"
            )
    else:
        texts = [_text(path, kind)]
    try:
        return [parse(text) for text in texts]
    except EvidenceError as error:
        raise ConfigError(f"{path}: {error}") from None


def _text(path: Path, kind: str) -> str:
    """A document, bare or as a store keeps it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the collateral file {path}: {error.strerror}") from None
    stored = parse_stored(content)
    if stored is not None:
        if stored.kind != kind:
            raise ConfigError(f"{path} holds {stored.kind} collateral, not {kind}")
        return stored.content
    try:
        return content.decode() if len(content) <= MAX_FILE_BYTES else ""
    except UnicodeError:
        raise ConfigError(f"{path} is not collateral: it is no text") from None

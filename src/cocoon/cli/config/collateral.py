"""From the ``[collateral]`` table to a library of collateral with its services."""

from pathlib import Path

from cocoon.attestation.evidence.missing import SNP, TDX
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH
from cocoon.cli.config.collateral_table import KDS, NONE, PCS, CollateralTable
from cocoon.cli.config.load import read_text
from cocoon.collateral.amd import KDS_LIMITS, KDS_URL, AmdCollateral
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel import (
    API_KEY_HEADER,
    PCS_URL,
    ROOT_CRL_URL,
    IntelCollateral,
    Update,
    platform_key,
)
from cocoon.collateral.library import Library, Sources
from cocoon.collateral.nvidia import NVIDIA_LIMITS, OCSP_URL, RIM_URL, NvidiaCollateral


def make_library(table: CollateralTable, *, root_hash: bytes = INTEL_ROOT_HASH) -> Library | None:
    """The library that a table describes, filled from its directory; None without a directory.

    Nothing is fetched until its :meth:`~cocoon.collateral.library.Library.run`.

    Args:
        table: the table.
        root_hash: SHA-384 of the root's key that Intel's data must chain to; a devnet's in tests.

    Raises:
        ConfigError: a file cannot be read, or a URL is not usable.
    """
    if table.directory is None:
        return None
    library = Library(
        table.directory,
        make_sources(table, root_hash=root_hash),
        refresh=table.refresh,
        configured=[(TDX, intel_key(item)) for item in table.platforms]
        + [(SNP, amd_key(item)) for item in table.products],
    )
    library.load()
    return library


def make_sources(table: CollateralTable, *, root_hash: bytes = INTEL_ROOT_HASH) -> Sources:
    """The services that a table names; raises as :func:`make_library`."""
    return Sources(
        intel=_intel(table, root_hash),
        amd=_amd(table.amd),
        nvidia=_nvidia() if table.nvidia else None,
    )


def intel_key(platform: str) -> str:
    """The key of a platform model as people write it: an FMSPC, perhaps with ``/processor``."""
    fmspc, _, ca = platform.partition("/")
    return platform_key(fmspc, ca or "platform")


def amd_key(product: str) -> str:
    """The key of a processor line as people write it, perhaps with ``/vlek``."""
    return product if "/" in product else f"{product}/vcek"


def _intel(table: CollateralTable, root_hash: bytes) -> IntelCollateral | None:
    if table.intel == NONE:
        return None
    headers = {}
    if table.intel_key_file is not None:
        headers[API_KEY_HEADER] = read_text(table.intel_key_file, "API key file").strip()
    update = Update(table.intel_update)
    if table.intel == PCS:
        service, root = VendorHttp(PCS_URL, headers=headers), VendorHttp(ROOT_CRL_URL)
        return IntelCollateral(service, root, update=update, root_hash=root_hash)
    pinned = _certificate(table.intel_certificate)
    service = VendorHttp(table.intel, headers=headers, pinned=pinned)
    return IntelCollateral(service, None, update=update, root_hash=root_hash)


def _certificate(path: Path | None) -> bytes | None:
    return None if path is None else read_text(path, "certificate").encode()


def _amd(where: str) -> AmdCollateral | None:
    if where == NONE:
        return None
    return AmdCollateral(VendorHttp(KDS_URL if where == KDS else where, limits=KDS_LIMITS))


def _nvidia() -> NvidiaCollateral:
    return NvidiaCollateral(
        VendorHttp(RIM_URL, limits=NVIDIA_LIMITS), VendorHttp(OCSP_URL, limits=NVIDIA_LIMITS)
    )

"""What ``cocoon attest collateral`` does."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cocoon.attestation.evidence.missing import SGX, SNP, TDX
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH, root_hash_of
from cocoon.cli import logging, screen
from cocoon.cli.attest.collateral_fetch import (
    Outcome,
    fetch_all,
    fetch_vcek,
    judge,
    named,
    stored_wants,
    write_leaf,
)
from cocoon.cli.attest.collateral_rows import Row, row_of, rows_json, rows_table
from cocoon.cli.attest.collateral_wants import Wants, wants_of
from cocoon.cli.attest.recognise import recognise
from cocoon.cli.attest.targets import load
from cocoon.cli.config.collateral import amd_key, intel_key, make_sources
from cocoon.cli.config.collateral_table import CollateralTable
from cocoon.collateral.amd import parse_key
from cocoon.collateral.library import Library, Sources
from cocoon.collateral.store import CollateralStore
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import CollateralError, ConfigError, EvidenceError, UnknownPlatformError

VCEK_FILE = "vcek.der"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person asks for.

    Attributes:
        targets: evidence: files, endpoints, pages.
        platforms: Intel's platform models.
        is_sgx: they are wanted for enclaves.
        products: AMD's processor lines.
        gpus: files with GPU evidence.
        vcek: a SEV-SNP report of this machine: raw, hex or base64.
    """

    targets: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    is_sgx: bool = False
    products: tuple[str, ...] = ()
    gpus: tuple[Path, ...] = ()
    vcek: bytes | None = None


def run_fetch(
    table: CollateralTable, choice: Choice, simulated_tee: Path | None, *, as_json: bool
) -> None:
    """Fetch, report, and verify quotes.

    Raises:
        ConfigError: the choice is no choice.
        CollateralError: something could not be fetched.
        EvidenceError: a quote does not verify with what was fetched.
    """
    _configure_log()
    root = None if simulated_tee is None else _simulated_root(simulated_tee)
    root_hash = INTEL_ROOT_HASH if root is None else root_hash_of(root)
    sources = make_sources(table, root_hash=root_hash)
    if table.directory is None:
        raise ConfigError("name a directory with --out")
    library = Library(table.directory, sources)
    library.load()
    wants = _wants(library, choice)
    console = screen.stderr()

    def report(outcome: Outcome) -> None:
        state = "fetched" if outcome.error is None else f"FAILED: {outcome.error}"
        console.print(f"{named(outcome.kind, outcome.key)}: {state}", markup=False)

    with console.status("Asking; who does not answer is given up after two minutes"):
        outcomes = asyncio.run(_fetch(library, sources, wants, choice, report))
    rows = [row for row in _rows(library.store) if _is_of(row, outcomes)]
    if rows or as_json:
        _print(rows, as_json=as_json)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        raise CollateralError(
            f"{len(failed)} of {len(outcomes)} could not be fetched: {failed[0].error}"
        )
    for verified in judge(library, wants, simulated_root=root):
        console.print(
            f"quote: verifies as {verified.kind.value}, TCB status {verified.tcb_status}",
            markup=False,
        )


def run_show(directory: Path, *, as_json: bool) -> None:
    """List what a directory holds.

    Raises:
        ConfigError: there is no such directory.
    """
    _configure_log()
    if not directory.is_dir():
        raise ConfigError(f"there is no directory {directory}; name it with --out")
    rows = _rows(CollateralStore(directory))
    _print(rows, as_json=as_json)
    if not rows:
        screen.stderr().print(
            f"{directory} holds nothing that was fetched; see `cocoon attest inspect FILE`",
            markup=False,
        )


async def _fetch(
    library: Library,
    sources: Sources,
    wants: Wants,
    choice: Choice,
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    console = screen.stderr()
    try:
        if choice.vcek is not None:
            product = choice.products[0] if choice.products else None
            evidence = recognise(choice.vcek).data
            leaf = await fetch_vcek(sources.amd, evidence, product)
            write_leaf(library.store.directory / VCEK_FILE, leaf)
            console.print(f"vcek: written to {library.store.directory / VCEK_FILE}", markup=False)
        return await fetch_all(library, wants, report=report)
    finally:
        await library.close()


def _wants(library: Library, choice: Choice) -> Wants:
    if choice == Choice():
        return stored_wants(library)
    wants = Wants()
    for target in (*choice.targets, *map(str, choice.gpus)):
        found = wants_of(load(target).data)
        wants.keys += [key for key in found.keys if key not in wants.keys]
        wants.quotes += found.quotes
        wants.gpus += found.gpus
    kind = SGX if choice.is_sgx else TDX
    wants.keys += [(kind, _platform(platform)) for platform in choice.platforms]
    wants.keys += [(SNP, _product(product)) for product in choice.products]
    return wants


def _platform(text: str) -> str:
    try:
        return intel_key(text)
    except EvidenceError:
        raise ConfigError(
            f"--fmspc has 12 hex digits, perhaps with /processor, not {text!r:.40}"
        ) from None


def _product(text: str) -> str:
    key = amd_key(text)
    try:
        parse_key(key)
    except UnknownPlatformError:
        raise ConfigError(
            f"--product is Milan, Genoa or Turin, perhaps with /vlek, not {text!r:.40}"
        ) from None
    return key


def _configure_log() -> None:
    logging.configure(logging.level_of("debug" if logging.is_verbose() else "warning"))


def _simulated_root(directory: Path) -> bytes:
    if not directory.is_dir():
        raise ConfigError(f"there is no simulated machine {directory}")
    return SimulatedTee(directory, int(time.time())).root_certificate


def _rows(store: CollateralStore) -> list[Row]:
    now = int(time.time())
    return [row_of(stored, now) for stored in store.all()]


def _is_of(row: Row, outcomes: list[Outcome]) -> bool:
    return any((row.kind, row.key) == (outcome.kind, outcome.key) for outcome in outcomes)


def _print(rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        screen.stdout().print(rows_json(rows), markup=False)
    elif rows:
        screen.print_whole(rows_table(rows))

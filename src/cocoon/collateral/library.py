"""All collateral of one process: the books that verifiers read, and what keeps them full."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.missing import GPU, SGX, SNP, TDX
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral
from cocoon.attestation.evidence.snp_collateral import SnpCollateral
from cocoon.collateral.amd import AmdCollateral
from cocoon.collateral.books import Books
from cocoon.collateral.intel import IntelCollateral
from cocoon.collateral.intel_check import evaluation_number
from cocoon.collateral.nvidia import NvidiaCollateral
from cocoon.collateral.refresh import Refresher
from cocoon.collateral.schedule import RefreshRule
from cocoon.collateral.shelf import Shelf
from cocoon.collateral.store import CollateralStore
from cocoon.collateral.wanted import Wanted, WantedRule
from cocoon.errors import ConfigError, where

_random = random.SystemRandom()  # leaves the state of the shared generator alone

REREAD_INTERVAL = 600.0
"""Seconds between looks at the directory where another program fills it."""
PREFETCH_TIMEOUT = 30.0
"""Seconds that a start waits for the vendors."""
GPU_CAPACITY = 1024
"""Every GPU has certificates of its own, whose state is asked for one by one."""
GPU_WANTED = WantedRule(capacity=256, burst=64, interval=1.0)
VENDORS = {TDX: "intel", SGX: "intel", SNP: "amd", GPU: "nvidia"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The vendors' services; None where a vendor is not asked."""

    intel: IntelCollateral | None = None
    amd: AmdCollateral | None = None
    nvidia: NvidiaCollateral | None = None


class Library:
    """Books, the directory behind them, and the services behind that.

    Args:
        directory: where documents are kept; several processes may share it.
        sources: the services.
        refresh: False leaves fetching to another program; the directory is read again then.
        configured: kinds and keys that are fetched before anybody misses them.
        clock: unix seconds.
        monotonic: seconds.
        uniform: returns a random number in [0, 1).
        rule: when documents are renewed.
    """

    def __init__(
        self,
        directory: Path,
        sources: Sources,
        *,
        refresh: bool = True,
        configured: Iterable[tuple[str, str]] = (),
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = _random.random,
        rule: RefreshRule | None = None,
    ) -> None:
        self.books = Books()
        self.store = CollateralStore(directory)
        self._sources = sources
        self._refresh = refresh
        self._configured = tuple(configured)
        self._shelves = _shelves(sources, self.books)
        self._refreshers: dict[str, Refresher] = {}
        for vendor in dict.fromkeys(VENDORS.values()):
            wanted = Wanted(monotonic, rule=GPU_WANTED if vendor == "nvidia" else None)
            shelves = [shelf for shelf in self._shelves if VENDORS[shelf.kind] == vendor]
            self._refreshers[vendor] = Refresher(
                vendor, shelves, self.store, wanted, clock=clock, uniform=uniform, rule=rule
            )
            if vendor in self._asked():
                self._listen(vendor, wanted)

    def load(self) -> None:
        """Fill the books from the directory; nothing is fetched."""
        for vendor, refresher in self._refreshers.items():
            refresher.load(item for item in self._configured if VENDORS.get(item[0]) == vendor)

    @property
    def lacks(self) -> bool:
        """Whether something is configured that the directory does not have yet."""
        return any(self._refreshers[vendor].lacks for vendor in self._asked())

    async def prefetch(self, timeout: float = PREFETCH_TIMEOUT) -> None:
        """Fetch what :attr:`lacks`, before a role begins; what fails is tried again by :meth:`run`.

        Args:
            timeout: seconds after which the role begins without it.
        """
        vendors = [vendor for vendor in self._asked() if self._refreshers[vendor].lacks]
        try:
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(self._refreshers[vendor].step() for vendor in vendors))
        except TimeoutError:
            _log.warning("collateral: the vendors are slow; starting without")
        finally:
            await self.close()

    def _asked(self) -> list[str]:
        """The vendors that this process asks."""
        return [
            vendor
            for vendor in self._refreshers
            if self._refresh and getattr(self._sources, vendor) is not None
        ]

    async def run(self) -> None:
        """Keep the books current until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for vendor, refresher in self._refreshers.items():
                    if vendor in self._asked():
                        tasks.create_task(refresher.run())
                    else:
                        tasks.create_task(self._reread(refresher))
        finally:
            await self.close()

    async def close(self) -> None:
        """Close connections."""
        for source in (self._sources.intel, self._sources.amd, self._sources.nvidia):
            if source is not None:
                await source.close()

    async def fetch(self, kind: str, key: str) -> Any:
        """Fetch one document now, whatever the directory has, and keep it.

        Args:
            kind: of :mod:`cocoon.attestation.evidence.missing`.
            key: what is wanted.

        Raises:
            ConfigError: no service is configured for this kind.
            CollateralError: the service does not answer, or not with signed data.
            StoreError: the directory cannot be written.
        """
        vendor = VENDORS.get(kind, "")
        if getattr(self._sources, vendor, None) is None:
            raise ConfigError(f"no service is asked for {kind} collateral")
        return await self._refreshers[vendor].fetch(kind, key)

    async def _reread(self, refresher: Refresher) -> None:
        while True:
            await asyncio.sleep(REREAD_INTERVAL)
            try:
                await asyncio.to_thread(refresher.load)
            except Exception as error:
                # Boundary: a bug over one file must not end the role.
                _log.error("collateral", error=type(error).__name__, where=where(error))

    def _listen(self, vendor: str, wanted: Wanted) -> None:
        books = self.books
        for kind, book in ((TDX, books.tdx), (SGX, books.sgx), (SNP, books.snp), (GPU, books.gpu)):
            if VENDORS[kind] == vendor:
                book.listener = wanted.add


def _shelves(sources: Sources, books: Books) -> list[Shelf[Any]]:
    def intel(kind: str, book: CollateralBook) -> Shelf[Collateral]:
        async def fetch(key: str) -> Collateral:
            if sources.intel is None:
                raise ConfigError("no service of Intel's is configured")
            return await sources.intel.fetch(kind, key)

        return Shelf(
            kind=kind,
            source="Intel",
            fetch=fetch,
            parse=Collateral.from_json,
            to_json=lambda item: item.json,
            put=book.put,
            is_older=_is_older,
        )

    async def fetch_snp(key: str) -> SnpCollateral:
        if sources.amd is None:
            raise ConfigError("no service of AMD's is configured")
        return await sources.amd.fetch(key)

    async def fetch_gpu(key: str) -> GpuCollateral:
        if sources.nvidia is None:
            raise ConfigError("no service of NVIDIA's is configured")
        return await sources.nvidia.fetch(key)

    return [
        intel(TDX, books.tdx),
        intel(SGX, books.sgx),
        Shelf(
            kind=SNP,
            source="AMD",
            fetch=fetch_snp,
            parse=SnpCollateral.from_json,
            to_json=SnpCollateral.to_json,
            put=books.snp.put,
        ),
        Shelf(
            kind=GPU,
            source="NVIDIA",
            fetch=fetch_gpu,
            parse=GpuCollateral.from_json,
            to_json=GpuCollateral.to_json,
            put=books.gpu.put,
            capacity=GPU_CAPACITY,
        ),
    ]


def _is_older(new: Collateral, old: Collateral) -> bool:
    return evaluation_number(new.handle) < evaluation_number(old.handle)

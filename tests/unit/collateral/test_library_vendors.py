"""What verifiers of SEV-SNP and GPU evidence miss is learned in the same way as Intel's."""

import time

import pytest

from cocoon.attestation.evidence.nvidia import verify_gpu
from cocoon.attestation.evidence.snp import verify_snp
from cocoon.attestation.evidence.snp_collateral import snp_root_hash
from cocoon.attestation.evidence.snp_tcb import SnpProduct
from cocoon.collateral.amd import AmdCollateral
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.library import Library, Sources
from cocoon.collateral.nvidia import NvidiaCollateral
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine
from cocoon.errors import EvidenceError, MissingCollateralError
from cocoon.testing.collateral_server import QUICK, CollateralServer, Served

pytestmark = pytest.mark.anyio
NOW = int(time.time())
NONCE = bytes(32)


async def test_a_new_line_of_processors_is_learned(tmp_path):
    machine = SimulatedSnpMachine(tmp_path / "snp", NOW)
    product, root = machine.product, machine.root_certificate
    evidence = SimulatedSnp(machine, "worker").quote(bytes(64))
    async with CollateralServer(Served(NOW, amd=machine.pki, product=product)) as server:
        roots = {product: snp_root_hash(root)}
        amd = AmdCollateral(VendorHttp(server.url, limits=QUICK), roots)
        library = Library(tmp_path / "kept", Sources(amd=amd))
        with pytest.raises(MissingCollateralError) as caught:
            verify_snp(evidence, library.books.snp, NOW, simulated_root=root)
        assert caught.value.key == f"{SnpProduct(product).value}/vcek"
        assert server.requests == []
        await library._refreshers["amd"].step()
        assert verify_snp(evidence, library.books.snp, NOW, simulated_root=root)
        assert len(server.requests) == 2
        await library.close()


async def test_a_new_gpu_is_learned(tmp_path):
    gpus = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 2)
    root = gpus.root_certificate
    async with CollateralServer(Served(NOW, gpus=gpus)) as server:
        http = [VendorHttp(server.url, limits=QUICK) for _ in range(2)]
        library = Library(tmp_path, Sources(nvidia=NvidiaCollateral(*http)))
        book, tries = library.books.gpu, 0
        for item in gpus.evidence(NONCE):
            while tries < 10:
                try:
                    assert verify_gpu(item, NONCE, book, NOW, simulated_root=root).simulated
                    break
                except MissingCollateralError:
                    tries += 1
                    asked = len(server.requests)
                    await library._refreshers["nvidia"].step()
                    assert len(server.requests) > asked
        assert 0 < tries <= 4
        await library.close()


async def test_somebody_elses_gpu_makes_us_ask_nothing(tmp_path):
    ours = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1)
    theirs = SimulatedGpus(GpuPki.from_seed(b"x" * 32, NOW), 1)
    async with CollateralServer(Served(NOW, gpus=theirs)) as server:
        http = [VendorHttp(server.url, limits=QUICK) for _ in range(2)]
        library = Library(tmp_path, Sources(nvidia=NvidiaCollateral(*http)))
        (item,) = theirs.evidence(NONCE)
        for root in (ours.root_certificate, None):
            with pytest.raises(EvidenceError):
                verify_gpu(item, NONCE, library.books.gpu, NOW, simulated_root=root)
        await library._refreshers["nvidia"].step()
        assert server.requests == []
        await library.close()

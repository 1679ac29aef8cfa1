"""Documents that the vendors really signed pass through the clients, under the vendors' real roots.

The stand-in serves them in the wire form; their dates are past, so nothing judges by them here.
"""

import json
import re
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_report import SnpReport
from cocoon.attestation.evidence.snp_tcb import SnpProduct
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH
from cocoon.cli.attest.collateral_rows import row_of
from cocoon.cli.attest.collateral_wants import wants_of
from cocoon.collateral.amd import AmdCollateral
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel import IntelCollateral
from cocoon.collateral.intel_check import evaluation_number, require_signed
from cocoon.collateral.nvidia import NvidiaCollateral
from cocoon.collateral.store import Stored
from cocoon.errors import CollateralError
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served
from cocoon.testing.real_evidence import INTEL_DAYS, amd, require_intel
from cocoon.testing.real_evidence import nvidia as nvidia_samples

pytestmark = pytest.mark.anyio


def parts_of(name: str) -> dict[str, str]:
    text = require_intel(name).collateral
    return {key: value for key, value in json.loads(text).items() if key != "pck_certificate_chain"}


def plain(chain: str) -> str:
    """Only the certificates, as services send them."""
    found = x509.load_pem_x509_certificates(chain.encode().rstrip(b"\0"))
    return quote("".join(item.public_bytes(Encoding.PEM).decode() for item in found))


def serve_intel(server: CollateralServer, parts: dict[str, str]) -> None:
    """Answer with these parts."""
    tcb = f'{{"tcbInfo":{parts["tcb_info"]},"signature":"{parts["tcb_info_signature"]}"}}'
    signature = parts["qe_identity_signature"]
    identity = f'{{"enclaveIdentity":{parts["qe_identity"]},"signature":"{signature}"}}'
    for tee in ("tdx", "sgx"):
        base = f"/{tee}/certification/v4"
        server.broken[f"{base}/tcb"] = Fault(
            200, tcb.encode(), {"TCB-Info-Issuer-Chain": plain(parts["tcb_info_issuer_chain"])}
        )
        chain = {"SGX-Enclave-Identity-Issuer-Chain": plain(parts["qe_identity_issuer_chain"])}
        server.broken[f"{base}/qe"] = Fault(200, identity.encode(), chain)
    server.broken["/sgx/certification/v4/pckcrl"] = Fault(
        200,
        bytes.fromhex(parts["pck_crl"]),
        {"SGX-PCK-CRL-Issuer-Chain": plain(parts["pck_crl_issuer_chain"])},
    )
    server.broken["/sgx/certification/v4/rootcacrl"] = Fault(200, parts["root_ca_crl"].encode())


@pytest.mark.parametrize("name", INTEL_DAYS)
async def test_what_intel_signed_passes_under_intels_root(name):
    parts = parts_of(name)
    ((kind, key),) = wants_of(require_intel(name).quote).keys
    async with CollateralServer(Served(0)) as server:
        serve_intel(server, parts)
        intel = IntelCollateral(VendorHttp(server.url, limits=QUICK), None)
        fetched = await intel.fetch(kind, key)
        await intel.close()
    for field in ("tcb_info", "tcb_info_signature", "qe_identity", "root_ca_crl", "pck_crl"):
        shown = getattr(fetched.handle, field)
        assert (shown.hex() if isinstance(shown, bytes) else shown) == parts[field]
    assert evaluation_number(fetched.handle) > 10
    row = row_of(Stored(kind=kind, key=key, fetched_at=0, content=fetched.json), 2**33)
    assert (row.state, row.evaluation) == ("expired", evaluation_number(fetched.handle))


def test_one_turned_bit_of_what_intel_signed_is_refused():
    parts = parts_of("tdx_quote")
    tcb = parts["tcb_info"]
    place = tcb.index('"svn":') + 6
    turned = parts | {"tcb_info": tcb[:place] + "9" + tcb[place:]}
    for altered in (
        turned,
        parts | {"qe_identity": parts["qe_identity"].replace("00", "01", 1)},
        parts | {"tcb_info_signature": parts["qe_identity_signature"]},
        parts | {"pck_crl": parts["root_ca_crl"]},
    ):
        with pytest.raises(CollateralError):
            require_signed(Collateral.from_json(json.dumps(altered)), INTEL_ROOT_HASH)
    require_signed(Collateral.from_json(json.dumps(parts)), INTEL_ROOT_HASH)


async def test_a_real_chips_certificate_passes_under_amds_root():
    real = amd()
    report, der = SnpReport.from_bytes(real.report), real.vcek
    chain = "".join(
        x509.load_der_x509_certificate(real.authorities[f"milan_{name}"])
        .public_bytes(Encoding.PEM)
        .decode()
        for name in ("ask", "ark")
    )
    async with CollateralServer(Served(0)) as server:
        server.broken["/vcek/v1/Milan/cert_chain"] = Fault(200, chain.encode())
        server.broken[f"/vcek/v1/Milan/{report.chip_id.hex()}"] = Fault(200, der)
        client = AmdCollateral(VendorHttp(server.url, limits=QUICK))
        leaf = SnpLeaf.from_der(der)
        tcb = report.tcbs(SnpProduct.MILAN)["reported"]
        assert tcb == leaf.tcb
        assert await client.vcek(SnpProduct.MILAN, report.chip_id, tcb) == der
        query = server.requests[1].partition("?")[2]
        assert re.fullmatch(r"blSPL=\d+&teeSPL=\d+&snpSPL=\d+&ucodeSPL=\d+", query)
        await client.close()


async def test_a_real_manifest_passes():
    import base64

    xml = nvidia_samples().manifests["Driver_RIM_test_no_gpu.swidtag"]
    body = json.dumps({"id": "x", "rim": base64.b64encode(xml).decode()}).encode()
    async with CollateralServer(Served(0)) as server:
        server.broken["/v1/rim"] = Fault(200, body)
        http = [VendorHttp(server.url, limits=QUICK) for _ in range(2)]
        nvidia = NvidiaCollateral(*http)
        fetched = await nvidia.fetch("rim/NV_GPU_DRIVER_GH100_545.00")
        assert fetched.rim is not None
        assert fetched.data == xml
        await nvidia.close()

"""Any answers of the vendors' services and any stored files: a document or a CollateralError."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH
from cocoon.cli.attest.collateral_rows import row_of
from cocoon.collateral.amd import AmdCollateral
from cocoon.collateral.http import Answer
from cocoon.collateral.intel import IntelCollateral
from cocoon.collateral.nvidia import NvidiaCollateral
from cocoon.collateral.store import Stored, parse_stored
from cocoon.errors import CollateralError

FOLDER = Path(__file__).parents[2] / "vectors" / "attestation"
GOOD = json.loads((FOLDER / "simulated_platform.json").read_text())["collateral"]
KEY = f"{Collateral.from_json(json.dumps(GOOD)).fmspc.hex()}/platform"
CHAIN = "issuer-chain"
ANSWERS = [
    (f'{{"tcbInfo":{GOOD["tcb_info"]},"signature":"{GOOD["tcb_info_signature"]}"}}',
     "tcb-info-issuer-chain", GOOD["tcb_info_issuer_chain"]),
    (f'{{"enclaveIdentity":{GOOD["qe_identity"]},"signature":"{GOOD["qe_identity_signature"]}"}}',
     "sgx-enclave-identity-issuer-chain", GOOD["qe_identity_issuer_chain"]),
    (GOOD["pck_crl"], "sgx-pck-crl-issuer-chain", GOOD["pck_crl_issuer_chain"]),
    (GOOD["root_ca_crl"], "x", ""),
]  # fmt: skip


class Script:
    """Stands for the HTTP calls: good answers, one of which the input replaces or alters."""

    def __init__(self, data: bytes) -> None:
        self.mode, self.which, self.data = data[:1], int.from_bytes(data[1:2], "big") % 4, data[2:]
        self.calls = 0

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        text, name, chain = ANSWERS[self.calls % len(ANSWERS)]
        body, header = text.encode(), quote(chain)
        if self.calls == self.which:
            if self.mode < b"\x40":
                body = self.data
            elif self.mode < b"\x80":
                header = self.data.decode("latin-1")
            else:
                place = int.from_bytes(self.data[:2], "big") % len(body)
                body = body[:place] + self.data[2:] + body[place + len(self.data[2:]) :]
        self.calls += 1
        return Answer(body, {name: header})

    async def post(self, path: str, body: bytes, content_type: str) -> Answer:
        return Answer(self.data, {})

    async def close(self) -> None: ...


async def all_calls(data: bytes) -> None:
    amd = AmdCollateral(Script(b"\x00\x00" + data))
    chip = bytes(range(64))
    nvidia = NvidiaCollateral(Script(b"\x00\x00" + data), Script(b"\x00\x00" + data))
    for call in (
        IntelCollateral(Script(data), None, root_hash=INTEL_ROOT_HASH).fetch("tdx", KEY),
        IntelCollateral(Script(data), Script(data)).fetch("sgx", KEY),
        IntelCollateral(Script(b""), None).fetch("tdx", data[:64].decode("latin-1")),
        amd.fetch("Milan/vcek"),
        amd.fetch(data[:64].decode("latin-1")),
        amd.vcek(SnpProduct.TURIN, chip, SnpTcb(1, 2, 3, 4, 5)),
        nvidia.fetch("rim/NV_GPU_DRIVER_GH100_1"),
        nvidia.fetch(data[:64].decode("latin-1")),
        nvidia.fetch(f"ocsp/{'00' * 32}/AAAA"),
    ):
        try:
            await call
        except CollateralError:
            continue


def fuzz_one(data: bytes) -> None:
    asyncio.run(all_calls(data))
    parse_stored(data)
    text = data.decode("latin-1")
    for kind in ("tdx", "snp", "gpu", "other"):
        row_of(Stored(kind=kind, key=text[:1024], fetched_at=0, content=text), 0)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

"""What an attacker may try with Intel's data and quotes."""

import json

import pytest

from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.devnet.tee_pki import Authority, sign_raw
from cocoon.errors import EvidenceError
from cocoon.testing.intel import NOW, intel_lab

LAB = intel_lab()


def forged(member: str, signer: Authority, *above: Authority, label: str = "CERTIFICATE") -> str:
    """Collateral of an outdated platform whose ``member`` somebody else signed as up to date."""
    collateral = json.loads(LAB.pki.collateral_json(NOW, tcb_status="OutOfDate"))
    text = collateral[member].replace("OutOfDate", "UpToDate")
    own = signer.pem.replace("CERTIFICATE", label)
    collateral[member] = text
    collateral[f"{member}_signature"] = sign_raw(signer.key, text.encode()).hex()
    collateral[f"{member}_issuer_chain"] = own + "".join(item.pem for item in above)
    return json.dumps(collateral)


def status(text: str) -> str | None:
    book = CollateralBook(Collateral.from_json(text))
    root = LAB.pki.root_der
    return verify_tdx(LAB.quotes["tdx v4"], book, NOW, simulated_root=root).tcb_status


def test_only_the_key_for_collateral_signs_it() -> None:
    assert status(forged("tcb_info", LAB.pki.tcb_signer, LAB.pki.root)) == "UpToDate"


@pytest.mark.parametrize("member", ["tcb_info", "qe_identity"])
def test_the_key_of_a_machine_signs_no_collateral(member: str) -> None:
    chain = (LAB.pki.platform_ca, LAB.pki.root)
    with pytest.raises(EvidenceError, match="signer"):
        status(forged(member, LAB.pki.pck, *chain))
    with pytest.raises(EvidenceError, match="not one for signing collateral"):
        status(forged(member, LAB.pki.pck, LAB.pki.platform_ca))


@pytest.mark.parametrize("member", ["tcb_info", "qe_identity"])
def test_the_authority_of_machines_signs_no_collateral(member: str) -> None:
    with pytest.raises(EvidenceError, match="not one for signing collateral"):
        status(forged(member, LAB.pki.platform_ca, LAB.pki.root))


def test_a_block_of_another_label_hides_no_signer() -> None:
    chain = (LAB.pki.tcb_signer, LAB.pki.platform_ca, LAB.pki.root)
    with pytest.raises(EvidenceError, match="signer"):
        status(forged("tcb_info", LAB.pki.pck, *chain, label="OTHER"))

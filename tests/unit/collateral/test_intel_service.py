import json
import re
import time

import pytest

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.tdx import root_hash_of, verify_tdx
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel import API_KEY_HEADER, IntelCollateral, Update, platform_key
from cocoon.collateral.intel_answers import (
    enclave_identity,
    issuer_chain,
    revocation_list,
    tcb_info,
)
from cocoon.devnet.tee_pki import FMSPC, SimulatedPki
from cocoon.devnet.tee_quote import build_quote
from cocoon.errors import CollateralError, EvidenceError, UnknownPlatformError
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served

pytestmark = pytest.mark.anyio
NOW = int(time.time())
KEY = platform_key(FMSPC.hex())


def quote_of(pki: SimulatedPki) -> bytes:
    return build_quote(pki, TdxMeasurements.zero(bytes(64)))


async def test_what_is_fetched_verifies_a_quote(intel, server, pki):
    collateral = await intel.fetch("tdx", KEY)
    assert collateral.fmspc == FMSPC
    verified = verify_tdx(
        quote_of(pki), CollateralBook(collateral), NOW, simulated_root=pki.root_der
    )
    assert verified.tcb_status == "UpToDate"
    assert server.requests == [
        f"/tdx/certification/v4/tcb?fmspc={FMSPC.hex()}&update=standard",
        "/tdx/certification/v4/qe/identity?update=standard",
        "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
        "/sgx/certification/v4/rootcacrl",
    ]


async def test_sgx_has_collateral_of_its_own(intel, server):
    collateral = await intel.fetch("sgx", KEY)
    assert json.loads(collateral.handle.tcb_info)["id"] == "SGX"
    assert server.requests[1] == "/sgx/certification/v4/qe/identity?update=standard"


async def test_intels_own_service_keeps_the_roots_list_elsewhere(server, pki):
    service = VendorHttp(server.url, headers={API_KEY_HEADER: "secret"})
    root = VendorHttp(server.url)
    intel = IntelCollateral(
        service, root, update=Update.EARLY, root_hash=root_hash_of(pki.root_der)
    )
    await intel.fetch("tdx", KEY)
    assert server.requests[0].endswith("update=early")
    assert server.requests[3] == "/IntelSGXRootCA.der"
    assert server.keys == ["secret", "secret", "secret", None]
    await intel.close()


async def test_an_unknown_platform_is_told_apart(intel, server):
    with pytest.raises(UnknownPlatformError, match="no TDX TCB info for the platform model 00"):
        await intel.fetch("tdx", "00906ed50000/platform")
    for key in ("", "x/platform", "00906ed50000/other", "../../../x", "00906ed5000/platform"):
        with pytest.raises(UnknownPlatformError):
            await intel.fetch("tdx", key)
    assert len(server.requests) == 1


async def test_another_root_is_refused(http, pki):
    other = SimulatedPki.create(NOW, bytes(32))
    with pytest.raises(CollateralError, match="chain to the pinned root"):
        await IntelCollateral(http, None, root_hash=root_hash_of(other.root_der)).fetch("tdx", KEY)
    with pytest.raises(CollateralError, match="chain to the pinned root"):
        await IntelCollateral(http, None).fetch("tdx", KEY)


@pytest.mark.parametrize("path", ["/tdx", "/sgx/certification/v4/pckcrl"])
@pytest.mark.parametrize("kind", ["flip", "strip"])
async def test_altered_answers_are_refused(intel, server, path, kind):
    server.broken[path] = Fault(kind=kind)
    with pytest.raises(CollateralError):
        await intel.fetch("tdx", KEY)


async def test_signatures_by_somebody_else_are_refused(intel, server, pki):
    """Names and chains are right, but the keys that sign are another's."""
    other = SimulatedPki.create(NOW, bytes(32))
    forged = SimulatedPki(
        root=pki.root,
        platform_ca=type(pki.platform_ca)(pki.platform_ca.certificate, other.platform_ca.key),
        pck=pki.pck,
        tcb_signer=pki.tcb_signer,
    )
    server.served = Served(NOW, intel=forged)
    with pytest.raises(CollateralError, match="signature of the PCK CRL is wrong"):
        await intel.fetch("tdx", KEY)
    forged = SimulatedPki(
        root=pki.root,
        platform_ca=pki.platform_ca,
        pck=pki.pck,
        tcb_signer=type(pki.tcb_signer)(pki.tcb_signer.certificate, other.tcb_signer.key),
    )
    server.served = Served(NOW, intel=forged)
    with pytest.raises(CollateralError, match="signature of the TCB info is wrong"):
        await intel.fetch("tdx", KEY)


async def test_unsigned_collateral_would_be_refused_by_the_verifier_as_well(intel, server, pki):
    """What a wrong signature does that no fetch has noticed, such as one in a file."""
    good = json.loads((await intel.fetch("tdx", KEY)).json)
    bad = good | {"tcb_info_signature": bytes(64).hex()}
    book = CollateralBook(type(await intel.fetch("tdx", KEY)).from_json(json.dumps(bad)))
    with pytest.raises(EvidenceError):
        verify_tdx(quote_of(pki), book, NOW, simulated_root=pki.root_der)


async def test_an_answer_for_another_platform_is_refused(http, server, pki):
    """A service that serves one platform's data for every question."""
    intel = IntelCollateral(http, None, root_hash=root_hash_of(pki.root_der))
    served = pki.collateral_json(NOW)
    body = '{{"tcbInfo":{},"signature":"{}"}}'.format(
        json.loads(served)["tcb_info"],
        json.loads(served)["tcb_info_signature"],
    )
    async with CollateralServer(server.served) as true:
        plain = VendorHttp(true.url)
        headers = (await plain.get("/tdx/certification/v4/tcb", {"fmspc": FMSPC.hex()})).headers
        await plain.close()
    chain = {"TCB-Info-Issuer-Chain": headers["tcb-info-issuer-chain"]}
    server.faults.append(Fault(200, body=body.encode(), headers=chain))
    with pytest.raises(CollateralError, match="another platform model"):
        await intel.fetch("tdx", "00906ed50000/platform")
    server.faults.append(Fault(200, body=body.encode(), headers=chain))
    with pytest.raises(CollateralError, match="another TEE"):
        await intel.fetch("sgx", KEY)


GARBAGE = [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"tcbInfo":{},"signature":"00"}', b"[" * 9999,
           b'{"tcbInfo":"x"}', b"<html>", b'{"tcbInfo":{},"signature":7}']  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_refused(body):
    for parse in (tcb_info, enclave_identity, revocation_list):
        with pytest.raises(CollateralError):
            parse(body)


async def test_garbage_from_the_service_is_refused(http, server, intel):
    for body in GARBAGE:
        server.faults.append(Fault(200, body=body))
        with pytest.raises(CollateralError):
            await intel.fetch("tdx", KEY)


def test_the_signed_text_is_cut_out_as_it_stands():
    text, signature = tcb_info(b'{"tcbInfo": {"b":1 ,"a":\t2},"signature":"' + b"0a" * 64 + b'"}')
    assert text.strip() == '{"b":1 ,"a":\t2}'
    assert signature == b"\n" * 64


def test_chains_must_be_there_and_short(pki):
    from urllib.parse import quote

    pem = pki.tcb_signer.pem + pki.root.pem
    names = ("a", "b")
    assert issuer_chain({"b": quote(pem)}, names) == pem
    for headers in ({}, {"a": ""}, {"a": quote(pki.root.pem)}, {"a": quote(pem * 3)},
                    {"a": "%FF" * 30_000}, {"a": quote(re.sub("A", "", pem))}):  # fmt: skip
        with pytest.raises(CollateralError):
            issuer_chain(headers, names)


def test_revocation_lists_come_in_three_forms(pki):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    der = bytes.fromhex(json.loads(pki.collateral_json(NOW))["pck_crl"])
    pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
    for form in (der, der.hex().encode(), der.hex().upper().encode() + b"\n", pem):
        assert revocation_list(form) == der


def test_platform_models_are_named_in_one_way():
    assert platform_key("00906ED50000") == "00906ed50000/platform"
    assert platform_key("00906ED50000", "processor") == "00906ed50000/processor"
    for wrong in ("", "00906ED5", "zz906ED50000"):
        with pytest.raises(EvidenceError):
            platform_key(wrong)


async def test_a_slow_service_does_not_hang_a_fetch(pki):
    async with CollateralServer(Served(NOW, intel=pki)) as server:
        server.broken["/tdx/certification/v4/qe"] = Fault(kind="hang")
        limits = type(QUICK)(timeout=0.1, attempts=1)
        intel = IntelCollateral(
            VendorHttp(server.url, limits=limits), None, root_hash=root_hash_of(pki.root_der)
        )
        with pytest.raises(CollateralError, match="no answer"):
            await intel.fetch("tdx", KEY)
        await intel.close()

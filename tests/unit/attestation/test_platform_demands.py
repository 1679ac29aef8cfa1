"""What a policy demands of a platform and its registers is asked of each certificate."""

from dataclasses import replace

import pytest

from cocoon.attestation import policy as policies
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import root_hash_of
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee, simulated_measurements
from cocoon.errors import ConfigError, PolicyError
from cocoon.net.credentials import GeneratedCredentials

NOW = 1_795_000_000
SHOWN = simulated_measurements("worker")
WEAK = "ConfigurationNeeded"
ADVISORY = "INTEL-SA-00837"


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("platform") / "tee", NOW)


@pytest.fixture(scope="module")
def certificate(tee: SimulatedTee) -> bytes:
    made = GeneratedCredentials(SimulatedTdx(tee, "worker")).newer(None, NOW)
    assert made is not None
    return made.certificate_der


def policy(tee: SimulatedTee, status: str = "UpToDate", **demands: object) -> policies.Policy:
    advisories = () if status == "UpToDate" else (ADVISORY,)
    text = tee.pki.collateral_json(NOW, tcb_status=status, advisories=advisories)
    return policies.tdx(
        collateral=CollateralBook(Collateral.from_json(text)),
        simulated_root=tee.root_certificate,
        **demands,  # type: ignore[arg-type]
    )


def check(
    der: bytes, judged_by: policies.Policy, cache: VerificationCache | None = None
) -> VerifiedPeer:
    return verify_peer(der, judged_by, NOW + 10, role=PeerRole.SERVER, cache=cache)


def test_a_platform_with_known_weaknesses_passes_only_where_they_are_listed(
    tee: SimulatedTee, certificate: bytes
) -> None:
    with pytest.raises(PolicyError, match=WEAK) as refused:
        check(certificate, policy(tee, WEAK))
    assert "firmware" in refused.value.fix
    lenient = ("UpToDate", WEAK)
    assert check(certificate, policy(tee, WEAK, tcb_statuses=lenient))
    other = policy(tee, WEAK, tcb_statuses=lenient, refused_advisories=["INTEL-SA-00001"])
    assert check(certificate, other)
    for hopeless in ("OutOfDate", "Revoked"):
        with pytest.raises(ConfigError, match="no such TCB status"):
            policy(tee, tcb_statuses=[hopeless])


def test_a_refused_advisory_refuses_from_the_cache_too(
    tee: SimulatedTee, certificate: bytes
) -> None:
    cache = VerificationCache()
    lenient = policy(tee, WEAK, tcb_statuses=[WEAK])
    assert check(certificate, lenient, cache)
    assert len(cache) == 1
    strict = replace(lenient, refused_advisories=frozenset({ADVISORY}))
    for kept in (None, cache):
        with pytest.raises(PolicyError, match=f"{ADVISORY} applies"):
            check(certificate, strict, kept)
    assert len(cache) == 1


@pytest.mark.parametrize(
    ("demand", "good", "bad"),
    [
        ("mr_tds", SHOWN.mr_td, bytes(48)),
        ("rtmr_sets", SHOWN.rtmrs, (*SHOWN.rtmrs[:3], b"\1" * 48)),
        ("image_hashes", SHOWN.image_hash(), bytes(32)),
        ("collateral_root_hashes", None, bytes(48)),
    ],
)
def test_registers_and_roots_must_be_listed(
    demand: str, good: object, bad: object, tee: SimulatedTee, certificate: bytes
) -> None:
    if demand == "collateral_root_hashes":
        good = root_hash_of(tee.root_certificate)
    assert check(certificate, policy(tee, **{demand: [bad, good]}))
    for listed in ([bad], []):
        with pytest.raises(PolicyError, match="is not allowed by the policy"):
            check(certificate, policy(tee, **{demand: listed}))

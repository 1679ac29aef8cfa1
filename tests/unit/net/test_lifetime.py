"""When a connection is made anew because its peer's evidence expires."""

from pathlib import Path

import pytest

from cocoon.attestation.measurements import Attestation, TdxMeasurements
from cocoon.attestation.peer import VerifiedPeer, peer_told_by_router
from cocoon.attestation.policy import Policy, unsafe_accept_anything
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net.identity import Identity
from cocoon.net.lifetime import lifetime_of

NOW = 1_795_000_000


@pytest.fixture
def tee(tmp_path: Path) -> SimulatedTee:
    return SimulatedTee(tmp_path / "tee", NOW)


def verified(tee: SimulatedTee, policy: Policy) -> VerifiedPeer:
    identity = Identity.generate(SimulatedTdx(tee, "p"), clock=lambda: NOW, lifetime=1000)
    return verify_peer(identity.current().certificate_der, policy, NOW, role=PeerRole.SERVER)


def test_a_quiet_moment_ends_it_early_and_the_expiry_in_any_case(tee: SimulatedTee) -> None:
    lifetime = lifetime_of(verified(tee, tee.policy(NOW)), NOW)
    assert lifetime is not None
    assert (lifetime.quiet_from, lifetime.until) == (NOW + 750, NOW + 1000)
    assert not lifetime.is_over(NOW + 749, busy=False)
    assert lifetime.is_over(NOW + 750, busy=False)
    assert not lifetime.is_over(NOW + 999, busy=True)
    assert lifetime.is_over(NOW + 1000, busy=True)


def test_a_short_policy_makes_it_short(tee: SimulatedTee) -> None:
    lifetime = lifetime_of(verified(tee, tee.policy(NOW, max_age=400)), NOW)
    assert lifetime is not None
    assert lifetime.until == NOW - 60 + 400  # our certificates start a minute early


def test_peers_without_evidence_of_their_own_have_none(tee: SimulatedTee) -> None:
    assert lifetime_of(verified(tee, unsafe_accept_anything()), NOW) is None
    told = peer_told_by_router(
        attestation=Attestation(TdxMeasurements.zero(bytes(64))), public_key=bytes(32), now=NOW
    )
    assert lifetime_of(told, NOW) is None


def test_a_certificate_that_gives_itself_years_counts_for_a_day(tee: SimulatedTee) -> None:
    identity = Identity.generate(SimulatedTdx(tee, "p"), clock=lambda: NOW, lifetime=86_400 * 20)
    der = identity.current().certificate_der
    peer = verify_peer(der, tee.policy(NOW), NOW, role=PeerRole.SERVER)
    lifetime = lifetime_of(peer, NOW)
    assert lifetime is not None
    assert lifetime.until == NOW + 86_400

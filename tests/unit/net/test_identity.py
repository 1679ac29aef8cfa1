"""Our own certificates: renewed in time, kept when renewal fails, refused when unusable."""

import asyncio
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cocoon.attestation import policy
from cocoon.attestation.certificate import LIFETIME, build_certificate, parse_certificate
from cocoon.attestation.evidence import EvidenceKind, report_data
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import CertificateError, ConfigError, EvidenceError, LocalProtocolError
from cocoon.net.identity import Identity
from cocoon.testing.certificates import CertificateRecipe

NOW = 1_795_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Flaky:
    """A platform that can be switched off."""

    def __init__(self) -> None:
        self.works = True

    kind = EvidenceKind.TDX_SIMULATED

    def quote(self, report_data: bytes) -> bytes:
        if not self.works:
            raise EvidenceError("no quote today")
        return report_data


def write(folder: Path, recipe: CertificateRecipe, key: Ed25519PrivateKey | None = None) -> Path:
    shown = key or recipe.key
    pem = shown.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "n_key.pem").write_bytes(pem)
    (folder / "n_cert.pem").write_text(DER_cert_to_PEM_cert(recipe.to_der()))
    return folder / "n"


def test_a_generated_certificate_binds_its_key_and_starts_early() -> None:
    credentials = Identity.generate(FakeTdx(), clock=Clock()).current()
    certificate = parse_certificate(credentials.certificate_der)
    assert certificate.quote == report_data(credentials.public_key)
    assert certificate.not_before < NOW
    assert certificate.not_after == NOW + LIFETIME == credentials.not_after
    assert "private" not in repr(credentials)


def test_without_evidence_there_is_no_quote() -> None:
    credentials = Identity.generate(None, clock=Clock()).current()
    assert parse_certificate(credentials.certificate_der).quote is None


@pytest.mark.anyio
async def test_renewal_happens_at_half_life_with_a_new_key() -> None:
    clock = Clock()
    identity = Identity.generate(FakeTdx(), clock=clock)
    first = identity.current()
    clock.now += LIFETIME / 2 - 10
    assert not await identity.renew_if_due()
    assert identity.current() is first
    clock.now += 20
    assert await identity.renew_if_due()
    second = identity.current()
    assert second.version == first.version + 1
    assert second.public_key != first.public_key


@pytest.mark.anyio
async def test_a_failed_renewal_keeps_what_there_is_and_is_tried_again() -> None:
    clock, platform = Clock(), Flaky()
    identity = Identity.generate(platform, clock=clock)
    first = identity.current()
    platform.works = False
    clock.now += LIFETIME * 0.75
    maintaining = asyncio.create_task(identity.maintain(interval=0.01))
    await asyncio.sleep(0.05)
    assert identity.current() is first
    platform.works = True
    async with asyncio.timeout(5):
        while identity.current() is first:  # noqa: ASYNC110 - the identity has no event
            await asyncio.sleep(0.01)
    maintaining.cancel()


@pytest.mark.anyio
async def test_no_error_of_a_library_ends_renewals() -> None:
    class Broken(Flaky):
        calls = 0

        def quote(self, report_data: bytes) -> bytes:
            self.calls += 1
            raise RuntimeError("not an error of ours")

    platform = Broken()
    maintaining = asyncio.create_task(Identity.generate(platform).maintain(interval=0.001))
    async with asyncio.timeout(5):
        while platform.calls < 3:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
    assert not maintaining.done()
    maintaining.cancel()


def test_an_expired_identity_renews_on_the_spot_or_not_at_all() -> None:
    clock, platform = Clock(), Flaky()
    identity = Identity.generate(platform, clock=clock)
    first = identity.current()
    clock.now += LIFETIME + 1
    platform.works = False
    with pytest.raises(EvidenceError):
        identity.current()
    platform.works = True
    assert identity.current().public_key != first.public_key


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    base = write(tmp_path, CertificateRecipe(NOW), key=Ed25519PrivateKey.generate())
    with pytest.raises(ConfigError):
        Identity.from_files(base, clock=Clock()).current()


def test_expired_files_are_refused(tmp_path: Path) -> None:
    base = write(tmp_path, CertificateRecipe(NOW - 100_000))
    with pytest.raises(CertificateError):
        Identity.from_files(base, clock=Clock()).current()


def test_files_expire_while_in_use(tmp_path: Path) -> None:
    clock = Clock()
    identity = Identity.from_files(write(tmp_path, CertificateRecipe(NOW)), clock=clock)
    identity.current()
    clock.now += LIFETIME + 1
    with pytest.raises(CertificateError):
        identity.current()


@pytest.mark.parametrize("content", [b"", b"not PEM"])
def test_unreadable_files_are_a_configuration_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError):
        Identity.from_files(tmp_path / "n", clock=Clock()).current()
    (tmp_path / "n_cert.pem").write_bytes(content)
    (tmp_path / "n_key.pem").write_bytes(content)
    with pytest.raises(ConfigError):
        Identity.from_files(tmp_path / "n", clock=Clock()).current()


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    base = write(tmp_path, CertificateRecipe(NOW))
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "n_key.pem").write_bytes(pem)
    with pytest.raises(ConfigError):
        Identity.from_files(base, clock=Clock()).current()


def test_contexts_are_made_once_per_version_policy_and_role() -> None:
    identity = Identity.generate(FakeTdx())
    first, second = policy.fake_tdx(), policy.fake_tdx()
    credentials = identity.current()
    made = {
        id(identity.contexts.connection(credentials, accepted, role)[0].get_context())
        for accepted in (first, second)
        for role in PeerRole
        for _ in range(3)
    }
    assert len(made) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"lifetime": 0},
        {"lifetime": 1 << 31},
        {"serial": 0},
        {"serial": 1 << 128},
        {"quote": b""},
        {"quote": bytes(32_769)},
        {"not_before": (1 << 32) - 10},
    ],
)
def test_a_certificate_out_of_range_is_not_made(changes: dict[str, int]) -> None:
    values = {"quote": None, "not_before": NOW, "serial": 1} | changes
    with pytest.raises(LocalProtocolError):
        build_certificate(Ed25519PrivateKey.generate(), **values)


def test_a_proven_model_is_stated_from_the_next_connection_on(tmp_path: Path) -> None:
    tee = SimulatedTee(tmp_path / "tee", NOW)
    trusting = tee.policy(NOW)
    identity = Identity.generate(SimulatedTdx(tee, "worker"), clock=lambda: NOW)

    def stated() -> bytes | None:
        der = identity.current().certificate_der
        return verify_peer(der, trusting, NOW, role=PeerRole.CLIENT).model_hash

    assert stated() is None
    before = identity.current()
    contexts = identity.contexts
    identity.state_model(bytes(range(32)))
    assert stated() == bytes(range(32))
    assert identity.current().public_key != before.public_key
    assert identity.contexts is not contexts  # no context with the former certificate is used
    kept = identity.current()
    identity.state_model(bytes(range(32)))
    assert identity.current() is kept

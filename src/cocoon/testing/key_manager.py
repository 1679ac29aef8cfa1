"""Key managers on a simulated machine over loopback, with a clock that a test moves."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.policy import PeerPolicy
from cocoon.chain.root_config import RootConfig
from cocoon.devnet.seal import SimulatedReports, SoftwareEnclave, sgx_collateral
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.key_manager.approval import Approval, ApprovalRules
from cocoon.key_manager.fetch import fetch_keys
from cocoon.key_manager.role import KeyManagerRole
from cocoon.key_manager.settings import KeyManagerSettings, PeerPort, Predecessor
from cocoon.key_manager.vault import SEAL_NAME
from cocoon.net.dialing import RatlsDial
from cocoon.net.identity import Identity
from cocoon.net.root_source import FixedRoot
from cocoon.sealing.checks import SealPolicy
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.enclave import SealEnclave, fetch_key
from cocoon.testing.network import test_root
from cocoon.wire.key_manager import KeyKind, ManagedKey

HOST = "127.0.0.1"
IMAGE = "key-manager"
DIFFICULTY = 2
TIME_LOCK = 3600


class KeyManagerLab:
    """A machine, a network and two owners.

    Args:
        directory: of the test.
        enclave: a seal service to use instead of the software enclave in this process.

    Attributes:
        tee: the simulated machine.
        clock: seconds that the key managers' clocks are ahead.
        root: the network's configuration; listed are the images ``proxy`` and ``worker``.
        owners: who approve handovers.
    """

    def __init__(self, directory: Path, enclave: SealEnclave | None = None) -> None:
        self.directory = directory
        self.started_at = int(time.time())
        self.ahead = 0
        self.tee = SimulatedTee(directory / "tee", self.started_at)
        self.software = SoftwareEnclave(self.tee)
        self.enclave: SealEnclave = enclave or self.software
        self.owners = (Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate())
        self.root = FixedRoot(
            test_root(
                proxy_hashes=frozenset({self.image_hash("proxy")}),
                worker_hashes=frozenset({self.image_hash("worker")}),
            )
        )
        self.roles: list[KeyManagerRole] = []

    async def __aenter__(self) -> "KeyManagerLab":
        return self

    async def __aexit__(self, *_error: object) -> None:
        for role in self.roles:
            await role.close()

    def now(self) -> float:
        """The key managers' clock, unix seconds."""
        return time.time() + self.ahead

    def image_hash(self, image: str, version: str = "1") -> bytes:
        """Of a simulated image, 32 bytes."""
        return SimulatedTdx(self.tee, image, version).image_hash

    def policy(self, *images: tuple[str, str]) -> PeerPolicy:
        """What trusts this machine, and of it only these images if there are any."""
        hashes = [self.image_hash(*image) for image in images] or None
        return self.tee.policy(self.started_at, image_hashes=hashes)

    def identity(self, image: str, version: str = "1") -> Identity:
        """Of a simulated image."""
        return Identity.generate(SimulatedTdx(self.tee, image, version))

    def seal_policy(self) -> SealPolicy:
        """What trusts the software enclave."""
        return SealPolicy(
            frozenset({self.software.mr_enclave}),
            CollateralBook(sgx_collateral(self.tee, self.started_at)),
            self.tee.root_certificate,
        )

    def unseal(self, version: str, tcb: str) -> PersistentKey:
        """The persistent key of a key manager's image at a patch level."""
        reports = SimulatedReports(self.tee, IMAGE, version, tcb)
        policy, now = self.seal_policy(), int(time.time())
        return fetch_key(self.enclave, reports, SEAL_NAME, policy, now)

    def settings(
        self, name: str, version: str = "1", tcb: str = "1", **changes: Any
    ) -> KeyManagerSettings:
        """Settings of a key manager in a directory of its own."""
        plain = KeyManagerSettings(
            directory=self.directory / name,
            unseal=lambda: self.unseal(version, tcb),
            root=self.root.current,
            root_source=lambda: self.root,
            identity=self.identity(IMAGE, version),
            peers=self.port(),
            handovers=self.port(),
            rules=ApprovalRules(
                owners=frozenset(owner.public_key().public_bytes_raw() for owner in self.owners),
                threshold=2,
                time_lock=TIME_LOCK,
            ),
            image_hash=self.image_hash(IMAGE, version),
            http_port=None,
        )
        return replace(plain, **changes)

    def port(self, policy: PeerPolicy | None = None) -> PeerPort:
        """A port that the system chooses."""
        return PeerPort(
            host=HOST, port=0, policy=policy or self.policy(), pow_difficulty=DIFFICULTY
        )

    async def start(
        self, name: str, version: str = "1", tcb: str = "1", **changes: Any
    ) -> KeyManagerRole:
        """Start a key manager; it is closed with the lab."""
        settings = self.settings(name, version, tcb, **changes)
        role = KeyManagerRole(settings, clock=self.now)
        await role.start()
        self.roles.append(role)
        return role

    def predecessor(self, role: KeyManagerRole, **changes: Any) -> Predecessor:
        """A running key manager as somebody's predecessor."""
        plain = Predecessor(
            host=HOST,
            port=role.handover_port,
            policy=self.policy((IMAGE, "1"), (IMAGE, "2")),
            manager_id=role.manager.master.manager_id,
        )
        return replace(plain, **changes)

    def approval(
        self, role: KeyManagerRole, version: str, serial: int = 1, terms: bytes = b""
    ) -> Approval:
        """An approval of an image of the key manager, signed by both owners."""
        approval = Approval(
            manager_id=role.manager.master.manager_id,
            image_hash=self.image_hash(IMAGE, version),
            serial=serial,
            not_before=0,
            not_after=self.started_at + 100 * 86_400,
            terms=terms,
        )
        for owner in self.owners:
            approval = approval.signed(owner)
        return approval

    async def ask(
        self,
        role: KeyManagerRole,
        kind: KeyKind,
        image: str,
        *,
        identity: Identity | None = None,
        min_version: int = 0,
    ) -> tuple[ManagedKey, ...]:
        """Ask for keys as an image."""
        dial = RatlsDial(identity=identity or self.identity(image), policy=self.policy())
        return await fetch_keys(dial, HOST, role.port, kind, min_config_version=min_version)

    def list_images(self, **changes: frozenset[bytes]) -> RootConfig:
        """Adopt the next version of the root configuration."""
        root = replace(self.root.current, version=self.root.current.version + 1, **changes)  # type: ignore[arg-type]
        self.root.replace(root)
        return root

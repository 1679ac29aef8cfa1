"""By what something is judged: collateral, policy, and what the root lists."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.attestation import policy as policies
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.nvidia import GpuRequirement
from cocoon.attestation.evidence.snp import SnpRequirement
from cocoon.attestation.policy import PeerPolicy, Policy, leaves, trusts_simulation
from cocoon.attestation.report import Layer, Report
from cocoon.chain.pseudo_config import DEFAULT_ROOT_ADDRESS, load_pseudo_config
from cocoon.chain.root_config import RootConfig
from cocoon.cli.attest.policy_file import pin_images, read_policy
from cocoon.cli.config.collateral_files import load_files
from cocoon.cli.config.load import read_text
from cocoon.cli.config.policies import PolicyMaker
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.collateral.books import Books
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import ConfigError, PolicyError

COLLATERAL_DIRECTORY = Path("collateral")
"""Where ``cocoon attest collateral fetch`` puts what it gets."""
_FORMS = {
    EvidenceKind.TDX: (EvidenceKind.TDX, EvidenceKind.TDX_SIMULATED),
    EvidenceKind.SNP: (EvidenceKind.SNP, EvidenceKind.SNP_SIMULATED),
    EvidenceKind.FAKE_TDX: (EvidenceKind.FAKE_TDX,),
}


@dataclass(slots=True)
class Basis:
    """What everything is judged by.

    Attributes:
        name: of the policy, for people.
        books: collateral that policies without their own use.
        policy: a policy that was asked for; None takes the vendors' production roots.
        images: the only ones that are allowed; None lets the policy alone decide.
        root: whose lists decide besides; None judges by no list.
        role: ``proxy`` or ``worker``: which list.
        target: how people call what is judged; None takes the target as it was written.
        notes: what a reader must know about all this.
    """

    name: str
    books: Books
    policy: PeerPolicy | None = None
    images: frozenset[bytes] | None = None
    root: RootConfig | None = None
    role: str | None = None
    target: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def simulated(self) -> bool:
        """Whether simulated hardware or fake evidence could pass."""
        return self.policy is not None and trusts_simulation(self.policy)

    @property
    def judges_images(self) -> bool:
        """Whether a list decides about the image, whichever part of the policy accepts."""
        if self.root is not None or self.images is not None:
            return True
        return self.policy is not None and all(
            leaf.image_hashes is not None for leaf in leaves(self.policy)
        )

    def peer_policy(self, form: EvidenceKind, gpus: int = 0) -> PeerPolicy:
        """The policy for a certificate with evidence of this form.

        Raises:
            ConfigError: there is no production policy for it.
        """
        policy = self.policy if self.policy is not None else production(self.books, form, gpus)
        return policy if self.images is None else pin_images(policy, self.images)

    def leaf(self, form: EvidenceKind) -> Policy:
        """The one part that judges bare evidence of this form.

        Raises:
            ConfigError: several parts of the policy could.
            PolicyError: none does.
        """
        found = [leaf for leaf in leaves(self.peer_policy(form)) if leaf.kind in _FORMS[form]]
        if len(found) > 1:
            raise ConfigError(
                f"several parts of {self.name} judge {form.value} evidence; only a "
                "certificate is judged by a composition"
            )
        if not found:
            raise PolicyError(f"no part of {self.name} judges {form.value} evidence")
        return found[0]


def production(books: Books, form: EvidenceKind, gpus: int = 0) -> Policy:
    """The vendors' real roots, any image; GPUs that are shown must be genuine.

    Args:
        books: collateral.
        form: TDX or SNP; anything else is judged as TDX, and refused by its form.
        gpus: how many are shown.
    """
    gpu = GpuRequirement(gpus, books.gpu) if gpus else None
    if form is EvidenceKind.SNP:
        requirement = SnpRequirement(require_tcb=False)
        return policies.snp(
            collateral=books.snp, requirement=requirement, gpu=gpu, name="production-snp"
        )
    return policies.tdx(collateral=books.tdx, gpu=gpu, name="production-tdx")


def load_books(paths: Iterable[Path]) -> Books:
    """Collateral from files and directories; from :data:`COLLATERAL_DIRECTORY` when none is named.

    Raises:
        ConfigError: something named cannot be read or is no collateral.
    """
    named = tuple(paths)
    if not named and COLLATERAL_DIRECTORY.is_dir():
        named = (COLLATERAL_DIRECTORY,)
    books = Books()
    load_files(books, named)
    return books


def from_policy_file(path: Path, books: Books) -> PeerPolicy:
    """The policy of a file; parts that name no collateral use ``books``.

    Raises:
        ConfigError: the file is wrong.
    """
    return from_table(read_policy(path), books)


def from_table(table: PolicyTable, books: Books) -> PeerPolicy:
    """The policy of a table.

    Raises:
        ConfigError: it contradicts itself, or its files cannot be read.
    """
    for where, leaf in table.leaves():
        for directory in (leaf.directory, leaf.gpu.directory if leaf.gpu is not None else None):
            if directory is not None and not directory.is_dir():  # it would be made otherwise
                raise ConfigError(f"{where}: there is no simulated machine in {directory}")
    return PolicyMaker(_machine(), books).make(table)


def read_root(path: Path) -> RootConfig:
    """A root configuration in the official simulated-TON JSON form.

    Raises:
        ConfigError: it cannot be read or is wrong.
    """
    return load_pseudo_config(read_text(path, "root configuration"), DEFAULT_ROOT_ADDRESS)


def check_lists(basis: Basis, image: bytes, model_hash: bytes | None, report: Report) -> None:
    """Whether the root lists an image, and the model that it has proven.

    Raises:
        PolicyError: it does not.
    """
    root, role = basis.root, basis.role
    if root is None:
        return
    if role not in ("proxy", "worker"):
        raise ConfigError("say with --role whose list decides: proxy or worker")
    with report.step(f"Image in the root's list of {_PLURAL[role]}", Layer.POLICY) as found:
        allowed = root.allows_proxy(image) if role == "proxy" else root.allows_worker(image)
        if not allowed:
            raise PolicyError(
                f"the root configuration does not list image {image.hex()} for {_PLURAL[role]}",
                fix="the peer must run a listed image, or the root's owner must list this one",
            )
        found.reason = f"listed in version {root.version} of the root configuration"
    if role != "worker":
        return
    with report.step("Model in the root's list", Layer.POLICY) as found:
        if model_hash is None:
            found.skip("nothing signed names a model")
            return
        if model_hash not in root.model_hashes:
            raise PolicyError(f"the root configuration does not list model {model_hash.hex()}")
        found.reason = f"model {model_hash.hex()} is listed"


_PLURAL = {"proxy": "proxies", "worker": "workers"}


def _machine() -> Callable[[Path], SimulatedTee]:
    return lambda directory: SimulatedTee(directory, int(time.time()))

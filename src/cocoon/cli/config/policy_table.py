# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""What a ``[policy]`` table says: one kind of evidence with its demands, or several composed.

A table never demands what its kind of evidence cannot show: a rule that would not be applied must
not seem to hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from cocoon.cli.config.reader import Context, Parse, key, read
from cocoon.cli.config.values import flag, hex_bytes, list_of, one_of, path, text, whole
from cocoon.errors import ConfigError

IMAGE_HASH_BYTES: Final = 32
REGISTER_BYTES: Final = 48
ID_BYTES: Final = 32
RTMRS: Final = 4
MAX_PARTS: Final = 16
MAX_DEPTH: Final = 4

SIMULATED_KINDS: Final = ("tdx-simulated", "snp-simulated")
REAL_KINDS: Final = ("tdx", "snp")
EVIDENCE_KINDS: Final = (*REAL_KINDS, *SIMULATED_KINDS, "fake-tdx", "unsafe-accept-anything")
TCB_STATUSES: Final = (
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
)
GPU_ARCHITECTURES: Final = ("hopper", "blackwell")
SNP_PRODUCTS: Final = ("Milan", "Genoa", "Turin")
_HARDWARE = {
    "image_hashes", "platform_roots", "platforms", "operators", "models", "max_age",
    "max_evidence_age", "gpu",
}  # fmt: skip
_TDX = {"mr_tds", "rtmr_sets", "tcb_statuses", "refused_advisories"}
_POLICY_KEYS: Final = {
    "tdx": {"collateral", *_HARDWARE, *_TDX},
    "tdx-simulated": {"directory", *_HARDWARE, *_TDX},
    "snp": {"collateral", "snp", *_HARDWARE},
    "snp-simulated": {"directory", "snp", *_HARDWARE},
    "fake-tdx": {"image_hashes"},
    "unsafe-accept-anything": set[str](),
}
"""What a policy of each kind looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpTcbTable:
    """Lowest security version numbers of one AMD processor family."""

    bootloader: int = key(whole(0, 255), "of the secure processor's boot loader")
    tee: int = key(whole(0, 255), "of the secure processor's operating system")
    snp: int = key(whole(0, 255), "of the SEV-SNP firmware")
    microcode: int = key(whole(0, 255), "of the processor's microcode")
    fmc: int = key(whole(0, 255), "of the secure processor's FMC (Turin)", default=0)


def _min_tcb(value: object, context: Context) -> tuple[tuple[str, SnpTcbTable], ...]:
    if not isinstance(value, dict) or not value:
        raise context.error("must be a table with one table a processor family")
    found = []
    for product, numbers in value.items():
        inner = context.inner(str(product))
        if product not in SNP_PRODUCTS:
            raise inner.error(f"no such processor family; known: {', '.join(SNP_PRODUCTS)}")
        found.append((str(product), read(SnpTcbTable, numbers, inner)))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpTable:
    """What a SEV-SNP report must show."""

    min_tcb: tuple[tuple[str, SnpTcbTable], ...] = key(
        _min_tcb,
        "a table for each processor family that is accepted, such as `[policy.snp.min_tcb.Genoa]`, "
        "with the lowest accepted versions `bootloader`, `tee`, `snp`, `microcode` (and `fmc`)",
    )
    allow_smt: bool = key(flag, "two threads may share a core", default=True)
    allow_migration: bool = key(
        flag, "a migration agent may move the guest to another machine", default=False
    )
    max_vmpl: int = key(whole(0, 3), "least privileged level whose reports are accepted", default=0)
    allow_vlek: bool = key(
        flag, "a cloud provider's key may sign in place of the chip's", default=True
    )
    allow_masked_chip: bool = key(flag, "the host may hide which chip it is", default=True)
    allow_cxl: bool = key(flag, "memory behind CXL devices may be used", default=False)
    require_single_socket: bool = key(
        flag, "the guest may not spread over two sockets", default=False
    )
    require_ciphertext_hiding: bool = key(
        flag, "the host cannot even see encrypted memory", default=False
    )
    require_rapl_disabled: bool = key(flag, "the host cannot measure power finely", default=False)
    require_ecc: bool = key(flag, "memory has error correction", default=False)
    require_alias_check: bool = key(
        flag, "firmware checked that no two addresses share memory", default=False
    )
    require_aes256: bool = key(flag, "memory encryption is AES-256-XTS", default=False)
    require_page_swap_disabled: bool = key(flag, "the host cannot move guest pages", default=False)
    min_guest_svn: int = key(
        whole(0, 2**32 - 1), "least version in the guest's ID block", default=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTable:
    """What GPUs must show."""

    count: int = key(whole(1, 16), "how many GPUs must prove themselves, all different")
    collateral: tuple[Path, ...] = key(
        list_of(path),
        "files or directories with NVIDIA's signed collateral, as `cocoon attest collateral` "
        "writes them",
        default=(),
    )
    directory: Path | None = key(
        path, "directory of the simulated machine whose GPU root is pinned", default=None
    )
    architectures: tuple[str, ...] | None = key(
        list_of(one_of(*GPU_ARCHITECTURES)), "accepted architectures", default=None
    )
    min_driver: str | None = key(text, "oldest accepted driver, such as `550.90.07`", default=None)

    def __post_init__(self) -> None:
        if self.directory is not None and self.collateral:
            raise ConfigError("give `collateral` for real GPUs or `directory` for simulated ones")
        if self.architectures == ():
            raise ConfigError("`architectures = []` allows no GPU at all; leave the key out")


def _optional(cls: type) -> Parse:
    def parse(value: object, context: Context) -> object:
        return read(cls, value, context)

    return parse


def _parts(value: object, context: Context) -> tuple["PolicyTable", ...]:
    depth = context.where.count("any_of[") + context.where.count("all_of[")
    if depth >= MAX_DEPTH:
        raise context.error(f"policies are nested {MAX_DEPTH} deep at most")
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PARTS:
        raise context.error(f"must be an array of 1 to {MAX_PARTS} tables")
    return tuple(
        read(PolicyTable, item, Context(context.folder, f"{context.where}[{index}]"))
        for index, item in enumerate(value)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTable:
    """Whom we accept."""

    name: str | None = key(text, "how the policy is called in logs and reports", default=None)
    kind: str = key(
        one_of(*EVIDENCE_KINDS),
        "evidence that the peer must show. `tdx` pins Intel's root and `snp` AMD's; "
        "`tdx-simulated` and `snp-simulated` a devnet's; `fake-tdx` proves nothing, "
        "`unsafe-accept-anything` looks at nothing",
        default="tdx",
    )
    any_of: "tuple[PolicyTable, ...]" = key(
        _parts, "tables like this one, one of which must accept; instead of `kind`", default=()
    )
    all_of: "tuple[PolicyTable, ...]" = key(
        _parts, "tables like this one, all of which must accept; instead of `kind`", default=()
    )
    collateral: tuple[Path, ...] = key(
        list_of(path),
        "files or directories with the vendor's signed collateral, one a platform (`tdx`, `snp`)",
        default=(),
    )
    directory: Path | None = key(
        path, "directory of the simulated machine whose root is pinned", default=None
    )
    image_hashes: tuple[bytes, ...] | None = key(
        list_of(hex_bytes(IMAGE_HASH_BYTES)),
        "allowed image hashes in hex; without the key every image, with `[]` none",
        default=None,
    )
    mr_tds: tuple[bytes, ...] | None = key(
        list_of(hex_bytes(REGISTER_BYTES)), "allowed MRTD values in hex", default=None
    )
    rtmr_sets: tuple[tuple[bytes, ...], ...] | None = key(
        list_of(list_of(hex_bytes(REGISTER_BYTES))),
        "allowed sets of the four RTMRs in hex",
        default=None,
    )
    platform_roots: tuple[bytes, ...] | None = key(
        list_of(hex_bytes(REGISTER_BYTES)),
        "allowed roots of the platform's certificate chain, SHA-384 of their key in hex",
        default=None,
    )
    tcb_statuses: tuple[str, ...] = key(
        list_of(one_of(*TCB_STATUSES)),
        "accepted TCB statuses of the platform",
        default=("UpToDate",),
    )
    refused_advisories: tuple[str, ...] = key(
        list_of(text),
        "the vendor's advisories that must not apply, such as `INTEL-SA-00837`",
        default=(),
    )
    snp: SnpTable | None = key(
        _optional(SnpTable),
        "table: lowest TCB and guest policy (`snp`)",
        default=None,
    )
    gpu: GpuTable | None = key(
        _optional(GpuTable),
        "table: GPUs that must prove themselves, bound to the CPU's evidence",
        default=None,
    )
    platforms: tuple[bytes, ...] | None = key(
        list_of(hex_bytes(ID_BYTES)), "allowed machines by platform id in hex", default=None
    )
    operators: tuple[bytes, ...] | None = key(
        list_of(hex_bytes(ID_BYTES)),
        "Ed25519 keys in hex of operators, one of whom must endorse the machine",
        default=None,
    )
    models: tuple[bytes, ...] | None = key(
        list_of(hex_bytes(ID_BYTES)),
        "allowed models: SHA-256 of the full model name, in hex",
        default=None,
    )
    max_age: int | None = key(
        whole(1), "seconds after which a certificate is too old, whatever it says", default=None
    )
    max_evidence_age: int | None = key(
        whole(1),
        "seconds after which evidence is too old by the date that the hardware signed",
        default=None,
    )

    def __post_init__(self) -> None:
        if self.any_of or self.all_of:
            self._require_only_parts()
            return
        if self.kind in SIMULATED_KINDS and self.directory is None:
            raise ConfigError(f"kind `{self.kind}` needs the key `directory`")
        for item in fields(self):
            if item.name in ("name", "kind") or item.name in _POLICY_KEYS[self.kind]:
                continue
            if getattr(self, item.name) != item.default:
                raise ConfigError(f"kind `{self.kind}` does not look at `{item.name}`")
        self._require_possible()

    def _require_only_parts(self) -> None:
        word = "any_of" if self.any_of else "all_of"
        for item in fields(self):
            if item.name not in ("name", word) and getattr(self, item.name) != item.default:
                raise ConfigError(f"beside `{word}` the key `{item.name}` has no effect")
        for part in self.any_of + self.all_of:
            if any(leaf.kind == "unsafe-accept-anything" for _, leaf in part.leaves()):
                raise ConfigError(
                    f"`unsafe-accept-anything` has no place in `{word}`: it looks at nothing"
                )
        if self.all_of and not self.accepted_kinds:
            raise ConfigError(
                "no evidence can meet `all_of`: its parts ask for different kinds of evidence"
            )

    def _require_possible(self) -> None:
        if any(len(rtmrs) != RTMRS for rtmrs in self.rtmr_sets or ()):
            raise ConfigError(f"each of `rtmr_sets` has {RTMRS} values")
        if self.kind in REAL_KINDS and self.gpu is not None and self.gpu.directory is not None:
            raise ConfigError("`gpu.directory`: simulated GPUs beside a real CPU prove nothing")
        if self.kind == "snp" and self.snp is None:
            raise ConfigError("kind `snp` needs the table `snp` with `min_tcb`: AMD judges no TCB")

    @property
    def accepted_kinds(self) -> frozenset[str]:
        """The kinds of evidence with which this can be met."""
        if self.any_of:
            return frozenset().union(*(part.accepted_kinds for part in self.any_of))
        if self.all_of:
            kinds = self.all_of[0].accepted_kinds
            return kinds.intersection(*(part.accepted_kinds for part in self.all_of))
        return frozenset({self.kind})

    def leaves(self, where: str = "policy") -> Iterator[tuple[str, "PolicyTable"]]:
        """Every table that asks for evidence itself, with its place in the file."""
        if not (self.any_of or self.all_of):
            yield where, self
            return
        word = "any_of" if self.any_of else "all_of"
        for index, part in enumerate(self.any_of + self.all_of):
            yield from part.leaves(f"{where}.{word}[{index}]")

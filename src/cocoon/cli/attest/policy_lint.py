"""What a policy demands, in words, and what its author may have overlooked."""

from collections.abc import Iterator
from dataclasses import dataclass

from cocoon.cli.config.policy_table import REAL_KINDS, SIMULATED_KINDS, PolicyTable

ERROR, WARNING, NOTE = "error", "warning", "note"
LONG_AGE = 7 * 86_400
"""Seconds: certificates live a day, so a larger maximum age allows everything."""

_KINDS = {
    "tdx": "a TDX quote under Intel's root",
    "snp": "a SEV-SNP report under AMD's roots",
    "tdx-simulated": "a SIMULATED TDX quote under the root of a devnet",
    "snp-simulated": "a SIMULATED SEV-SNP report under the root of a devnet",
    "fake-tdx": "FAKE evidence, which anybody can make",
    "unsafe-accept-anything": "nothing at all: anybody passes",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark.

    Attributes:
        level: ``error`` (the policy must not be used), ``warning`` or ``note``.
        where: place in the file.
        text: what is wrong.
        fix: what to write instead; may be empty.
    """

    level: str
    where: str
    text: str
    fix: str = ""


def demands(table: PolicyTable, where: str = "policy") -> Iterator[tuple[str, str, str]]:
    """What a policy demands: place in the file, what is looked at, what it must be."""
    for place, leaf in table.leaves(where):
        yield place, "evidence", _KINDS[leaf.kind]
        for what, words in _leaf_demands(leaf):
            yield place, what, words


def _leaf_demands(leaf: PolicyTable) -> Iterator[tuple[str, str]]:
    if leaf.kind == "unsafe-accept-anything":
        return
    yield "image", _listed(leaf.image_hashes, "any image")
    if leaf.kind == "fake-tdx":
        return
    yield "debug", "refused, always"
    if leaf.mr_tds is not None:
        yield "MRTD", _listed(leaf.mr_tds, "")
    if leaf.rtmr_sets is not None:
        yield "RTMRs", _listed(leaf.rtmr_sets, "")
    if leaf.platform_roots is not None:
        yield "platform root", _listed(leaf.platform_roots, "")
    yield "patch level", _patch_level(leaf)
    if leaf.refused_advisories:
        yield "advisories", "must not apply: " + ", ".join(leaf.refused_advisories)
    yield "machine", _listed(leaf.platforms, "any machine")
    yield "operator", _listed(leaf.operators, "any operator")
    yield "model", _listed(leaf.models, "any model (the root may still list them)")
    yield "GPUs", _gpus(leaf)
    yield "certificate", _age(leaf.max_age, "as old as it says itself")
    yield "evidence dated", _age(leaf.max_evidence_age, "at any time, or not at all")


def lint(table: PolicyTable, where: str = "policy", *, states_kind: bool = True) -> list[Finding]:
    """What the author of a policy may have overlooked.

    Args:
        table: the policy.
        where: its place.
        states_kind: whether the file writes ``kind`` down.
    """
    found: list[Finding] = []
    if not states_kind and not (table.any_of or table.all_of):
        found.append(
            Finding(WARNING, where, "`kind` is not written down: it is `tdx`", 'write kind = "tdx"')
        )
    for place, leaf in table.leaves(where):
        found += _leaf_findings(place, leaf)
    found += _composition_findings(table, where)
    return found


def _leaf_findings(where: str, leaf: PolicyTable) -> Iterator[Finding]:
    if leaf.kind == "unsafe-accept-anything":
        yield Finding(
            WARNING, where, "anybody passes; only a proxy's clients are meant to",
            "never use it for proxies or workers",
        )  # fmt: skip
        return
    if leaf.kind == "fake-tdx":
        yield Finding(WARNING, where, "FAKE evidence proves nothing: anybody can make it")
    if leaf.kind in SIMULATED_KINDS:
        yield Finding(
            WARNING, where,
            "SIMULATED hardware: whoever reads the directory can forge any evidence",
            "only for a devnet",
        )  # fmt: skip
    if leaf.gpu is not None and leaf.gpu.directory is not None:
        yield Finding(WARNING, f"{where}.gpu", "SIMULATED GPUs prove nothing")
    yield from _image_findings(where, leaf)
    yield from _freshness_findings(where, leaf)
    yield from _hardware_findings(where, leaf)


def _image_findings(where: str, leaf: PolicyTable) -> Iterator[Finding]:
    lists = {
        "image_hashes": leaf.image_hashes, "mr_tds": leaf.mr_tds, "rtmr_sets": leaf.rtmr_sets,
        "platforms": leaf.platforms, "operators": leaf.operators, "models": leaf.models,
        "platform_roots": leaf.platform_roots,
    }  # fmt: skip
    for name, value in lists.items():
        if value == ():
            yield Finding(WARNING, where, f"`{name} = []` allows nothing: nobody passes")
        elif value is not None and len(set(value)) != len(value):
            yield Finding(NOTE, where, f"`{name}` lists a value twice")
    if all(lists[name] is None for name in ("image_hashes", "mr_tds", "rtmr_sets")):
        yield Finding(
            WARNING, where,
            "no list of images: any software on genuine hardware passes, unless the root decides",
            "add `image_hashes`",
        )  # fmt: skip
    if leaf.mr_tds is not None and leaf.rtmr_sets is None and leaf.image_hashes is None:
        yield Finding(
            WARNING, where, "MRTD alone names the firmware, not the kernel and what it starts",
            "add `rtmr_sets` or `image_hashes`",
        )  # fmt: skip


def _freshness_findings(where: str, leaf: PolicyTable) -> Iterator[Finding]:
    if leaf.kind == "fake-tdx":
        return
    if leaf.max_age is not None and leaf.max_evidence_age is None:
        yield Finding(
            NOTE, where, "`max_age` is what the key's holder says; hardware does not sign it",
            "`max_evidence_age` is signed, and official nodes cannot show it",
        )  # fmt: skip
    for name in ("max_age", "max_evidence_age"):
        value = getattr(leaf, name)
        if value is not None and value > LONG_AGE:
            yield Finding(NOTE, where, f"`{name} = {value}` is longer than any certificate lives")


def _hardware_findings(where: str, leaf: PolicyTable) -> Iterator[Finding]:
    if set(leaf.tcb_statuses) - {"UpToDate"}:
        yield Finding(
            WARNING, where, "platforms with known weaknesses pass: " + ", ".join(leaf.tcb_statuses),
            'tcb_statuses = ["UpToDate"]',
        )  # fmt: skip
    if not leaf.tcb_statuses:
        yield Finding(WARNING, where, "`tcb_statuses = []` allows nothing: nobody passes")
    if leaf.snp is not None and leaf.snp.allow_migration:
        yield Finding(WARNING, where, "a migration agent may take the guest elsewhere")
    if leaf.kind in REAL_KINDS and not leaf.collateral:
        yield Finding(
            NOTE, where, "names no `collateral`: the node's [collateral] or --collateral is used"
        )
    if leaf.snp is not None and any(
        not any((tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode)) for _, tcb in leaf.snp.min_tcb
    ):
        yield Finding(WARNING, where, "`min_tcb` of zeros accepts every firmware ever made")


def _composition_findings(table: PolicyTable, where: str) -> Iterator[Finding]:
    parts = table.any_of + table.all_of
    word = "any_of" if table.any_of else "all_of"
    if len(parts) == 1:
        yield Finding(NOTE, where, f"`{word}` of one part is that part")
    for index, part in enumerate(parts):
        if part in parts[:index]:
            yield Finding(WARNING, f"{where}.{word}[{index}]", "the same part comes twice")
        yield from _composition_findings(part, f"{where}.{word}[{index}]")
    kinds = {leaf.kind for _, leaf in table.leaves()}
    if table.any_of and kinds & set(REAL_KINDS) and kinds - set(REAL_KINDS):
        yield Finding(
            WARNING, where, "real and simulated evidence are accepted alike: the weaker one counts",
            "use one policy for a devnet and another for production",
        )  # fmt: skip


def _listed(values: tuple[object, ...] | None, otherwise: str) -> str:
    if values is None:
        return otherwise
    return f"one of {len(values)} in a list" if values else "none: nobody passes"


def _patch_level(leaf: PolicyTable) -> str:
    if leaf.kind.startswith("tdx"):
        return "TCB status " + " or ".join(leaf.tcb_statuses)
    if leaf.snp is None:
        return "as the simulated machine's"
    return "; ".join(
        f"{product} from bootloader {tcb.bootloader}, tee {tcb.tee}, snp {tcb.snp}, "
        f"microcode {tcb.microcode}"
        for product, tcb in leaf.snp.min_tcb
    )


def _gpus(leaf: PolicyTable) -> str:
    if leaf.gpu is None:
        return "not asked for"
    text = f"{leaf.gpu.count} in confidential mode"
    if leaf.gpu.architectures is not None:
        text += f", {' or '.join(leaf.gpu.architectures)}"
    return text + (f", driver {leaf.gpu.min_driver} or newer" if leaf.gpu.min_driver else "")


def _age(seconds: int | None, otherwise: str) -> str:
    return otherwise if seconds is None else f"at most {seconds} s ago"

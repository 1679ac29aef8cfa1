"""Policies as TOML: every kind, compositions, and what `cocoon attest policy check` says."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.policy import AllOf, AnyOf, Policy, leaves, trusts_simulation
from cocoon.cli.app import run
from cocoon.cli.attest.policy_file import pin_images, read_policies, read_policy
from cocoon.cli.attest.policy_lint import WARNING, demands, lint
from cocoon.cli.config.load import load_client, load_proxy, load_worker
from cocoon.cli.config.policies import PolicyMaker, policy_notes
from cocoon.cli.config.policy_table import EVIDENCE_KINDS, MAX_DEPTH, REAL_KINDS, PolicyTable
from cocoon.cli.config.production import check_production_policy
from cocoon.collateral.library import Books
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.snp import SimulatedSnpMachine
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import ConfigError

VECTORS = Path(__file__).parents[3] / "vectors" / "attestation"
NOW = int(time.time())
HASH = "ab" * 32
REGISTER = "cd" * 48
SNP = """
[policy.snp.min_tcb.Genoa]
bootloader = 10
tee = 0
snp = 24
microcode = 88
"""
EVERYTHING = f"""
[policy]
name = "all keys"
kind = "tdx"
image_hashes = ["{HASH}"]
mr_tds = ["{REGISTER}"]
rtmr_sets = [["{REGISTER}", "{REGISTER}", "{REGISTER}", "{REGISTER}"]]
platform_roots = ["{REGISTER}"]
tcb_statuses = ["UpToDate", "SWHardeningNeeded"]
refused_advisories = ["INTEL-SA-00837"]
platforms = ["{HASH}"]
operators = ["{HASH}"]
models = ["{HASH}"]
max_age = 90000
max_evidence_age = 3600
[policy.gpu]
count = 8
architectures = ["hopper"]
min_driver = "550.90"
"""


def read(folder: Path, text: str) -> PolicyTable:
    file = folder / "policy.toml"
    file.write_text(text)
    return read_policy(file)


def maker(folder: Path) -> PolicyMaker:
    return PolicyMaker(lambda directory: SimulatedTee(directory, NOW), Books())


def test_every_key_reaches_the_policy(tmp_path: Path) -> None:
    made = maker(tmp_path).make(read(tmp_path, EVERYTHING))
    assert isinstance(made, Policy)
    assert (made.name, made.kind) == ("all keys", EvidenceKind.TDX)
    value, register = bytes.fromhex(HASH), bytes.fromhex(REGISTER)
    assert made.image_hashes == made.platforms == made.operators == made.models == {value}
    assert made.mr_tds == made.collateral_root_hashes == {register}
    assert made.rtmr_sets == {(register,) * 4}
    assert made.tcb_statuses == {"UpToDate", "SWHardeningNeeded"}
    assert made.refused_advisories == {"INTEL-SA-00837"}
    assert (made.max_age, made.max_evidence_age) == (90000, 3600)
    assert made.gpu is not None
    assert (made.gpu.count, made.gpu.min_driver) == (8, "550.90")
    assert made.gpu.architectures == {"hopper"}
    assert not trusts_simulation(made)


def test_snp_reaches_the_policy(tmp_path: Path) -> None:
    text = '[policy]\nkind = "snp"\n[policy.snp]\nmax_vmpl = 1\nallow_smt = false\n' + SNP
    made = maker(tmp_path).make(read(tmp_path, text))
    assert isinstance(made, Policy)
    assert made.kind is EvidenceKind.SNP
    assert made.snp is not None
    assert (made.snp.max_vmpl, made.snp.allow_smt, made.snp.allow_migration) == (1, False, False)
    assert made.snp.min_tcb["Genoa"].snp == 24


def test_a_composition_keeps_its_shape(tmp_path: Path) -> None:
    text = f"""
[policy]
name = "either"
[[policy.any_of]]
kind = "tdx"
[[policy.any_of]]
[[policy.any_of.all_of]]
kind = "tdx"
image_hashes = ["{HASH}"]
[[policy.any_of.all_of]]
kind = "tdx"
max_age = 10
"""
    table = read(tmp_path, text)
    made = maker(tmp_path).make(table)
    assert isinstance(made, AnyOf)
    assert isinstance(made.parts[1], AllOf)
    assert (made.name, len(list(leaves(made)))) == ("either", 3)
    assert [where for where, _ in table.leaves()] == [
        "policy.any_of[0]", "policy.any_of[1].all_of[0]", "policy.any_of[1].all_of[1]",
    ]  # fmt: skip
    pinned = pin_images(made, frozenset({bytes(32)}))
    found = [leaf.image_hashes for leaf in leaves(pinned)]
    assert found == [{bytes(32)}, set(), {bytes(32)}]


def test_simulated_hardware_of_every_vendor_has_its_own_root(tmp_path: Path) -> None:
    SimulatedTee(tmp_path / "tee", NOW)
    SimulatedSnpMachine(tmp_path / "snp", NOW)
    SimulatedGpus.load(tmp_path / "gpus", 2, NOW)
    text = """
[[policy.any_of]]
kind = "tdx-simulated"
directory = "tee"
[[policy.any_of]]
kind = "snp-simulated"
directory = "snp"
[policy.any_of.gpu]
count = 2
directory = "gpus"
"""
    table = read(tmp_path, text)
    mine = maker(tmp_path)
    made = mine.make(table)
    assert all(leaf.simulated_root for leaf in leaves(made))
    assert trusts_simulation(made)
    for refresh in mine.refresh:
        refresh()
    assert len(policy_notes(table, "workers")) == 3
    assert all("SIMULATED" in note for note in policy_notes(table, "workers"))


BAD = json.loads((VECTORS / "bad_policies.json").read_text())


@pytest.mark.parametrize("case", BAD["refused"], ids=lambda case: case["reason"])
def test_contradictions_are_refused(case: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(getattr(errors, case["expect"]), match=case["reason"]):
        read(tmp_path, case["policy"])


def test_nesting_ends_somewhere(tmp_path: Path) -> None:
    def nested(depth: int) -> str:
        return '{kind="tdx"}' if depth == 0 else f"{{any_of=[{nested(depth - 1)}]}}"

    read(tmp_path, f"policy = {nested(MAX_DEPTH)}\n")
    with pytest.raises(ConfigError, match="nested"):
        read(tmp_path, f"policy = {nested(MAX_DEPTH + 1)}\n")
    parts = ", ".join(['{kind="tdx"}'] * 17)
    with pytest.raises(ConfigError, match="1 to 16"):
        read(tmp_path, f"policy = {{any_of=[{parts}]}}\n")


def test_a_policy_without_collateral_judges_nothing(tmp_path: Path) -> None:
    made = PolicyMaker(lambda directory: SimulatedTee(directory, NOW))
    for text in ('kind = "tdx"\n', 'kind = "snp"\n' + SNP):
        with pytest.raises(ConfigError, match="needs `collateral`"):
            made.make(read(tmp_path, "[policy]\n" + text))


# --- production --------------------------------------------------------------------------------

CHAIN = '[chain]\nkind = "toncenter"\nurl = "https://x.org"\n'
OWNER = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"
BASES = {
    "client": f'wallet = "{OWNER}"\n',
    "worker": f'owner = "{OWNER}"\nmodel = "m"\n',
    "proxy": f'owner = "{OWNER}"\nmachine_key_file = "k"\ndatabase = "d"\n',
}
PROVEN = {"client": "", "proxy": "", "worker": "[model_proof]\nallow_unproven = true\n"}
LOADERS: dict[str, Any] = {"client": load_client, "worker": load_worker, "proxy": load_proxy}
PLACES = [("client", "dial"), ("worker", "dial"), ("proxy", "workers"), ("proxy", "clients")]
REAL = '{kind="tdx"}'
SIMULATED = [case["part"] for case in BAD["production"]]


def shapes(leaf: str) -> Iterator[str]:
    yield leaf
    yield f"{{any_of=[{leaf}]}}"
    yield f"{{any_of=[{REAL}, {leaf}]}}"
    yield f"{{all_of=[{leaf}]}}"
    yield f"{{any_of=[{REAL}, {{all_of=[{{any_of=[{leaf}]}}]}}]}}"


@pytest.mark.parametrize(("role", "place"), PLACES)
@pytest.mark.parametrize("part", SIMULATED)
def test_no_production_role_accepts_simulation_anywhere(
    role: str, place: str, part: str, tmp_path: Path
) -> None:
    for shape in shapes(part):
        body = BASES[role] + CHAIN + f"[{place}]\npolicy = {shape}\n"
        file = tmp_path / "node.toml"
        file.write_text("is_test = false\nis_testnet = false\n" + body)
        with pytest.raises(ConfigError, match=r"proves? nothing"):
            LOADERS[role](file)
        file.write_text("is_test = true\n" + body)
        LOADERS[role](file)


@pytest.mark.parametrize(("role", "place"), PLACES)
def test_production_roles_accept_real_compositions(role: str, place: str, tmp_path: Path) -> None:
    for shape in shapes(REAL):
        file = tmp_path / "node.toml"
        body = BASES[role] + CHAIN + PROVEN[role] + f"[{place}]\npolicy = {shape}\n"
        file.write_text("is_test = false\nis_testnet = false\n" + body)
        LOADERS[role](file)


@pytest.mark.parametrize("kind", [kind for kind in EVIDENCE_KINDS if kind not in REAL_KINDS])
def test_every_kind_that_is_not_real_is_refused_in_production(kind: str) -> None:
    directory = Path("d") if kind.endswith("simulated") else None
    with pytest.raises(ConfigError, match="proves nothing"):
        check_production_policy(PolicyTable(kind=kind, directory=directory))


# --- what a check says -------------------------------------------------------------------------


def test_the_demands_name_every_key(tmp_path: Path) -> None:
    rows = list(demands(read(tmp_path, EVERYTHING)))
    words = " ".join(f"{what} {must}" for _, what, must in rows)
    for part in ("Intel's root", "MRTD", "RTMRs", "advisories", "machine", "operator", "model",
                 "8 in confidential mode, hopper, driver 550.90", "3600 s", "90000 s"):  # fmt: skip
        assert part in words


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ('kind = "tdx"', "no list of images"),
        ("max_age = 5", "`kind` is not written down"),
        ("image_hashes = []", "allows nothing"),
        (f'image_hashes = ["{HASH}", "{HASH}"]', "twice"),
        (f'mr_tds = ["{REGISTER}"]', "MRTD alone"),
        ("max_age = 9999999", "longer than any certificate"),
        ("max_age = 600", "hardware does not sign it"),
        ('tcb_statuses = ["UpToDate", "ConfigurationNeeded"]', "known weaknesses"),
        ("tcb_statuses = []", "nobody passes"),
        ('kind = "tdx-simulated"\ndirectory = "d"', "SIMULATED hardware"),
        ('kind = "fake-tdx"', "FAKE"),
        ('kind = "unsafe-accept-anything"', "anybody passes"),
        ('any_of = [{kind = "tdx"}]', "of one part"),
        ('any_of = [{kind = "tdx"}, {kind = "tdx"}]', "comes twice"),
        ('any_of = [{kind = "tdx"}, {kind = "fake-tdx"}]', "the weaker one counts"),
        ('kind = "snp"\nsnp = {allow_migration = true, min_tcb = {Milan = '
         "{bootloader=0, tee=0, snp=0, microcode=0}}}", "min_tcb` of zeros"),
        ('kind = "snp"\nsnp = {allow_migration = true, min_tcb = {Milan = '
         "{bootloader=0, tee=0, snp=0, microcode=0}}}", "migration agent"),
    ],
)  # fmt: skip
def test_what_an_author_may_overlook_is_said(
    text: str, remark: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.toml"
    file.write_text(f"[policy]\n{text}\n")
    assert run(["attest", "policy", "check", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    assert any(remark in item["text"] for item in found), found


def test_a_good_policy_has_no_warnings(tmp_path: Path) -> None:
    text = f'[policy]\nkind = "tdx"\nimage_hashes = ["{HASH}"]\nmax_evidence_age = 86400\n'
    assert [item for item in lint(read(tmp_path, text)) if item.level == WARNING] == []


def test_production_refuses_simulation_with_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[policy]\nany_of = [{kind = "tdx"}, {kind = "fake-tdx"}]\n')
    assert run(["attest", "policy", "check", str(file)]) == 0
    capsys.readouterr()
    assert run(["attest", "policy", "check", str(file), "--production"]) == 3
    shown = capsys.readouterr().out
    assert "policy.any_of[1]" in shown
    assert "must not be used" in shown
    assert "\x1b" not in shown


def test_expired_collateral_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.toml"
    old = NOW - 400 * 86_400
    collateral = tmp_path / "collateral.json"
    collateral.write_text(SimulatedTee(tmp_path / "tee", old).pki.collateral_json(old))
    file.write_text(f'[policy]\nkind = "tdx"\ncollateral = ["{collateral}"]\n')
    assert run(["attest", "policy", "check", str(file)]) == 3
    assert "expired" in capsys.readouterr().out
    file.write_text('[policy]\nkind = "tdx"\ncollateral = ["none.json"]\n')
    assert run(["attest", "policy", "check", str(file)]) == 3
    assert "cannot read collateral file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the name must end with .toml"),
        ("[policy]\nkind = 5\n", "policy.kind: must be one of"),
        ("[policy]\nnonsense = 5\n", "policy.nonsense: no such key"),
        ("[policy]\n[more]\n", "more: no such key beside"),
        ("policy = 5\n", "must be a table"),
        ("[policy\n", "not valid TOML"),
    ],
)
def test_wrong_files_are_one_sentence(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ("p.toml" if text else "p.json")
    file.write_text(text)
    assert run(["attest", "policy", "check", str(file)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_evidence_is_judged_by_the_policy_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.toml"
    file.write_text(f'[policy]\nkind = "tdx"\nimage_hashes = ["{HASH}"]\n')
    quote = tmp_path / "certificate"
    case = json.loads((VECTORS / "certificates.json").read_text())[0]
    quote.write_bytes(base64.b64decode(case["input"]["certificate"]))
    arguments = ["attest", "policy", "check", str(file), "--evidence", str(quote), "--json"]
    assert run(arguments) == 3
    assert json.loads(capsys.readouterr().out)["evidence"]["verdict"] == "refused"


def test_the_policies_of_a_node_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(BASES["proxy"] + '[clients.policy]\nkind = "unsafe-accept-anything"\n')
    assert [where for where, _ in read_policies(file)] == ["workers.policy", "clients.policy"]
    with pytest.raises(ConfigError, match="2 policies"):
        read_policy(file)


def test_the_reference_names_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "policy.md").read_text()
    from cocoon.cli.config.policy_table import GpuTable, SnpTable, SnpTcbTable

    for cls in (PolicyTable, SnpTable, SnpTcbTable, GpuTable):
        for item in fields(cls):
            assert f"`{item.name}`" in page, item.name
    for kind in EVIDENCE_KINDS:
        assert f"`{kind}`" in page

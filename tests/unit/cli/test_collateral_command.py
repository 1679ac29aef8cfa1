"""``cocoon attest collateral`` and the table ``[collateral]``."""

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest
import structlog

from cocoon.attestation.evidence.missing import GPU
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.attestation.evidence.snp_collateral import snp_root_hash
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.tdx import root_hash_of
from cocoon.attestation.policy import Policy
from cocoon.cli import logging
from cocoon.cli.app import run
from cocoon.cli.attest.collateral_fetch import Outcome, fetch_all, fetch_vcek
from cocoon.cli.attest.collateral_rows import row_of
from cocoon.cli.attest.collateral_wants import Wants, wants_of
from cocoon.cli.config.collateral import make_library
from cocoon.cli.config.collateral_table import CollateralTable
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.cli.config.reader import Context, read
from cocoon.cli.config.tables import IdentityTable
from cocoon.cli.config.trust import Trust
from cocoon.cli.router_role import RouterRole, RouterTrust
from cocoon.collateral.amd import AmdCollateral
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.library import Library, Sources
from cocoon.collateral.nvidia import NvidiaCollateral
from cocoon.collateral.store import CollateralStore, Stored
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.devnet.tee_pki import FMSPC
from cocoon.errors import ConfigError, EvidenceError
from cocoon.net.identity import Identity
from cocoon.net.router_config import parse_arguments
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served

pytestmark = pytest.mark.anyio
NOW = int(time.time())
NONCE = bytes(32)
PROCESS = """
import asyncio, sys
from pathlib import Path
from cocoon.cli.config.collateral import make_library
from cocoon.cli.config.collateral_table import CollateralTable
from cocoon.devnet.tee_pki import FMSPC

directory, url, root = sys.argv[1:]
table = CollateralTable(directory=Path(directory), intel=url, platforms=(FMSPC.hex(),))
library = make_library(table, root_hash=bytes.fromhex(root))

async def main():
    task = asyncio.ensure_future(library.run())
    while library.books.tdx.find(FMSPC) is None:
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

asyncio.run(asyncio.wait_for(main(), 20))
"""


@pytest.fixture(autouse=True)
def _log_goes_nowhere(monkeypatch: pytest.MonkeyPatch):
    """A command's logger would keep this test's stderr for the tests that follow."""

    def configure(level: int) -> None:
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

    monkeypatch.setattr(logging, "configure", configure)
    yield
    structlog.reset_defaults()


@pytest.fixture
def tee(tmp_path: Path) -> SimulatedTee:
    return SimulatedTee(tmp_path / "tee", NOW)


@pytest.fixture
async def pccs(tee):
    async with CollateralServer(Served(NOW, intel=tee.pki)) as server:
        yield server


async def command(*words: object) -> int:
    """Run a command beside the server of this event loop."""
    return await asyncio.to_thread(run, ["attest", "collateral", *map(str, words)])


async def test_fetch_for_a_quote_show_and_renew(tee, pccs, tmp_path, capsys):
    quote = tmp_path / "quote.bin"
    quote.write_bytes(SimulatedTdx(tee, "worker").quote(bytes(64)))
    options = ("--out", tmp_path / "out", "--pccs", pccs.url, "--simulated-tee", tee.directory)
    assert await command("fetch", "--quote", quote, *options) == 0
    shown = capsys.readouterr()
    assert f"tdx {FMSPC.hex()}/platform: fetched" in shown.err
    assert "quote: verifies as tdx-simulated, TCB status UpToDate" in shown.err
    assert "Intel TDX" in shown.out
    assert "current" in shown.out
    assert await command("show", "--out", tmp_path / "out", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["platform"] == f"{FMSPC.hex()}/platform"
    assert row["issued"] < row["fetched"] < row["expires"]
    assert isinstance(row["evaluation"], int)
    before = len(pccs.requests)
    assert await command("fetch", *options) == 0
    assert len(pccs.requests) == 2 * before


async def test_fetch_for_a_platform_and_for_enclaves(tee, pccs, tmp_path, capsys):
    options = ("--out", tmp_path / "out", "--pccs", pccs.url, "--simulated-tee", tee.directory)
    assert await command("fetch", "--fmspc", FMSPC.hex(), "--sgx", *options, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["kind"] == "sgx"
    pccs.requests.clear()
    assert await command("fetch", "--fmspc", FMSPC.hex().upper(), "--early", *options) == 0
    assert "update=early" in pccs.requests[0]


async def test_what_cannot_be_fetched_is_said_and_fails(tee, pccs, tmp_path, capsys):
    options = ("--out", tmp_path / "out", "--pccs", pccs.url, "--simulated-tee", tee.directory)
    words = ("fetch", "--fmspc", "00906ed50000", "--fmspc", FMSPC.hex(), *options)
    assert await command(*words) == 3
    shown = capsys.readouterr()
    assert "tdx 00906ed50000/platform: FAILED: Intel has no TDX TCB info" in shown.err
    assert "1 of 2 could not be fetched" in shown.err
    assert "c0c00a000000/platform" in shown.out
    assert await command(*words[:2], "nonsense", *options) == 2
    assert "--fmspc has 12 hex digits" in capsys.readouterr().err
    assert await command("fetch", "--product", "Rome", *options) == 2
    assert "--product is Milan, Genoa or Turin" in capsys.readouterr().err


async def test_intels_root_is_pinned_unless_a_devnets_is_named(pccs, tmp_path, capsys):
    words = ("fetch", "--fmspc", FMSPC.hex(), "--pccs", pccs.url, "--out", tmp_path / "out")
    assert await command(*words) == 3
    assert "do not chain to the pinned root" in capsys.readouterr().err
    assert CollateralStore(tmp_path / "out").all() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fetch", "--out", "{}"], "holds nothing to renew"),
        (["show", "--out", "{}/none"], "there is no directory"),
        (["fetch", "--quote", "{}/none", "--out", "{}"], "none"),
        (["fetch", "--fmspc", "00906ed50000", "--pccs", "http://example.org", "--out", "{}"],
         "use https"),
        (["fetch", "--fmspc", "00906ed50000", "--pccs-certificate", "{}/x", "--out", "{}"],
         "is for a PCCS"),
        (["fetch", "--fmspc", "00906ed50000", "--simulated-tee", "{}/none", "--out", "{}"],
         "no simulated machine"),
    ],
)  # fmt: skip
def test_mistakes_are_said_in_one_sentence(words, sentence, tmp_path, capsys):
    filled = [word.format(tmp_path) for word in words]
    assert run(["attest", "collateral", *filled]) in (2, 3)
    shown = capsys.readouterr().err
    assert sentence in shown
    assert "Traceback" not in shown


def test_what_evidence_needs(tee, tmp_path):
    quote = SimulatedTdx(tee, "worker").quote(bytes(64))
    key = ("tdx", f"{FMSPC.hex()}/platform")
    assert wants_of(quote).keys == [key]
    assert wants_of(quote.hex().encode()).keys == [key]
    certificate = Identity.generate(SimulatedTdx(tee, "worker")).current().certificate_der
    assert wants_of(certificate).keys == [key]
    machine = SimulatedSnpMachine(tmp_path / "snp", NOW)
    report = SimulatedSnp(machine, "worker").quote(bytes(64))
    assert wants_of(report).keys == [("snp", f"{machine.product}/vcek")]
    assert wants_of(report[:1184]).keys == [("snp", f"{machine.product}/vcek")]
    (item,) = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1).evidence(NONCE)
    assert wants_of(item).gpus == [item]
    for nothing in (b"", b"{}", b"\x30\x00", bytes(64)):
        with pytest.raises((EvidenceError, ConfigError)):
            wants_of(nothing)


async def test_everything_of_a_gpu_is_fetched(tmp_path):
    gpus = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1)
    async with CollateralServer(Served(NOW, gpus=gpus)) as server:
        http = [VendorHttp(server.url, limits=QUICK) for _ in range(2)]
        library = Library(tmp_path, Sources(nvidia=NvidiaCollateral(*http)))
        wants, told = Wants(gpus=list(gpus.evidence(NONCE))), []
        outcomes = await fetch_all(
            library, wants, gpu_root=gpus.root_certificate, report=told.append
        )
        assert outcomes == told
        assert all(outcome.error is None for outcome in outcomes)
        await library.close()
    kept = [row_of(stored, NOW) for stored in library.store.all()]
    assert {row.state for row in kept} == {"current"}
    assert {row.kind for row in kept} == {GPU}
    assert any(row.platform.startswith("state of certificate") for row in kept)
    assert isinstance(library.books.gpu, GpuCollateralBook)


async def test_one_manifest_that_is_not_there_does_not_hold_up_the_rest(tmp_path):
    gpus = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1)
    async with CollateralServer(Served(NOW, gpus=gpus)) as server:
        server.broken["/v1/rim/NV_GPU_VBIOS"] = Fault(404)
        http = [VendorHttp(server.url, limits=QUICK) for _ in range(2)]
        library = Library(tmp_path, Sources(nvidia=NvidiaCollateral(*http)))

        def ignore(_: Outcome) -> None: ...

        wants = Wants(gpus=list(gpus.evidence(NONCE)))
        outcomes = await fetch_all(library, wants, gpu_root=gpus.root_certificate, report=ignore)
        failed = [outcome.key for outcome in outcomes if outcome.error is not None]
        assert len(failed) == 1
        assert failed[0].startswith("rim/NV_GPU_VBIOS")
        assert len(outcomes) > 3
        await library.close()


async def test_the_chips_own_certificate(tmp_path):
    machine = SimulatedSnpMachine(tmp_path / "snp", NOW)
    report = SimulatedSnp(machine, "worker").quote(bytes(64))
    leaf = SnpLeaf.from_der(report[1184:])
    served = Served(NOW, amd=machine.pki, product=leaf.product, chip_id=leaf.hwid or b"")
    async with CollateralServer(served) as server:
        roots = {leaf.product: snp_root_hash(machine.root_certificate)}
        amd = AmdCollateral(VendorHttp(server.url, limits=QUICK), roots)
        assert await fetch_vcek(amd, report[:1184], None) == report[1184:]
        await amd.close()
    with pytest.raises(ConfigError, match="no service"):
        await fetch_vcek(None, report, None)


def test_damaged_documents_are_shown_as_such():
    for content in ("", "{}", "null", "x" * 100):
        row = row_of(Stored(kind="tdx", key="k", fetched_at=5, content=content), NOW)
        assert row.state == "damaged"


def table(**keys: object) -> CollateralTable:
    return read(CollateralTable, keys, Context(Path("/base"), "collateral"))


def test_the_table_is_off_by_default():
    assert make_library(table()) is None


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"intel": "none"}, "no effect without `directory`"),
        ({"directory": "d", "intel": "ftp://x"}, "must be `pcs`, `none` or a URL"),
        ({"directory": "d", "amd": "pcs"}, "must be `kds`, `none` or a URL"),
        ({"directory": "d", "intel_certificate": "c"}, "is for a PCCS"),
        ({"directory": "d", "intel": "none", "platforms": ["00906ed50000"]}, "is `none`"),
        ({"directory": "d", "amd": "none", "products": ["Milan"]}, "is `none`"),
        ({"directory": "d", "platforms": ["00906ed5000"]}, "12 hex digits"),
        ({"directory": "d", "products": ["Rome"]}, "Milan, Genoa or Turin"),
        ({"directory": "d", "intel_update": "late"}, "standard, early"),
        ({"directory": "d", "sources": []}, "no such key"),
    ],
)
def test_mistakes_in_the_table(keys, sentence):
    with pytest.raises(ConfigError, match=sentence):
        table(**keys)


def test_services_must_be_protected(tmp_path):
    with pytest.raises(ConfigError, match="use https"):
        make_library(CollateralTable(directory=tmp_path, intel="http://example.org"))
    with pytest.raises(ConfigError, match="cannot read certificate"):
        make_library(
            CollateralTable(
                directory=tmp_path, intel="https://h", intel_certificate=tmp_path / "none"
            )
        )


async def test_two_processes_that_miss_the_same_ask_once(tee, pccs, tmp_path):
    words = (str(tmp_path / "kept"), pccs.url, root_hash_of(tee.root_certificate).hex())
    both = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, *words)
        for _ in range(2)
    ]
    assert [await process.wait() for process in both] == [0, 0]
    assert len(pccs.requests) == 4


def test_a_router_keeps_collateral_or_reads_files(tee, tmp_path):
    config = parse_arguments(["-S", "8116@tdx"])
    kept = CollateralTable(directory=tmp_path / "kept", amd="none", nvidia=False)
    RouterRole(config, RouterTrust(kept=kept))
    for trust in (
        RouterTrust(kept=kept, collateral=(tmp_path / "file",)),
        RouterTrust(kept=kept, simulated=tee.directory),
    ):
        with pytest.raises(ConfigError, match="--keep-collateral excludes"):
            RouterRole(config, trust)


def test_a_policy_needs_no_files_where_collateral_is_kept(tmp_path):
    policy = PolicyTable(kind="tdx")
    with pytest.raises(ConfigError, match=r"the table `\[collateral\]`"):
        Trust(IdentityTable()).policy(policy, "workers")
    trust = Trust(IdentityTable(), CollateralTable(directory=tmp_path))
    assert trust.library is not None
    made = trust.policy(policy, "workers")
    assert isinstance(made, Policy)
    assert made.collateral is trust.library.books.tdx
    assert trust.notes == []


async def test_a_start_fetches_configured_platforms(pccs, tmp_path):
    """What arrives is signed by a devnet, not by Intel: it is not taken, and the start goes on."""
    table = CollateralTable(
        directory=tmp_path, intel=pccs.url, amd="none", platforms=(FMSPC.hex(),)
    )
    trust = await asyncio.to_thread(Trust, IdentityTable(), table)
    assert len(pccs.requests) == 4
    assert trust.library is not None
    assert trust.library.lacks


async def test_a_table_makes_a_library_that_fetches(tee, pccs, tmp_path):
    keys = table(directory=str(tmp_path / "kept"), intel=pccs.url, platforms=[FMSPC.hex().upper()])
    library = make_library(keys, root_hash=root_hash_of(tee.root_certificate))
    assert library is not None
    task = asyncio.ensure_future(library.run())
    for _ in range(400):
        if library.books.tdx.find(FMSPC) is not None:
            break
        await asyncio.sleep(0.005)
    assert library.books.tdx.find(FMSPC) is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

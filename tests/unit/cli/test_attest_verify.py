"""`cocoon attest verify`: numbered steps, one verdict, an exit code."""

import base64
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from cocoon.attestation import policy as policies
from cocoon.attestation.event_log import parse_event_log, replay, text_events
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.tdx_quote import TdBody, parse_quote
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.cli.app import run
from cocoon.cli.attest.judging import Basis
from cocoon.cli.attest.targets import Loaded, Origin
from cocoon.cli.attest.verdict import parse_moment
from cocoon.cli.attest.verification import Beside, verify_loaded
from cocoon.collateral.library import Books
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee, simulated_measurements
from cocoon.devnet.tee_quote import build_quote
from cocoon.net.attestation_page import AttestationPage, PageFacts
from cocoon.net.credentials import EvidenceExtras, GeneratedCredentials
from cocoon.net.identity import Identity
from cocoon.testing.event_log import log_event, log_header
from cocoon.testing.real_evidence import amd, require_intel

VECTORS = Path(__file__).parents[3] / "vectors" / "attestation"
NONCE = bytes(range(32))


def now() -> int:
    """Asked for by each test: a long run begins minutes before it comes to this file."""
    return int(time.time())


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("verify") / "tee", now())


@dataclass(frozen=True)
class Sample:
    """A quote in a file, and the options with which it verifies."""

    file: Path
    judged: tuple[str, ...]
    simulated: bool

    @property
    def image(self) -> str:
        body = parse_quote(self.file.read_bytes()).body
        assert isinstance(body, TdBody)
        return TdxMeasurements(
            body.mr_td, body.mr_config_id, body.mr_owner, body.mr_owner_config, body.rtmrs,
            body.report_data,
        ).image_hash().hex()  # fmt: skip


@pytest.fixture
def real() -> Sample:
    """Of Intel's hardware; the test is skipped where there is none."""
    found = require_intel()
    judged = ("--collateral", str(found.collateral_file), "--at", found.day)
    return Sample(found.quote_file, judged, False)


@pytest.fixture(params=["real", "simulated"])
def sample(request: pytest.FixtureRequest, tee: SimulatedTee, tmp_path: Path) -> Sample:
    if request.param == "real":
        found: Sample = request.getfixturevalue("real")
        return found
    file = tmp_path / "quote"
    file.write_bytes(SimulatedTdx(tee, "worker").quote(bytes(64)))
    text = f'[policy]\nkind = "tdx-simulated"\ndirectory = "{tee.directory}"\n'
    return Sample(file, ("--policy", policy_file(tmp_path, text)), True)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no ./collateral of whoever runs the tests


def verdict(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["attest", "verify", "--json", *arguments])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return code, json.loads(captured.out)


def failed(found: dict[str, Any]) -> dict[str, Any]:
    assert found["verdict"] == "refused"
    step: dict[str, Any] = found["steps"][found["failed_step"] - 1]
    assert step["outcome"] == "failed"
    return step


def test_a_quote_verifies_with_its_root(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = verdict(capsys, str(sample.file), *sample.judged)
    assert code == 0
    assert found["kind"] == ("tdx-simulated" if sample.simulated else "tdx")
    assert found["simulated"] == sample.simulated
    assert (found["image_hash"], found["image_judged"]) == (sample.image, False)
    assert [step["number"] for step in found["steps"]] == list(range(1, len(found["steps"]) + 1))
    claims = {claim["name"]: claim["verdict"] for claim in found["claims"]}
    assert claims["genuine_hardware"] == ("refuted" if sample.simulated else "proven")


def test_the_report_says_that_the_image_is_not_judged(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["attest", "verify", str(sample.file), *sample.judged]) == 0
    shown = capsys.readouterr().out
    assert f"image {sample.image} (NOT JUDGED: no list of images was given)" in shown
    assert "\x1b" not in shown
    assert ("SIMULATED" in shown) == sample.simulated
    assert shown.index("   1  passed") < shown.index("VERIFIED: ")


@pytest.mark.parametrize("at", [40, 200, 600, 700, 800, 1200, 1300, 2003])
def test_an_altered_quote_is_refused_with_the_step_named(
    at: int, sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(sample.file.read_bytes())
    data[at] ^= 1
    file = tmp_path / "altered"
    file.write_bytes(bytes(data))
    code, found = verdict(capsys, str(file), *sample.judged)
    assert code == 3
    assert failed(found)["layer"] == "evidence"
    assert found["kind"] is None
    assert run(["attest", "verify", str(file), *sample.judged]) == 3
    assert "REFUSED: " in capsys.readouterr().out


def test_only_the_pinned_image_passes(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    target = (str(sample.file), *sample.judged)
    code, found = verdict(capsys, *target, "--image", sample.image)
    assert (code, found["image_judged"]) == (0, True)
    code, found = verdict(capsys, *target, "--image", "00" * 32)
    assert code == 3
    assert failed(found)["name"] == "Image"


def test_old_and_missing_collateral_refuse_and_say_what_helps(
    real: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in (real.judged[:2], ()):
        code, found = verdict(capsys, str(real.file), *more)
        assert code == 3
        assert "cocoon attest collateral fetch" in failed(found)["fix"]


def test_a_real_snp_report_fails_for_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The only public report whose chip's certificate is public has DEBUG set."""
    report, vcek = tmp_path / "report", tmp_path / "vcek"
    report.write_bytes(amd().report)
    vcek.write_bytes(amd().vcek)
    code, found = verdict(capsys, str(report), "--vcek", str(vcek))
    assert code == 3
    assert failed(found)["layer"] == "evidence"


def test_an_sgx_quote_is_judged_by_intels_root(capsys: pytest.CaptureFixture[str]) -> None:
    found_here = require_intel("sgx_quote")
    arguments = (str(found_here.quote_file), "--collateral", str(found_here.collateral_file))
    code, found = verdict(capsys, *arguments, "--at", found_here.day)
    assert code == 3
    assert failed(found)["name"] == "Platform"


@pytest.mark.parametrize(
    "case", json.loads((VECTORS / "certificates.json").read_text()), ids=lambda case: case["name"]
)
def test_no_simulated_certificate_passes_production(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = json.loads((VECTORS / "simulated_platform.json").read_text())
    collateral = tmp_path / "c.json"
    collateral.write_text(json.dumps(platform["collateral"]))
    file = tmp_path / "der"
    file.write_bytes(base64.b64decode(case["input"]["certificate"]))
    code, found = verdict(
        capsys, str(file), "--collateral", str(collateral), "--at", str(platform["now"])
    )
    assert code == 3
    failed(found)


def policy_file(folder: Path, text: str) -> str:
    file = folder / "policy.toml"
    file.write_text(text)
    return str(file)


def certificate(folder: Path, source: Any, **extras: Any) -> str:
    made = GeneratedCredentials(source, extras=EvidenceExtras(**extras)).newer(None, now())
    assert made is not None
    file = folder / "certificate.der"
    file.write_bytes(made.certificate_der)
    return str(file)


def test_a_policy_file_decides(
    tee: SimulatedTee, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SimulatedTdx(tee, "worker")
    file = certificate(tmp_path, source)
    text = f'[policy]\nkind = "tdx-simulated"\ndirectory = "{tee.directory}"\n'
    code, found = verdict(capsys, file, "--policy", policy_file(tmp_path, text))
    assert (code, found["simulated"], found["image_judged"]) == (0, True, False)
    listed = text + f'image_hashes = ["{source.image_hash.hex()}"]\nmax_evidence_age = 60\n'
    code, found = verdict(capsys, file, "--policy", policy_file(tmp_path, listed))
    assert (code, found["image_judged"]) == (0, True)
    other = text + f'operators = ["{"00" * 32}"]\n'
    code, found = verdict(capsys, file, "--policy", policy_file(tmp_path, other))
    assert code == 3
    assert failed(found)["name"] == "Operator"


def test_simulated_evidence_is_labelled_in_every_line_of_the_verdict(
    tee: SimulatedTee, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f'[policy]\nkind = "tdx-simulated"\ndirectory = "{tee.directory}"\n'
    policy = policy_file(tmp_path, text)
    good = certificate(tmp_path, SimulatedTdx(tee, "worker"))
    assert run(["attest", "verify", good, "--policy", policy]) == 0
    lines = capsys.readouterr().out.rstrip().split("\n\n")[-1].splitlines()
    assert len(lines) > 2
    assert all(line.startswith("SIMULATED  ") for line in lines)
    (tmp_path / "bad").write_bytes(b"bad")
    assert run(["attest", "verify", str(tmp_path / "bad"), "--policy", policy]) == 3
    lines = capsys.readouterr().out.rstrip().split("\n\n")[-1].splitlines()
    assert all(line.startswith("SIMULATED  ") for line in lines)


def test_compositions_decide_with_gpus_and_other_hardware(
    tee: SimulatedTee, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpus = SimulatedGpus.load(tmp_path / "gpus", 1, now())
    machine = SimulatedSnpMachine(tmp_path / "snp", now())
    text = f"""
[[policy.any_of]]
kind = "tdx-simulated"
directory = "{tee.directory}"
[policy.any_of.gpu]
count = 1
directory = "{tmp_path / "gpus"}"
[[policy.any_of]]
kind = "snp-simulated"
directory = "{tmp_path / "snp"}"
"""
    policy = policy_file(tmp_path, text)
    for source, extras, expected in (
        (SimulatedTdx(tee, "w"), {"gpus": gpus}, 0),
        (SimulatedTdx(tee, "w"), {}, 3),
        (SimulatedSnp(machine, "w"), {}, 0),
    ):
        code, _ = verdict(capsys, certificate(tmp_path, source, **extras), "--policy", policy)
        assert code == expected


def page_bytes(tee: SimulatedTee, **facts: Any) -> bytes:
    source = SimulatedTdx(tee, "worker")
    page = AttestationPage(Identity.generate(source), source, PageFacts(**facts))
    return anyio.run(page.document, NONCE).to_bytes()


@pytest.mark.parametrize(
    ("facts", "nonce", "step"),
    [
        ({"role": "worker"}, NONCE, None),
        ({"role": "worker"}, bytes(32), "Answer to the challenge"),
        ({"role": "proxy"}, NONCE, "Role"),
        ({"role": "worker", "image_hash": bytes(32)}, NONCE, "Words of the page"),
        ({"role": "worker", "logs": lambda: (b"x", None)}, NONCE, "Event log"),
    ],
)
def test_a_page_must_fit_what_the_hardware_signed(
    tee: SimulatedTee, facts: dict[str, Any], nonce: bytes, step: str | None
) -> None:
    basis = Basis("test", Books(), policy=tee.policy(now()), role="worker")
    loaded = Loaded("page", Origin.PAGE, page_bytes(tee, **facts), nonce)
    found = verify_loaded(loaded, basis, now(), Beside())
    failure = found.report.failure
    assert (None if failure is None else failure.name) == step
    assert found.verified == (step is None)


def test_a_saved_page_needs_the_nonce_that_was_asked(tee: SimulatedTee) -> None:
    basis = Basis("test", Books(), policy=tee.policy(now()), role="worker")
    loaded = Loaded("page", Origin.FILE, page_bytes(tee, role="worker"))
    found = verify_loaded(loaded, basis, now(), Beside())
    assert found.verified
    assert any("--nonce" in note for note in found.notes)
    assert verify_loaded(loaded, basis, now(), Beside(nonce=NONCE)).verified
    assert not verify_loaded(loaded, basis, now(), Beside(nonce=bytes(32))).verified


def test_a_policy_that_looks_at_nothing_says_so(tee: SimulatedTee) -> None:
    basis = Basis("test", Books(), policy=policies.unsafe_accept_anything())
    data = page_bytes(tee, role="worker")
    found = verify_loaded(Loaded("p", Origin.PAGE, data, None), basis, now(), Beside())
    assert found.kind == EvidenceKind.NONE.value
    assert any("proves nothing" in note for note in found.notes)
    assert found.lines()[0].startswith("ACCEPTED WITHOUT EVIDENCE")


def test_a_directory_that_is_not_there_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[policy]\nkind = "tdx-simulated"\ndirectory = "mistyped"\n'
    (tmp_path / "quote").write_bytes(bytes(64))
    assert run(["attest", "verify", "quote", "--policy", policy_file(tmp_path, text)]) == 2
    assert "there is no simulated machine in" in capsys.readouterr().err
    assert not (tmp_path / "mistyped").exists()


def test_event_logs_must_lead_to_the_registers(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    log.write_text("cocoon:tdx_inited\n")
    code, found = verdict(capsys, str(sample.file), *sample.judged, "--event-log", str(log))
    assert code == 3
    assert failed(found)["name"] == "Event log"
    assert "RTMR3" in failed(found)["reason"]


class Logged:
    """A simulated machine whose registers come from a log."""

    kind = EvidenceKind.TDX_SIMULATED
    binary = log_header() + log_event(2, 0x80000001, b"kernel")
    lines = f"cocoon:spec.tree={'ab' * 32}\ncocoon:cocoon_debug\n"

    def __init__(self, tee: SimulatedTee) -> None:
        self.tee = tee
        values = replay((*parse_event_log(self.binary), *text_events(self.lines)))
        self.rtmrs = tuple(values.values())

    def quote(self, report_data: bytes) -> bytes:
        measured = simulated_measurements("logged", "1", report_data)
        return build_quote(self.tee.pki, replace(measured, rtmrs=self.rtmrs))


def test_a_log_that_fits_is_read(tee: SimulatedTee) -> None:
    source = Logged(tee)
    facts = PageFacts(role="worker", logs=lambda: (source.binary, source.lines))
    page = AttestationPage(Identity.generate(source), source, facts)
    basis = Basis("test", Books(), policy=tee.policy(now()))
    document = anyio.run(page.document, NONCE)
    loaded = Loaded("page", Origin.PAGE, document.to_bytes(), NONCE)
    found = verify_loaded(loaded, basis, now(), Beside())
    assert found.verified
    assert f"measured configuration {'ab' * 32}" in found.notes
    assert any("DEBUG image" in note for note in found.notes)
    for changed in (
        replace(document, config_hash=bytes(32)),
        replace(document, start_up_log="cocoon:tdx_inited\n"),
    ):
        loaded = Loaded("page", Origin.PAGE, changed.to_bytes(), NONCE)
        assert not verify_loaded(loaded, basis, now(), Beside()).verified


@pytest.mark.parametrize("target", ["statement", "log", "collateral", "chain"])
def test_what_proves_nothing_alone_is_refused(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {
        "collateral": tmp_path / "collateral.json",
        "chain": tmp_path / "chain",
        "log": tmp_path / "log",
        "statement": tmp_path / "statement",
    }
    platform = json.loads((VECTORS / "simulated_platform.json").read_text())
    paths["collateral"].write_text(json.dumps(platform["collateral"]))
    paths["chain"].write_bytes(amd().authorities["milan_ark"])
    paths["log"].write_text("cocoon:tdx_inited\n")
    paths["statement"].write_text(
        json.dumps(
            {"version": 1, "public_key": "00" * 32, "issued_at": 1, "not_before": 1, "not_after": 2}
        )
    )
    code, found = verdict(capsys, str(paths[target]))
    assert code == 3
    assert "cannot be verified by itself" in failed(found)["reason"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--image", "00"), "--image has 64 hex digits"),
        (("--nonce", "zz"), "--nonce has 64 hex digits"),
        (("--at", "yesterday"), "--at yesterday"),
        (("--role", "king"), "--role is proxy or worker"),
        (("--root-file", "x"), "--root-file needs --role"),
        (("--root", "x"), "--root needs --role"),
        (("--root", "x", "--role", "proxy"), "--root needs --url"),
        (("--root", "x", "--role", "proxy", "--root-file", "x"), "give one of --root and"),
        (("--root", "x", "--role", "proxy", "--url", "http://127.0.0.1:1"), "--root"),
        (("--mainnet",), "--mainnet need --root"),
        (("--policy", "/none.toml"), "cannot read policy file /none.toml"),
        (("--collateral", "/none"), "cannot read collateral file /none"),
        (("--vcek", "/none"), "cannot read /none"),
        (("--event-log", "/none"), "cannot read /none"),
        (("--devnet", "/none"), "--devnet verifies a proxy or a worker"),
        (("--devnet", "/none", "--role", "proxy"), "--devnet brings its own policy"),
    ],
)
def test_wrong_wishes_are_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "quote").write_bytes(bytes(64))
    assert run(["attest", "verify", "quote", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_devnet_that_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["attest", "verify", "worker", "--devnet", str(tmp_path)]) == 2
    assert "start one with `cocoon up`" in capsys.readouterr().err


def test_times_are_read_in_two_forms() -> None:
    assert parse_moment("0") == 0
    assert parse_moment("2025-07-01") == parse_moment("2025-07-01T00:00:00Z") == 1751328000
    assert parse_moment("2025-07-01T02:00:00+02:00") == 1751328000
    assert parse_moment("soon") is None
    assert parse_moment("9" * 12) is None

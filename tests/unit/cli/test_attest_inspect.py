"""`cocoon attest inspect`: what something is, and all of its fields."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.certificate import parse_certificate
from cocoon.attestation.document import AttestationDocument
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.statement import Statement
from cocoon.cli.app import run
from cocoon.cli.attest.recognise import Item, Kind, recognise
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import EvidenceError
from cocoon.net.identity import Identity
from cocoon.testing.real_evidence import amd, nvidia, require_intel


def quote_of(der: bytes) -> bytes:
    quote = parse_certificate(der).quote
    assert quote is not None
    return quote


VECTORS = Path(__file__).parents[3] / "vectors" / "attestation"
NOW = 1_795_000_000
SNP = amd().report
CERTIFICATES = {
    case["name"]: base64.b64decode(case["input"]["certificate"])
    for case in json.loads((VECTORS / "certificates.json").read_text())
}
GOOD = CERTIFICATES["good server"]
TDX = quote_of(GOOD)
DEBUG = quote_of(CERTIFICATES["DEBUG domain"])


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("inspect") / "tee", NOW)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["attest", "inspect", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


FORMS = {
    "raw": lambda data: data,
    "hex": lambda data: data.hex().encode(),
    "hex in lines": lambda data: b"\n".join(
        data.hex().encode()[at : at + 64] for at in range(0, 2 * len(data), 64)
    ),
    "hex of upper case": lambda data: b"0x" + data.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 in lines": base64.encodebytes,
    "base64 of hex": lambda data: base64.b64encode(data.hex().encode()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Kind.TDX_QUOTE, TDX),
        (Kind.TDX_QUOTE, DEBUG),
        (Kind.SNP_REPORT, SNP),
        (Kind.SNP_REPORT, amd().evidence),
        (Kind.CERTIFICATE, GOOD),
        (Kind.CHAIN, amd().authorities["milan_ark"]),
        (Kind.FAKE_EVIDENCE, bytes(range(128, 192))),
        (Kind.TDREPORT, b"\x81" + bytes(1023)),
    ],
)
def test_it_is_known_in_whatever_form(form: str, kind: Kind, data: bytes) -> None:
    assert recognise(FORMS[form](data)) == Item(kind, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        bytes(1000),
        TDX[:300],
        SNP[:1000],
        b"{",
        b"[1]",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        base64.b64encode(base64.b64encode(base64.b64encode(base64.b64encode(TDX)))),
    ],
)
def test_what_is_nothing_is_refused(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EvidenceError):
        recognise(data)
    file = tmp_path / "x"
    file.write_bytes(data)
    assert run(["attest", "inspect", str(file)]) == 3
    error = capsys.readouterr().err
    assert error.startswith("cocoon: ")
    assert error.count("\n") == 1


def test_our_own_parts_are_known(tee: SimulatedTee) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    statement = Statement(bytes(32), NOW, NOW + 10, NOW).to_bytes()
    quote = SimulatedTdx(tee, "x").quote(bytes(64))
    bundle = EvidenceBundle(statement, SimulatedTdx.kind, quote).to_bytes()
    key = Ed25519PrivateKey.generate()
    operator = key.public_key().public_bytes_raw()
    endorsement = Endorsement.sign(operator, key.sign, bytes(32), 0, 1).to_bytes()
    page = AttestationDocument("worker", "cocoon 1", "tdx", GOOD).to_bytes()
    known = {
        statement: Kind.STATEMENT,
        bundle: Kind.BUNDLE,
        endorsement: Kind.ENDORSEMENT,
        page: Kind.PAGE,
        b"cocoon:tdx_inited\n": Kind.EVENT_LOG,
    }
    for data, kind in known.items():
        assert recognise(data).kind is kind


def test_a_real_quote_is_shown_with_its_registers(capsys: pytest.CaptureFixture[str]) -> None:
    view = shown(capsys, str(require_intel().quote_file))
    domain = view["sections"]["domain"]
    assert domain["attributes"] == "0x10000000 (SEPT_VE_DISABLE)"
    assert len(domain["mr_td"]) == 96
    assert domain["image_hash"] == (
        "b260fa9168ca9f28e7f15f128a45ac31c419705b31a60feac30b322ee06bc752"
    )
    assert "Intel SGX Root CA" in view["sections"]["PCK certificate 3"]["subject"]
    assert view["warnings"] == []


@pytest.mark.parametrize(("name", "kind"), [("tdx_quote_td15ex", "tdx"), ("sgx_quote", "sgx")])
def test_real_quotes_of_other_forms_are_known(
    name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = require_intel(name)
    assert shown(capsys, str(found.quote_file))["kind"] == f"{kind}-quote"
    assert shown(capsys, str(found.collateral_file))["kind"] == f"{kind} collateral"


def test_a_real_gpu_report_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples, file = nvidia(), tmp_path / "gpu"
    file.write_text(samples.report.hex())
    assert shown(capsys, str(file))["sections"]["report"]["driver_version"] == "550.90.07"
    file.write_bytes(GpuItem(samples.report, samples.chain).to_bytes())
    view = shown(capsys, str(file))
    assert "NVIDIA Device Identity CA" in view["sections"]["GPU certificate 5"]["subject"]


def test_a_debug_report_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report"
    file.write_bytes(SNP)
    view = shown(capsys, str(file))
    assert view["kind"] == "snp-report"
    assert any(text.startswith("DEBUG") for text in view["warnings"])
    assert any("no certificate" in text for text in view["warnings"])


def test_a_debug_domain_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "der"
    file.write_bytes(CERTIFICATES["DEBUG domain"])
    view = shown(capsys, str(file))
    assert any("DEBUG: the host can read" in text for text in view["warnings"])
    assert any("SIMULATED" in text for text in view["warnings"])


def test_evidence_for_another_key_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "der"
    file.write_bytes(CERTIFICATES["stolen quote"])
    assert any("not made for the key" in text for text in shown(capsys, str(file))["warnings"])


@pytest.mark.parametrize("name", CERTIFICATES)
def test_every_certificate_is_shown_or_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "der"
    file.write_bytes(CERTIFICATES[name])
    assert run(["attest", "inspect", str(file)]) in (0, 3)


def test_a_whole_certificate_of_ours_is_shown(
    tee: SimulatedTee, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cocoon.net.credentials import EvidenceExtras, GeneratedCredentials

    gpus = SimulatedGpus.load(tmp_path / "gpus", 2, NOW)
    credentials = GeneratedCredentials(
        SimulatedTdx(tee, "worker"), extras=EvidenceExtras(gpus=gpus)
    ).newer(None, NOW)
    assert credentials is not None
    file = tmp_path / "der"
    file.write_bytes(credentials.certificate_der)
    view = shown(capsys, str(file))
    assert view["sections"]["bundle"]["gpus"] == 2
    assert view["sections"]["GPU 1 report"]["nonce"] == view["sections"]["GPU 2 report"]["nonce"]
    assert view["sections"]["statement"]["gpu_hash"] == view["sections"]["bundle"]["gpu_hash"]
    assert not any("not made for" in text for text in view["warnings"])


def test_a_simulated_report_of_amd_form_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = SimulatedSnpMachine(tmp_path / "snp", NOW)
    file = tmp_path / "report"
    file.write_bytes(SimulatedSnp(machine, "worker").quote(bytes(64)))
    view = shown(capsys, str(file))
    assert view["sections"]["platform"]["signing_key"] == "VCEK"
    assert "signer certificate 1" in view["sections"]


def test_collateral_of_every_vendor_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = json.loads((VECTORS / "simulated_platform.json").read_text())
    intel = tmp_path / "intel.json"
    intel.write_text(json.dumps(platform["collateral"]))
    assert shown(capsys, str(intel))["kind"] == "tdx collateral"
    machine = SimulatedSnpMachine(tmp_path / "snp", NOW)
    file = tmp_path / "snp.json"
    file.write_text(machine.collateral(NOW).to_json())
    assert shown(capsys, str(file))["kind"] == "snp collateral"
    gpus = SimulatedGpus.load(tmp_path / "gpus", 1, NOW)
    file.write_text(gpus.collateral(NOW)[0].to_json())
    assert shown(capsys, str(file))["kind"] == "gpu collateral"


def test_people_and_pipes_get_plain_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "quote")
    (tmp_path / "quote").write_bytes(TDX)
    assert run(["attest", "inspect", file]) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out
    assert "Nothing of this is verified" in captured.err
    mr_td = TDX[184:232].hex()
    assert mr_td in captured.out  # on one line
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["attest", "inspect", file]) == 0
    assert "\x1b[3" not in capsys.readouterr().out


def test_standard_input_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    class Stdin:
        buffer = io.BytesIO(TDX.hex().encode())

    monkeypatch.setattr("sys.stdin", Stdin())
    assert shown(capsys, "-")["kind"] == "tdx-quote"


def test_a_target_that_names_nothing_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for target in ("/none/such", "host", "host:0", "host:99999", "a/b:1"):
        assert run(["attest", "inspect", target]) == 2
        assert "neither HOST:PORT nor a URL" in capsys.readouterr().err
    assert run(["attest", "inspect", "http://[bad"]) == 2
    assert "is not a URL" in capsys.readouterr().err
    assert run(["attest", "inspect", "127.0.0.1:1"]) == 1
    assert "cannot connect to 127.0.0.1:1" in capsys.readouterr().err
    assert run(["attest", "inspect", "http://127.0.0.1:1/"]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_private_key_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    assert run(["attest", "inspect", str(file)]) == 3
    captured = capsys.readouterr()
    assert "c2VjcmV0" not in captured.out + captured.err


def test_our_own_identity_shows_no_secret(tee: SimulatedTee) -> None:
    credentials = Identity.generate(SimulatedTdx(tee, "x")).current()
    assert credentials.private_key.private_bytes_raw().hex() not in repr(credentials)

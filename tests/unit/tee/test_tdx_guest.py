"""Quotes, registers and logs from a kernel, of which a stand-in plays every failure."""

import errno
import hashlib
from pathlib import Path

import pytest

from cocoon.attestation.event_log import Register, compare
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.td_report import parse_td_report
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee_pki import SimulatedPki
from cocoon.devnet.tee_quote import build_quote
from cocoon.errors import EvidenceError
from cocoon.tee.files import KernelFiles
from cocoon.tee.platform import Tee, detect
from cocoon.tee.td_report import GET_REPORT
from cocoon.tee.tdx import CCEL_LOG, CCEL_TABLE, START_UP_LOG, TdxGuest
from cocoon.tee.tsm import (
    MAX_ATTEMPTS,
    MAX_AUXBLOB_BYTES,
    MAX_OUTBLOB_BYTES,
    REPORT_ROOT,
    TsmReports,
)
from cocoon.testing.event_log import ccel_table, log_event, log_header
from cocoon.testing.kernel import StandInKernel

NOW = 1_795_000_000
DATA = bytes(range(64))


@pytest.fixture(scope="module")
def pki() -> SimulatedPki:
    return SimulatedPki.create(NOW, bytes(range(32)))


@pytest.fixture
def kernel(tmp_path: Path, pki: SimulatedPki) -> StandInKernel:
    kernel = StandInKernel(
        tmp_path, lambda data: build_quote(pki, TdxMeasurements.zero(data)), auxblob=b"certificates"
    )
    kernel.add_tdx()
    return kernel


@pytest.fixture
def guest(kernel: StandInKernel) -> TdxGuest:
    return TdxGuest(kernel.root, files=kernel)


def test_a_quote_of_the_kernel_is_delivered(
    guest: TdxGuest, kernel: StandInKernel, pki: SimulatedPki
) -> None:
    quote = guest.quote(DATA)
    book = CollateralBook(Collateral.from_json(pki.collateral_json(NOW)))
    found = verify_tdx(quote, book, NOW, simulated_root=pki.root_der)
    assert isinstance(found.attestation.measurements, TdxMeasurements)
    assert found.attestation.measurements.report_data == DATA
    assert guest.kind is EvidenceKind.TDX
    assert kernel.entries == 0
    assert kernel.made == 1


def test_a_report_has_provider_auxiliary_data_and_generation(kernel: StandInKernel) -> None:
    report = TsmReports(kernel.root, files=kernel).request(DATA, privilege_level=2, auxiliary=True)
    assert (report.provider, report.auxblob, report.generation) == ("tdx_guest", b"certificates", 2)
    assert kernel.written == [("privlevel", b"2"), ("inblob", DATA)]
    assert TsmReports(kernel.root, files=kernel).request(DATA).auxblob == b""


def test_a_write_by_somebody_else_is_noticed_and_tried_again(
    guest: TdxGuest, kernel: StandInKernel
) -> None:
    kernel.intruders = 1
    assert guest.quote(DATA)
    assert kernel.made == 2
    kernel.intruders = MAX_ATTEMPTS
    with pytest.raises(EvidenceError, match="no report in 3 attempts"):
        guest.quote(DATA)
    assert kernel.entries == 0


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EAGAIN, errno.EINTR])
def test_a_busy_driver_is_tried_again(guest: TdxGuest, kernel: StandInKernel, number: int) -> None:
    kernel.failures["outblob"] = [number, number]
    assert guest.quote(DATA)
    assert kernel.made == 3
    assert kernel.entries == 0


@pytest.mark.parametrize(
    ("attribute", "number", "match", "fix"),
    [
        ("mkdir", errno.ENOENT, "no report interface", "mount configfs"),
        ("mkdir", errno.ENXIO, "no TEE driver", "load the guest driver"),
        ("mkdir", errno.EACCES, "no permission", "root"),
        ("mkdir", errno.EROFS, "read-only", "writable"),
        ("provider", errno.EIO, "quote service failed", "operator of the host"),
        ("inblob", errno.EINVAL, "does not accept", "kernel"),
        ("inblob", errno.EPERM, "no permission", "root"),
        ("outblob", errno.ETIMEDOUT, "does not answer", "operator of the host"),
        ("outblob", errno.ENODEV, "offers no quote service", "operator of the host"),
        ("outblob", errno.ENOMEM, "made no report", "kernel's log"),
        ("generation", errno.EIO, "quote service failed", "operator of the host"),
    ],
)
def test_failures_say_what_to_do(
    guest: TdxGuest, kernel: StandInKernel, attribute: str, number: int, match: str, fix: str
) -> None:
    kernel.failures[attribute] = [number]
    with pytest.raises(EvidenceError, match=match) as caught:
        guest.quote(DATA)
    assert fix in caught.value.fix
    assert kernel.entries == 0
    assert guest.quote(DATA)  # the next one works


def test_an_entry_that_cannot_be_removed_does_not_matter(
    guest: TdxGuest, kernel: StandInKernel
) -> None:
    kernel.failures["rmdir"] = [errno.EBUSY]
    assert guest.quote(DATA)
    assert guest.quote(DATA)
    assert kernel.entries == 1


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (b"", "empty"),
        (b"x" * 100, "quote"),
        (b"x" * (MAX_OUTBLOB_BYTES + 1), "more than"),
    ],
)
def test_nonsense_of_the_kernel_is_refused(
    guest: TdxGuest, kernel: StandInKernel, answer: bytes, match: str
) -> None:
    kernel.answer = lambda _: answer
    with pytest.raises(EvidenceError, match=match):
        guest.quote(DATA)


def test_a_quote_for_something_else_is_refused(
    guest: TdxGuest, kernel: StandInKernel, pki: SimulatedPki
) -> None:
    kernel.answer = lambda _: build_quote(pki, TdxMeasurements.zero(bytes(64)))
    with pytest.raises(EvidenceError, match="something else"):
        guest.quote(DATA)
    kernel.answer = lambda data: build_sgx_quote(pki, bytes(32), data)
    with pytest.raises(EvidenceError, match="something else"):
        guest.quote(DATA)


def test_another_driver_is_refused(tmp_path: Path) -> None:
    kernel = StandInKernel(tmp_path, lambda data: data, provider="sev_guest")
    with pytest.raises(EvidenceError, match="driver is sev_guest, not tdx_guest"):
        TdxGuest(tmp_path, files=kernel).quote(DATA)


@pytest.mark.parametrize("generation", ["", "x", "²", "-1"])
def test_a_generation_that_is_no_number_is_refused(kernel: StandInKernel, generation: str) -> None:
    class Odd(StandInKernel):
        def read(self, path: Path, limit: int) -> bytes:
            content = super().read(path, limit)
            return generation.encode() if path.name == "generation" else content

    odd = Odd(kernel.root / "odd", lambda data: data)
    with pytest.raises(EvidenceError, match="generation"):
        TsmReports(odd.root, files=odd).request(DATA)


def test_auxiliary_data_has_a_limit(kernel: StandInKernel) -> None:
    kernel.auxblob = bytes(MAX_AUXBLOB_BYTES + 1)
    with pytest.raises(EvidenceError, match="auxblob"):
        TsmReports(kernel.root, files=kernel).request(DATA, auxiliary=True)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_report_data_has_64_bytes(guest: TdxGuest, kernel: StandInKernel, length: int) -> None:
    for make in (guest.quote, guest.report, TsmReports(kernel.root, files=kernel).request):
        with pytest.raises(EvidenceError, match="64 bytes"):
            make(bytes(length))
    assert kernel.made == 0


def test_a_machine_without_anything_says_so(tmp_path: Path) -> None:
    guest = TdxGuest(tmp_path)
    assert detect(tmp_path) is Tee.NONE
    assert not TsmReports(tmp_path).is_available()
    for call in (
        lambda: guest.quote(DATA),
        lambda: guest.report(DATA),
        guest.rtmrs,
        guest.event_log,
        lambda: guest.extend(Register.RTMR3, bytes(48)),
    ):
        with pytest.raises(EvidenceError) as caught:
            call()
        assert "tdx_guest" in caught.value.fix


def test_the_kind_of_machine_is_found(kernel: StandInKernel, tmp_path: Path) -> None:
    assert detect(kernel.root) is Tee.TDX
    (tmp_path / "dev" / "sev-guest").touch()
    assert detect(tmp_path) is Tee.NONE
    (tmp_path / "snp" / "dev").mkdir(parents=True)
    (tmp_path / "snp" / "dev" / "sev-guest").touch()
    assert detect(tmp_path / "snp") is Tee.SNP


# --- the device, registers and logs


def td_report(data: bytes) -> bytes:
    return bytes([0x81, 0, 0, 0]) + bytes(124) + data + bytes(1024 - 192)


def test_the_device_gives_the_report(guest: TdxGuest, kernel: StandInKernel) -> None:
    kernel.report = td_report
    assert parse_td_report(guest.report(DATA)).report_data == DATA
    assert (GET_REPORT >> 16) & 0x3FFF == 64 + 1024
    kernel.report = lambda _: b"short"
    with pytest.raises(EvidenceError, match="another size"):
        guest.report(DATA)
    kernel.failures["ioctl"] = [errno.EACCES]
    with pytest.raises(EvidenceError) as caught:
        guest.report(DATA)
    assert "root" in caught.value.fix


def test_registers_are_raw_bytes(guest: TdxGuest, kernel: StandInKernel) -> None:
    value = bytes(46) + b" \n"
    path = kernel.root / "sys/class/misc/tdx_guest/measurements/rtmr1:sha384"
    path.write_bytes(value)
    assert guest.rtmr(Register.RTMR1) == value
    for wrong in (value[:-1], value + b"\n"):
        path.write_bytes(wrong)
        with pytest.raises(EvidenceError, match="RTMR1 has"):
            guest.rtmr(Register.RTMR1)


def test_start_up_events_reach_register_and_log(guest: TdxGuest, kernel: StandInKernel) -> None:
    (kernel.root / START_UP_LOG).parent.mkdir(parents=True)
    firmware = log_header() + log_event(1, 4, bytes(4)) + b"\xff" * 64
    for path, content in ((CCEL_TABLE, ccel_table(len(firmware))), (CCEL_LOG, firmware + b"junk")):
        (kernel.root / path).parent.mkdir(parents=True, exist_ok=True)
        (kernel.root / path).write_bytes(content)
    guest.extend(Register.RTMR2, hashlib.sha384(b"x").digest())
    guest.record("cocoon:spec.tree=" + "0" * 64)
    guest.record("cocoon:tdx_inited")
    matches = compare(guest.event_log(), guest.rtmrs())
    # RTMR0 in this kernel was not extended by its firmware, RTMR2 by nobody who wrote it down.
    assert [match.matches for match in matches] == [False, True, False, True]
    assert matches[3].measured.hex().startswith("2423278264fe303b")


def test_a_register_that_refuses_leaves_a_log_that_does_not_match(
    guest: TdxGuest, kernel: StandInKernel
) -> None:
    (kernel.root / START_UP_LOG).parent.mkdir(parents=True)
    kernel.failures["rtmr3:sha384"] = [errno.EPERM]
    with pytest.raises(EvidenceError, match="RTMR3 cannot be extended"):
        guest.record("cocoon:tdx_inited")
    assert guest.rtmr(Register.RTMR3) == bytes(48)
    assert "tdx_inited" in (kernel.root / START_UP_LOG).read_text()


def test_what_cannot_be_extended_is_not(guest: TdxGuest, kernel: StandInKernel) -> None:
    for register in (Register.MRTD, Register.RTMR0, Register.RTMR1):
        with pytest.raises(EvidenceError, match="cannot be extended by software"):
            guest.extend(register, bytes(48))
    with pytest.raises(EvidenceError, match="digest of 47 bytes"):
        guest.extend(Register.RTMR3, bytes(47))
    with pytest.raises(EvidenceError, match="control characters"):
        guest.record("a\nb")
    assert kernel.written == []


def test_start_up_logs_that_are_no_text_are_refused(guest: TdxGuest, kernel: StandInKernel) -> None:
    firmware = log_header()
    for path, content in ((CCEL_TABLE, ccel_table(len(firmware))), (CCEL_LOG, firmware)):
        (kernel.root / path).parent.mkdir(parents=True, exist_ok=True)
        (kernel.root / path).write_bytes(content)
    assert guest.event_log() == ()
    log = kernel.root / START_UP_LOG
    log.parent.mkdir(parents=True)
    for content in (b"\xff\xfe", b"x" * 70_000):
        log.write_bytes(content)
        with pytest.raises(EvidenceError, match="start-up log"):
            guest.event_log()


def test_real_files_read_at_most_a_little_more_than_asked(tmp_path: Path) -> None:
    files = KernelFiles()
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    assert len(files.read(path, 100)) == 101
    files.write(path, b"abc")
    assert path.read_bytes()[:3] == b"abc"
    with pytest.raises(FileNotFoundError):
        files.write(tmp_path / "none", b"")
    with pytest.raises(OSError, match="ioctl"):
        files.ioctl(path, GET_REPORT, b"")
    assert str(REPORT_ROOT) == "sys/kernel/config/tsm/report"

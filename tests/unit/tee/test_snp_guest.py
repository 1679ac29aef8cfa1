"""Reports of SEV-SNP hardware, from a stand-in below the kernel's interface."""

import ctypes
import errno
import struct
from pathlib import Path
from uuid import UUID

import pytest

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.errors import EvidenceError
from cocoon.tee.snp import SnpGuest
from cocoon.tee.snp_device import CERTIFICATES_BYTES, DEVICE, SNP_GET_EXT_REPORT
from cocoon.tee.snp_table import GUIDS, MAX_ENTRIES, leaf_from_table
from cocoon.tee.tsm import REPORT_ROOT
from cocoon.testing.snp import SnpLab, snp_lab

ROOT = Path("/stand-in")
REPORT_DATA = bytes(range(64))
ARK = UUID("c0b406a4-a803-4952-9743-3fb6014cd0ae")
STALE = Path("/etc/vcek.der")


def table(certificates: dict[UUID, bytes], *, straight: bool = False) -> bytes:
    at = (len(certificates) + 1) * 24
    head, body = b"", b""
    for guid, certificate in certificates.items():
        name = guid.bytes if straight else guid.bytes_le
        head += struct.pack("<16sII", name, at + len(body), len(certificate))
        body += certificate
    return head + bytes(24) + body


class StandIn:
    """A kernel of a simulated machine: configfs-tsm, the device, or neither."""

    def __init__(self, lab: SnpLab, *, tsm: bool = True, device: bool = False) -> None:
        self.lab = lab
        self.tsm = tsm
        self.device = device
        self.auxblob = table({ARK: b"root", GUIDS[lab.signer]: lab.pki.leaf_der})
        self.provider = b"sev_guest\n"
        self.changes: dict[str, object] = {}
        self.content: dict[Path, bytes] = {}
        self.entries: dict[Path, dict[str, bytes]] = {}
        self.ioctl_error: int | None = None
        self.errors = (0, 0)
        self.status = 0

    def exists(self, path: Path) -> bool:
        if path == ROOT / REPORT_ROOT:
            return self.tsm
        if path == ROOT / DEVICE:
            return self.device
        return path.parent in self.entries or path in self.content

    def mkdir(self, path: Path) -> None:
        self.entries[path] = {"generation": b"0"}

    def rmdir(self, path: Path) -> None:
        del self.entries[path]

    def read(self, path: Path, limit: int) -> bytes:
        entry = self.entries.get(path.parent)
        if entry is None:
            if path not in self.content:
                raise FileNotFoundError(errno.ENOENT, "none")
            return self.content[path]
        match path.name:
            case "provider":
                return self.provider
            case "outblob":
                return self.report(entry["inblob"])
            case "auxblob":
                return self.auxblob
            case name:
                return entry[name]

    def write(self, path: Path, content: bytes) -> None:
        entry = self.entries[path.parent]
        entry[path.name] = content
        entry["generation"] = str(int(entry["generation"]) + 1).encode()

    def report(self, report_data: bytes) -> bytes:
        made = self.lab.report(**{"report_data": report_data, **self.changes})
        return made.sign(self.lab.pki.leaf.key)

    def ioctl(self, path: Path, request: int, argument: bytes) -> bytes:
        assert (path, request) == (ROOT / DEVICE, SNP_GET_EXT_REPORT)
        if self.ioctl_error is not None:
            raise OSError(self.ioctl_error, "failed")
        version, request_at, response_at, *_ = struct.unpack("<B7xQQII", argument)
        assert version == 1
        asked = ctypes.string_at(request_at, 112)
        data, self.vmpl, table_at, size = struct.unpack("<64sI28xQI4x", asked)
        assert size == CERTIFICATES_BYTES
        ctypes.memmove(table_at, self.auxblob, len(self.auxblob))
        answer = struct.pack("<II24x", self.status, 1184) + self.report(data)
        ctypes.memmove(response_at, answer, len(answer))
        return struct.pack("<B7xQQII", 1, request_at, response_at, *self.errors)


def guest(kernel: StandIn, **options: object) -> SnpGuest:
    return SnpGuest(ROOT, files=kernel, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("signer", [SigningKey.VCEK, SigningKey.VLEK])
def test_the_report_and_its_certificate_come_through_configfs(signer: SigningKey) -> None:
    lab = snp_lab(signer=signer)
    source = guest(StandIn(lab))
    assert source.kind is EvidenceKind.SNP
    assert source.is_available()
    found = lab.verify(source.quote(REPORT_DATA))
    assert found.report.report_data == REPORT_DATA
    assert found.signer is signer


def test_the_device_answers_where_configfs_is_missing() -> None:
    lab = snp_lab()
    kernel = StandIn(lab, tsm=False, device=True)
    source = guest(kernel, vmpl=2)
    assert source.is_available()
    assert lab.verify(source.quote(REPORT_DATA)).report.report_data == REPORT_DATA
    assert kernel.vmpl == 2


def test_a_level_is_asked_for() -> None:
    kernel = StandIn(snp_lab())
    seen = []
    original = kernel.write
    kernel.write = lambda path, content: (  # type: ignore[method-assign]
        seen.append((path.name, content)),
        original(path, content),
    )[1]
    guest(kernel, vmpl=1).quote(REPORT_DATA)
    assert ("privlevel", b"1") in seen


def test_a_file_stands_in_for_the_hosts_table() -> None:
    lab = snp_lab()
    kernel = StandIn(lab)
    kernel.auxblob = b""
    kernel.content[STALE] = lab.pki.leaf_der
    assert lab.verify(guest(kernel, certificate=STALE).quote(REPORT_DATA))


def test_a_file_mends_a_stale_table() -> None:
    lab = snp_lab()
    kernel = StandIn(lab)
    kernel.auxblob = table({GUIDS[SigningKey.VCEK]: lab.pki.leaf_der[:-1]})
    kernel.content[STALE] = lab.pki.leaf_der
    assert lab.verify(guest(kernel, certificate=STALE).quote(REPORT_DATA))


def test_a_host_that_writes_guids_straight_is_understood() -> None:
    lab = snp_lab()
    kernel = StandIn(lab)
    kernel.auxblob = table({GUIDS[SigningKey.VCEK]: lab.pki.leaf_der}, straight=True)
    assert lab.verify(guest(kernel).quote(REPORT_DATA))


def test_without_a_certificate_it_says_where_to_get_one() -> None:
    kernel = StandIn(snp_lab())
    kernel.auxblob = b""
    with pytest.raises(EvidenceError, match="supplies the VCEK certificate") as caught:
        guest(kernel, certificate=STALE).quote(REPORT_DATA)
    assert "fetch it from AMD" in caught.value.fix


def test_a_certificate_for_older_firmware_is_noticed_here() -> None:
    lab = snp_lab()
    kernel = StandIn(lab)
    kernel.changes = {"tcb": lab.tcb.__class__(bootloader=10, tee=0, snp=23, microcode=80)}
    with pytest.raises(EvidenceError, match="another patch level") as caught:
        guest(kernel).quote(REPORT_DATA)
    assert caught.value.fix


def test_a_report_over_other_data_is_refused() -> None:
    kernel = StandIn(snp_lab())
    kernel.changes = {"report_data": bytes(64)}
    with pytest.raises(EvidenceError, match="over other data"):
        guest(kernel).quote(REPORT_DATA)


def test_a_host_that_masks_the_key_is_named() -> None:
    kernel = StandIn(snp_lab())
    kernel.changes = {"mask_chip_key": True}
    with pytest.raises(EvidenceError, match="MASK_CHIP_KEY"):
        guest(kernel).quote(REPORT_DATA)


def test_a_report_that_is_not_signed_has_no_certificate() -> None:
    kernel = StandIn(snp_lab())
    kernel.changes = {"signing_key": SigningKey.NONE}
    with pytest.raises(EvidenceError, match="NONE certificate"):
        guest(kernel).quote(REPORT_DATA)


def test_a_tdx_driver_is_not_ours() -> None:
    kernel = StandIn(snp_lab())
    kernel.provider = b"tdx_guest\n"
    with pytest.raises(EvidenceError, match="sev_guest"):
        guest(kernel).quote(REPORT_DATA)


@pytest.mark.parametrize(
    ("error", "says"), [(errno.ENOENT, "load sev-guest"), (errno.EACCES, "permission"), (999, "f")]
)
def test_a_device_that_fails_says_why(error: int, says: str) -> None:
    kernel = StandIn(snp_lab(), tsm=False)
    kernel.ioctl_error = error
    source = guest(kernel)
    assert not source.is_available()
    with pytest.raises(EvidenceError, match=says):
        source.quote(REPORT_DATA)


def test_errors_of_firmware_and_host_are_told() -> None:
    kernel = StandIn(snp_lab(), tsm=False, device=True)
    kernel.errors = (0x16, 0)
    with pytest.raises(EvidenceError, match="firmware error 0x16"):
        guest(kernel).quote(REPORT_DATA)
    kernel.errors, kernel.status = (0, 0), 0x16
    with pytest.raises(EvidenceError, match="status 0x16"):
        guest(kernel).quote(REPORT_DATA)


@pytest.mark.parametrize("tsm", [True, False])
def test_report_data_has_64_bytes(tsm: bool) -> None:
    with pytest.raises(EvidenceError):
        guest(StandIn(snp_lab(), tsm=tsm, device=True)).quote(b"short")


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<16sII", GUIDS[SigningKey.VCEK].bytes_le, 24, 0) + bytes(24),
        struct.pack("<16sII", GUIDS[SigningKey.VCEK].bytes_le, 40, 100) + bytes(24),
        struct.pack("<16sII", GUIDS[SigningKey.VCEK].bytes_le, 24, 5000) + bytes(6000),
        struct.pack("<16sII", ARK.bytes_le, 24, 1) + b"cut",
        struct.pack("<16sII", ARK.bytes_le, 24, 1) * (MAX_ENTRIES + 1),
    ],
)
def test_malformed_tables_are_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="table"):
        leaf_from_table(data, SigningKey.VCEK)


@pytest.mark.parametrize("data", [b"", bytes(24), bytes(5), bytes(4096), table({ARK: b"x"})])
def test_a_table_without_the_certificate_is_none(data: bytes) -> None:
    assert leaf_from_table(data, SigningKey.VCEK) is None

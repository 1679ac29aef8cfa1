"""Evidence of a SEV-SNP guest, from the hardware it runs on.

The report comes from configfs-tsm, on older kernels from ``/dev/sev-guest``; the certificate of
the key that signs it from the host's certificate table or from a file. Both come from the host,
who may lie: they are checked against each other here, so that a mistake is found by the machine
that can mend it, and verified by whoever reads them.
"""

from pathlib import Path

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp_evidence import SnpEvidence
from cocoon.attestation.evidence.snp_report import SnpReport
from cocoon.attestation.evidence.snp_x509 import MAX_CERTIFICATE_BYTES
from cocoon.errors import EvidenceError
from cocoon.tee.files import Files, KernelFiles
from cocoon.tee.snp_device import DEVICE, report_by_device
from cocoon.tee.snp_table import GUIDS, leaf_from_table
from cocoon.tee.tsm import TsmReports

PROVIDER = "sev_guest"
"""The driver's name in configfs-tsm."""
_FETCH = (
    "let the host load the certificate into its table, or fetch it from AMD into the file that"
    " the configuration names"
)


class SnpGuest:
    """An :class:`~cocoon.attestation.evidence.EvidenceSource` on real SEV-SNP hardware.

    Args:
        root: of the file system; tests put a stand-in there.
        files: how files and devices are reached.
        certificate: file with the DER of this chip's VCEK (or VLEK) certificate, for hosts that
            supply none; read anew for every report, because a firmware update changes it.
        vmpl: privilege level of the reports, 0 to 3; None leaves the driver's.
    """

    kind = EvidenceKind.SNP

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        files: Files | None = None,
        certificate: Path | None = None,
        vmpl: int | None = None,
    ) -> None:
        self._root = root
        self._files = files or KernelFiles()
        self._reports = TsmReports(root, files=self._files, provider=PROVIDER)
        self._certificate = certificate
        self._vmpl = vmpl

    def is_available(self) -> bool:
        """Whether the kernel offers reports at all."""
        return self._reports.is_available() or self._files.exists(self._root / DEVICE)

    def quote(self, report_data: bytes) -> bytes:
        """The report and, behind it, the certificate of the key that signed it.

        Raises:
            EvidenceError: the platform made no report, or no certificate fits it; says what to do.
        """
        report, table = self.report(report_data)
        parsed = SnpReport.from_bytes(report)
        if parsed.report_data != report_data:
            raise EvidenceError("the platform's report is over other data than was asked for")
        refusal = EvidenceError(
            f"neither the host nor a file supplies the {parsed.signing_key.name} certificate",
            fix=_FETCH,
        )
        for leaf in self._leaves(parsed, table):
            try:
                SnpEvidence.from_bytes(report + leaf)
            except EvidenceError as error:
                # What a stale certificate in the table spoils, a fresh file can still mend.
                refusal = EvidenceError(f"no certificate fits the report: {error}", fix=_FETCH)
                continue
            return report + leaf
        raise refusal

    def report(self, report_data: bytes) -> tuple[bytes, bytes]:
        """A report of 1184 bytes and the host's certificate table, unchecked.

        Raises:
            EvidenceError: the platform made no report.
        """
        if not self._reports.is_available():
            return report_by_device(self._files, self._root, report_data, self._vmpl or 0)
        answer = self._reports.request(report_data, privilege_level=self._vmpl, auxiliary=True)
        return answer.outblob, answer.auxblob

    def _leaves(self, report: SnpReport, table: bytes) -> list[bytes]:
        found = []
        if report.signing_key in GUIDS:
            supplied = leaf_from_table(table, report.signing_key)
            found += [supplied] if supplied is not None else []
        if self._certificate is not None:
            found += self._from_file(self._certificate)
        return found

    def _from_file(self, path: Path) -> list[bytes]:
        try:
            content = self._files.read(path, MAX_CERTIFICATE_BYTES)
        except OSError as error:
            if self._files.exists(path):
                raise EvidenceError(f"{path} cannot be read: {error.strerror}") from error
            return []
        return [content]

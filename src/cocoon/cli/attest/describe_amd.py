"""SEV-SNP reports, field by field, for people."""

from cocoon.attestation.evidence.snp import measurements_of
from cocoon.attestation.evidence.snp_report import (
    HOST_VMPL,
    NO_MIGRATION_AGENT,
    REPORT_BYTES,
    GuestPolicy,
    PlatformInfo,
    SnpReport,
)
from cocoon.cli.attest.describe_x509 import describe_chain, load_ders
from cocoon.cli.attest.view import Section, View


def describe_snp(data: bytes) -> View:
    """A report, and the certificate behind it where there is one.

    Raises:
        EvidenceError: it does not parse.
    """
    report = SnpReport.from_bytes(data[:REPORT_BYTES])
    view = View("snp-report")
    _guest(view.section("guest"), report)
    _platform(view.section("platform"), report)
    _warnings(view, report)
    if len(data) > REPORT_BYTES:
        view.include(describe_chain(load_ders(data[REPORT_BYTES:])), "signer ")
    else:
        view.warnings.append("no certificate follows the report: nothing here can verify it")
    return view


def _guest(section: Section, report: SnpReport) -> None:
    names = [bit.name for bit in GuestPolicy if report.allows(bit)]
    section.add("version", report.version)
    section.add("measurement", report.measurement)
    section.add("host_data", report.host_data)
    section.add("report_data", report.report_data)
    section.add("image_hash", measurements_of(report).image_hash())
    section.add("policy", f"{report.policy:#x} ({', '.join(map(str, names)) or 'none'})")
    section.add("minimum_abi", ".".join(map(str, report.minimum_abi)))
    section.add("vmpl", "host" if report.vmpl == HOST_VMPL else report.vmpl)
    section.add("guest_svn", report.guest_svn)
    section.add("family_id", report.family_id)
    section.add("image_id", report.image_id)
    section.add("id_key_digest", report.id_key_digest)
    section.add("author_key_digest", report.author_key_digest)
    section.add("report_id", report.report_id)
    section.add("report_id_ma", report.report_id_ma)


def _platform(section: Section, report: SnpReport) -> None:
    names = [bit.name for bit in PlatformInfo if report.platform_has(bit)]
    product = report.product
    section.add("processor", "not told" if product is None else product.value)
    if report.cpu is not None:
        section.add("cpuid", "family {:#x} model {:#x} stepping {}".format(*report.cpu))
    section.add("chip_id", report.chip_id)
    section.add("platform_info", f"{report.platform_info:#x} ({', '.join(map(str, names))})")
    section.add("signing_key", report.signing_key.name)
    section.add("firmware", ".".join(map(str, report.current_firmware)))
    section.add("committed_firmware", ".".join(map(str, report.committed_firmware)))
    if product is None:
        section.add("reported_tcb", report.reported_tcb)
        section.add("committed_tcb", report.committed_tcb)
        section.add("current_tcb", report.current_tcb)
        section.add("launch_tcb", report.launch_tcb)
        return
    for name, tcb in report.tcbs(product).items():
        section.add(f"{name}_tcb", tcb.describe())


def _warnings(view: View, report: SnpReport) -> None:
    if report.allows(GuestPolicy.DEBUG):
        view.warnings.append("DEBUG: the host can read this guest's memory")
    if report.allows(GuestPolicy.MIGRATE_MA) or report.report_id_ma != NO_MIGRATION_AGENT:
        view.warnings.append("a migration agent may move this guest to another machine")
    if report.vmpl == HOST_VMPL:
        view.warnings.append("the host asked for this report, not the guest")
    if report.is_chip_masked:
        view.warnings.append("the host hides which chip this is")

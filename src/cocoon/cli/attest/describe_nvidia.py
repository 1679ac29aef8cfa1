"""GPU evidence, field by field, for people."""

from collections.abc import Callable

from cocoon.attestation.evidence.nvidia_report import GpuReport
from cocoon.cli.attest.describe_x509 import describe_chain, load_ders
from cocoon.cli.attest.gpu_form import gpu_item, gpu_report
from cocoon.cli.attest.view import View
from cocoon.errors import EvidenceError


def describe_gpu(data: bytes) -> View:
    """An item as it travels, or a bare report.

    Raises:
        EvidenceError: it does not parse.
    """
    view = View("gpu-evidence")
    item = gpu_item(data)
    report = gpu_report(data) if item is None else GpuReport.from_bytes(item.report)
    if report is None:
        raise EvidenceError("this is no GPU evidence")
    _report(view, report)
    if item is None:
        view.warnings.append("a bare report: its certificates are needed to verify it")
        return view
    view.section("item").add("ocsp_answers", len(item.ocsp))
    view.include(describe_chain(load_ders(b"".join(item.certificates))), "GPU ")
    return view


def _report(view: View, report: GpuReport) -> None:
    section = view.section("report")
    section.add("nonce", report.nonce)
    section.add("driver_version", _safely(lambda: report.driver_version))
    section.add("vbios_version", _safely(lambda: report.vbios_version))
    section.add("board", _safely(lambda: " ".join(report.board)))
    section.add("chip", _safely(lambda: report.chip or "not told (Hopper)"))
    section.add("fwid", _safely(lambda: _hex(report.fwid)))
    section.add("protected_pcie", _safely(lambda: _name(report.protected_pcie)))
    section.add("passthrough", _safely(lambda: _name(report.passthrough)))
    section.add("measurements", len(report.measurements))
    values = view.section("measurements")
    for index, value in sorted(report.measurements.items()):
        values.add(str(index), value)


def _hex(value: bytes) -> str:
    return value.hex()


def _name(value: object) -> str:
    return "not told" if value is None else str(getattr(value, "name", value))


def _safely(read: Callable[[], object]) -> str:
    try:
        return str(read())
    except EvidenceError as error:
        return f"unreadable: {error}"

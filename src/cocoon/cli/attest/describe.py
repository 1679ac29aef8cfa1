"""From a recognised item to what is shown of it."""

import json
import warnings
from collections.abc import Callable

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral
from cocoon.attestation.evidence.snp_collateral import SnpCollateral
from cocoon.cli.attest.describe_amd import describe_snp
from cocoon.cli.attest.describe_intel import describe_quote, describe_td_report
from cocoon.cli.attest.describe_nvidia import describe_gpu
from cocoon.cli.attest.describe_ratls import (
    describe_bundle,
    describe_endorsement,
    describe_fake,
    describe_page,
    describe_ratls,
    describe_statement,
)
from cocoon.cli.attest.describe_x509 import describe_chain, load_ders, moment, printable
from cocoon.cli.attest.recognise import Item, Kind
from cocoon.cli.attest.view import View
from cocoon.cli.config.collateral_files import parse_piece
from cocoon.errors import EvidenceError

MAX_LIST = 200


def describe(item: Item) -> View:
    """Every field of an item.

    Raises:
        EvidenceError: it does not parse.
    """
    with warnings.catch_warnings():
        # What is odd about other people's certificates is shown, not warned of.
        warnings.simplefilter("ignore", UserWarning)
        return _BY_KIND[item.kind](item.data)


def describe_collateral(data: bytes) -> View:
    """A vendor's collateral; its signatures are not verified here.

    Raises:
        EvidenceError: it does not parse.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("collateral is UTF-8 text, and this is not") from error
    piece = parse_piece(text)
    view = View(f"{piece.kind} collateral")
    section = view.section("collateral")
    section.add("expires_at", moment(piece.content.expires_at))
    match piece.content:
        case Collateral() as content:
            _intel_collateral(view, content)
        case SnpCollateral() as content:
            section.add("for", content.key)
            section.add("root_hash", content.chain.root_hash)
            section.add("revoked_serials", len(content.revoked))
        case GpuCollateral() as content:
            section.add("for", printable(content.key[:MAX_LIST]))
            section.add("bytes", len(content.data))
    return view


def _intel_collateral(view: View, content: Collateral) -> None:
    section = view.section("TCB info")
    section.add("fmspc", content.fmspc)
    document = json.loads(content.handle.tcb_info)
    for name in ("id", "version", "issueDate", "nextUpdate", "tcbEvaluationDataNumber", "tcbType"):
        if name in document:
            section.add(name, printable(str(document[name])[:MAX_LIST]))
    levels = document.get("tcbLevels", [])
    if isinstance(levels, list):
        shown = [_level(level) for level in levels[:MAX_LIST] if isinstance(level, dict)]
        section.add("levels", shown)


def _level(level: dict[str, object]) -> str:
    advisories = level.get("advisoryIDs")
    text = ", ".join(map(str, advisories)) if isinstance(advisories, list) else ""
    date, status = str(level.get("tcbDate")), str(level.get("tcbStatus"))
    return printable(f"{date} {status} {text}".rstrip()[:MAX_LIST])


def describe_log(data: bytes) -> View:
    """An event log with the registers that it leads to.

    Raises:
        EvidenceError: it does not parse.
    """
    from cocoon.cli.attest.describe_log import describe_event_log  # noqa: PLC0415

    return describe_event_log(data)


_BY_KIND: dict[Kind, Callable[[bytes], View]] = {
    Kind.TDX_QUOTE: describe_quote,
    Kind.SGX_QUOTE: describe_quote,
    Kind.TDREPORT: describe_td_report,
    Kind.SNP_REPORT: describe_snp,
    Kind.GPU_EVIDENCE: describe_gpu,
    Kind.FAKE_EVIDENCE: describe_fake,
    Kind.CERTIFICATE: describe_ratls,
    Kind.CHAIN: lambda data: describe_chain(load_ders(data)),
    Kind.BUNDLE: describe_bundle,
    Kind.STATEMENT: describe_statement,
    Kind.ENDORSEMENT: describe_endorsement,
    Kind.PAGE: describe_page,
    Kind.EVENT_LOG: describe_log,
    Kind.COLLATERAL: describe_collateral,
}

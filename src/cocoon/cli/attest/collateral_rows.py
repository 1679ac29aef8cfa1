"""What a store of collateral holds, as rows for people and for scripts."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from rich.table import Table

from cocoon.attestation.evidence.missing import GPU, SGX, SNP, TDX
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral
from cocoon.attestation.evidence.snp_collateral import SnpCollateral
from cocoon.cli.config.collateral_files import Piece, parse_piece
from cocoon.cli.screen import moment
from cocoon.collateral.store import Stored
from cocoon.errors import EvidenceError

_WHAT = {
    TDX: "Intel TDX",
    SGX: "Intel SGX",
    SNP: "AMD SEV-SNP",
    GPU: "NVIDIA GPU",
}
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One document.

    Attributes:
        what: kind in words.
        kind: as in the store.
        platform: what it is for.
        key: as in the store.
        issued: unix seconds at which the vendor made its main part; None where it does not say.
        expires: unix seconds from which it no longer counts; None for a damaged one.
        evaluation: Intel's number of the TCB evaluation.
        fetched: unix seconds.
        state: ``current``, ``expired`` or ``damaged``.
    """

    what: str
    kind: str
    platform: str
    key: str
    issued: int | None
    expires: int | None
    evaluation: int | None
    fetched: int
    state: str


def row_of(stored: Stored, now: int) -> Row:
    """Describe a document; its signatures are not checked."""
    what = _WHAT.get(stored.kind, stored.kind)
    try:
        piece = parse_piece(stored.content)
        issued, evaluation = _dates(piece)
    except (EvidenceError, ValueError, TypeError, KeyError):
        platform = stored.key[:40]
        return Row(what, stored.kind, platform, stored.key, None, None, None, stored.fetched_at,
                   "damaged")  # fmt: skip
    expires = piece.content.expires_at
    return Row(
        what=what,
        kind=stored.kind,
        platform=_platform(stored),
        key=stored.key,
        issued=issued,
        expires=expires,
        evaluation=evaluation,
        fetched=stored.fetched_at,
        state="current" if now < expires else "expired",
    )


def rows_table(rows: list[Row]) -> Table:
    """For people."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("what", "for", "state", "issued", "expires", "fetched"):
        table.add_column(name, no_wrap=True)
    table.add_column("TCB evaluation", justify="right")
    for row in rows:
        table.add_row(
            row.what, row.platform, row.state, _time(row.issued), _time(row.expires),
            _time(row.fetched), "" if row.evaluation is None else str(row.evaluation),
            style=None if row.state == "current" else "red",
        )  # fmt: skip
    return table


def rows_json(rows: list[Row]) -> str:
    """For scripts: an array of objects, times in unix seconds."""
    return json.dumps([asdict(row) for row in rows], indent=2)


def _dates(piece: Piece) -> tuple[int | None, int | None]:
    """When it was issued, and of which TCB evaluation."""
    content = piece.content
    if isinstance(content, GpuCollateral):
        return None, None
    if isinstance(content, SnpCollateral):
        issued = x509.load_der_x509_crl(content.crl).last_update_utc
        return int(issued.timestamp()), None
    info: dict[str, Any] = json.loads(content.handle.tcb_info)
    made = datetime.strptime(info["issueDate"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return int(made.timestamp()), int(info["tcbEvaluationDataNumber"])


def _platform(stored: Stored) -> str:
    """What it is for, short: the name of a certificate's state is a long request."""
    name, _, rest = stored.key.partition("/")
    if stored.kind == GPU and name == "ocsp":
        return f"state of certificate {rest[:_SHORT]}"
    return stored.key if stored.kind != GPU else rest


def _time(seconds: int | None) -> str:
    return "" if seconds is None else moment(seconds).removesuffix(" UTC")

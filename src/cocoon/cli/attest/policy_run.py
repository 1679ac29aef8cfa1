"""``cocoon attest policy check`` behind its options."""

import json
import time
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from cocoon.cli import screen
from cocoon.cli.attest.policy_file import read_policies, states
from cocoon.cli.attest.policy_lint import ERROR, WARNING, Finding, demands, lint
from cocoon.cli.attest.verdict import Verdict
from cocoon.cli.attest.verify_run import Wishes, show, verify_target
from cocoon.cli.config.collateral_files import read_pieces
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.cli.config.production import SIMULATED, WEAK, check_production_policy
from cocoon.errors import ConfigError

SOON = 3 * 86_400
"""Seconds before collateral ends from which a check says so."""
_STYLES = {ERROR: "bold red", WARNING: "yellow"}


def check_file(
    path: Path,
    *,
    evidence: str | None,
    collateral: tuple[Path, ...],
    production: bool,
    as_json: bool,
) -> bool:
    """Check every policy of a file and say what was found; returns whether all may be used.

    Raises:
        ConfigError: the file is wrong.
        CocoonError: the evidence cannot be reached.
    """
    found: list[Finding] = []
    rows: list[tuple[str, str, str]] = []
    for where, table in read_policies(path):
        written = where != "policy" or states(path, "kind")
        found += lint(table, where, states_kind=written)
        found += _collateral_findings(table, where, int(time.time()))
        found += _production_findings(table, where) if production else []
        rows += demands(table, where)
    verdict = None
    if evidence is not None:
        verdict = verify_target(Wishes(target=evidence, policy=path, collateral=collateral))
    if as_json:
        typer.echo(_json(path, rows, found, verdict))
    else:
        _print(path, rows, found)
        if verdict is not None:
            screen.stdout().print()
            show(verdict, as_json=False)
    judged = verdict is None or verdict.verified
    return judged and all(item.level != ERROR for item in found)


def _production_findings(table: PolicyTable, where: str) -> list[Finding]:
    # A proxy's clients need no evidence, but evidence that is asked for must be real.
    refused = SIMULATED if where.startswith("clients.") else WEAK
    try:
        check_production_policy(table, where, refused)
    except ConfigError as error:
        text = str(error).removeprefix(f"{where}: ")
        return [Finding(ERROR, where, text, "production policies pin the vendors' roots")]
    return []


def _collateral_findings(table: PolicyTable, where: str, now: int) -> list[Finding]:
    """Files that cannot be read, have ended or end soon."""
    found: list[Finding] = []
    for place, leaf in table.leaves(where):
        paths = leaf.collateral + (leaf.gpu.collateral if leaf.gpu is not None else ())
        try:
            pieces = [item for path in paths for item in read_pieces(path)]
        except ConfigError as error:
            found.append(Finding(ERROR, place, str(error)))
            continue
        for file, piece in pieces:
            left = piece.content.expires_at - now
            if left < SOON:
                ended = f"expired {-left} s ago" if left < 0 else f"expires in {left} s"
                level = ERROR if left < 0 else WARNING
                fix = "`cocoon attest collateral fetch` gets newer"
                found.append(Finding(level, place, f"{file} {ended}", fix))
    return found


def _print(path: Path, rows: list[tuple[str, str, str]], found: list[Finding]) -> None:
    console = screen.stdout()
    if not console.is_terminal:
        console.width = screen.WIDEST
    table = Table(title=f"{path} demands", title_justify="left", title_style="bold", box=None)
    for name in ("policy", "what", "must be"):
        table.add_column(name, no_wrap=name != "must be", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, soft_wrap=False)
    console.print()
    for item in found:
        line = Text(f"{item.level}: {item.where}: {item.text}", style=_STYLES.get(item.level, ""))
        if item.fix:
            line.append(f"; {item.fix}")
        console.print(line)
    worst = {item.level for item in found}
    if ERROR in worst:
        console.print(Text("The policy must not be used like this.", style="bold red"))
    else:
        remarks = "1 remark" if len(found) == 1 else f"{len(found)} remarks"
        console.print(Text(f"{remarks}, no errors.", style="green"))


def _json(
    path: Path,
    rows: list[tuple[str, str, str]],
    found: list[Finding],
    verdict: Verdict | None,
) -> str:
    document = {
        "file": str(path),
        "demands": [dict(zip(("policy", "what", "must_be"), row, strict=True)) for row in rows],
        "findings": [
            {"level": item.level, "where": item.where, "text": item.text, "fix": item.fix}
            for item in found
        ],
        "evidence": None if verdict is None else json.loads(verdict.to_json()),
    }
    return json.dumps(document, indent=2)

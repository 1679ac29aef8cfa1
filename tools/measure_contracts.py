"""Measure the contracts: ``contracts/*/gas.json`` and docs/reference/contract-fees.md.

    python tools/measure_contracts.py           rewrite them
    python tools/measure_contracts.py --check   fail when they are not current

The numbers come from :mod:`cocoon.testing.contract_costs` and ``governance_costs``. In the page
only what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is written.
"""

import json
import re
import sys
from pathlib import Path

from cocoon.testing.contract_costs import Costs, measure
from cocoon.testing.governance_costs import governance_gas, governance_rent

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/contract-fees.md"
CONTRACTS = ROOT / "contracts"
NANO = 10**9
DAY_COMMITS = (24, 288, 1920)
"""Every hour, every five minutes, every 45 seconds."""


def ton(amount: int) -> str:
    """An amount in TON with four digits, rounded up: a reader plans with it."""
    units = -(-amount // 100_000)
    return f"{units // 10_000}.{units % 10_000:04}"


def blocks(costs: Costs) -> dict[str, str]:
    """Markdown by block name."""
    flows = ["| flow | attached | gas of each contract | fees |", "|---|---:|---|---:|"]
    for flow in costs.flows:
        gas = " → ".join(f"{kind} {used:,}" for kind, used in flow.gas)
        flows.append(f"| {flow.name} | {ton(flow.attached)} | {gas} | {ton(flow.fees)} |")
    found = costs.rent | governance_rent()
    rent = ["| contract | rent a year |", "|---|---:|"]
    rent += [f"| {kind} | {ton(amount)} |" for kind, amount in found.items()]
    commit = next(flow.fees for flow in costs.flows if flow.name == "commit")
    commits = ["| commits a day | cost a day |", "|---:|---:|"]
    commits += [f"| {count} | {ton(count * commit)} |" for count in DAY_COMMITS]
    return {"flows": "\n".join(flows), "rent": "\n".join(rent), "commits": "\n".join(commits)}


def page(text: str, found: dict[str, str]) -> str:
    """The page with these blocks in it."""
    for name, block in found.items():
        pattern = re.compile(f"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text)
        if count != 1:
            raise SystemExit(f"{PAGE}: no block {name}")
    return text


def outputs(costs: Costs) -> dict[Path, str]:
    """What each file must contain."""
    files = {
        CONTRACTS / kind / "gas.json": json.dumps(gas, indent=2) + "\n"
        for kind, gas in (costs.gas | governance_gas()).items()
    }
    return files | {PAGE: page(PAGE.read_text(), blocks(costs))}


def main() -> int:
    """Command line."""
    check = sys.argv[1:] == ["--check"]
    stale = []
    for path, text in outputs(measure()).items():
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path)
        if not check:
            path.write_text(text)
    for path in stale:
        print(("stale: " if check else "written: ") + str(path.relative_to(ROOT)))
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())

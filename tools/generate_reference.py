"""Write the tables of docs/reference/configuration.md and docs/reference/cli.md from the code.

    python tools/generate_reference.py           rewrite them
    python tools/generate_reference.py --check   fail when they are not current

Only what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is written.
"""

import re
import sys
from dataclasses import fields
from pathlib import Path

import typer

from cocoon.accounting import Nano
from cocoon.cli.app import app
from cocoon.cli.config import (
    api_keys_table,
    key_manager_tables,
    seal_table,
    tables,
    telegram_tables,
)
from cocoon.cli.config.reader import documented_keys
from cocoon.cli.config.values import ton

DOCS = Path(__file__).parent.parent / "docs" / "reference"
FILES = {
    "client": tables.ClientFile,
    "proxy": tables.ProxyFile,
    "worker": tables.WorkerFile,
    "key-manager": key_manager_tables.KeyManagerFile,
    "telegram": telegram_tables.TelegramFile,
}
SHARED = {
    "chain": tables.ChainTable,
    "node_wallet": tables.NodeWalletTable,
    "deposits": tables.DepositsTable,
    "payouts": tables.PayoutsTable,
    "settlement": tables.SettlementTable,
    "identity": tables.IdentityTable,
    "policy": tables.PolicyTable,
    "collateral": tables.CollateralTable,
    "http": tables.HttpTable,
    "attestation": tables.PageTable,
    "dial": tables.DialTable,
    "listen": tables.ListenTable,
    "engine": tables.EngineTable,
    "model_proof": tables.ModelProofTable,
    "gateway": tables.GatewayTable,
    "api_keys": api_keys_table.ApiKeysTable,
    "keys": seal_table.KeysTable,
    "seal": seal_table.SealTable,
    "peers": key_manager_tables.PeersTable,
    "handover": key_manager_tables.HandoverTable,
    "predecessor": key_manager_tables.PredecessorTable,
    "rotation": key_manager_tables.RotationTable,
    "telegram.network": telegram_tables.NetworkTable,
    "telegram.bot": telegram_tables.BotTable,
    "telegram.app": telegram_tables.AppTable,
    "telegram.money": telegram_tables.MoneyTable,
    "telegram.answers": telegram_tables.AnswersTable,
    "telegram.limits": telegram_tables.LimitsTable,
    "log": tables.LogTable,
}
"""Tables described once; the role tables only name them."""


def configuration() -> dict[str, str]:
    """Markdown by block name for the configuration page."""
    blocks = {f"file {name}": _role(cls) for name, cls in FILES.items()}
    return blocks | {f"table {name}": _table(cls) for name, cls in SHARED.items()}


def commands() -> dict[str, str]:
    """Markdown by block name for the command line page."""
    group = typer.main.get_command(app)
    return {"command cocoon": _options(group)} | _commands(group, "")


def _commands(group: object, prefix: str) -> dict[str, str]:
    """The commands of a group; a group within is not a block, its commands are."""
    blocks: dict[str, str] = {}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            blocks |= _commands(command, f"{prefix}{name} ")
        else:
            blocks[f"command {prefix}{name}"] = _options(command)
    return blocks


def _role(cls: type) -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for item in fields(cls):
        inner = item.metadata.get("table")
        if inner is None:
            rows += [_row(key) for key in documented_keys(cls) if key.path == item.name]
        else:
            name = next(name for name, known in SHARED.items() if known is inner)
            rows.append(
                f"| `[{item.name}]` | | {item.metadata['help']}; see [{name}](#{_anchor(name)}) |"
            )
    return "\n".join(rows)


def _table(cls: type) -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for item in fields(cls):
        inner = item.metadata.get("table")
        if inner is None:
            rows += [_row(key) for key in documented_keys(cls) if key.path == item.name]
        else:
            name = next(name for name, known in SHARED.items() if known is inner)
            rows.append(
                f"| `{item.name}` | | {item.metadata['help']}; see [{name}](#{_anchor(name)}) |"
            )
    return "\n".join(rows)


def _anchor(name: str) -> str:
    """As the documentation's headings get it."""
    return name.replace(".", "-")


def _row(key: object) -> str:
    default = "required" if key.required else _default(key.default)  # type: ignore[attr-defined]
    if key.parse is ton and isinstance(key.default, int):  # type: ignore[attr-defined]
        default = f'`"{Nano(key.default).ton().removesuffix(" TON")}"`'  # type: ignore[attr-defined]
    return f"| `{key.path}` | {default} | {key.help} |"  # type: ignore[attr-defined]


def _default(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f'`"{value}"`'
        case (str(host), int(port)):
            return f'`"{host}:{port}"`'
        case tuple():
            shown = (str(item) if isinstance(item, int) else f'"{item}"' for item in value)
            return "`[" + ", ".join(shown) + "]`"
        case _:
            return f"`{value}`"


def _options(command: object) -> str:
    rows = ["| argument or option | default | meaning |", "|---|---|---|"]
    for item in command.params:  # type: ignore[attr-defined]
        names = [*item.opts, *item.secondary_opts]
        if item.param_type_name == "argument":
            names = [f"[{item.name.upper()}]"]
        elif not getattr(item, "is_flag", False):
            names[-1] += f" {item.metavar or 'VALUE'}"
        shown = ", ".join(f"`{name}`" for name in names)
        default = "required" if item.required else _shown_default(item.default)
        rows.append(f"| {shown} | {default} | {(item.help or '').rstrip('.')} |")
    return "\n".join(rows)


def _shown_default(value: object) -> str:
    return "" if value in (None, False, ()) else f"`{value}`"


def render(page: str, blocks: dict[str, str]) -> str:
    """The page with every block replaced; fails when one is missing there or here."""
    found = set(re.findall(r"<!-- begin (.*?) -->", page))
    if found != set(blocks):
        raise SystemExit(f"blocks that the page and the code do not share: {found ^ set(blocks)}")
    for name, text in blocks.items():
        pattern = rf"(<!-- begin {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)"
        page = re.sub(
            pattern, lambda match, text=text: f"{match[1]}{text}\n{match[2]}", page, flags=re.S
        )
    return page


def pages() -> dict[Path, str]:
    """Current text of every page that has blocks."""
    blocks = {"configuration.md": configuration(), "cli.md": commands()}
    return {DOCS / name: render((DOCS / name).read_text(), made) for name, made in blocks.items()}


def main() -> None:
    """Rewrite or check."""
    for path, text in pages().items():
        if path.read_text() == text:
            continue
        if "--check" in sys.argv[1:]:
            raise SystemExit(f"{path} is not current: run python tools/generate_reference.py")
        path.write_text(text)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()

"""What commands that move money read, say and ask."""

import asyncio
import contextlib
import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cocoon.chain.address import Address
from cocoon.chain.contracts import governor, root
from cocoon.chain.contracts.root_operations import describe_action
from cocoon.cli import screen
from cocoon.cli.app import run
from cocoon.cli.config import tables
from cocoon.cli.config.keys import new_password, open_key, read_password
from cocoon.cli.governance.actions import FORMS, parse_wish
from cocoon.cli.money.amount import MAX_NANO, parse_ton
from cocoon.cli.money.choice import choose
from cocoon.cli.money.coins_report import balances_table, coins_line
from cocoon.cli.money.intent import Intent, announce
from cocoon.cli.money.outcome import Outcome, step_line
from cocoon.cli.money.target import Role, Target, all_targets, find_target, parse_role
from cocoon.devnet.balances import Balances
from cocoon.devnet.coins import Supply
from cocoon.errors import ChainError, ConfigError, PaymentError

EXAMPLES = Path(__file__).parents[3] / "examples" / "config"
PROXY = Address(bytes([3]) * 32).friendly(testnet=True)
OTHER = Address(bytes([4]) * 32).friendly(testnet=True)
HASH = "ab" * 32


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def text(shown: Console) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


# --- amounts --------------------------------------------------------------------------------------


@given(st.integers(1, MAX_NANO))
def test_amounts_round_trip(nano: int) -> None:
    assert parse_ton(screen.decimals(nano)) == nano
    assert parse_ton(screen.ton(nano).removesuffix(" TON")) == nano


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_an_error(written: str) -> None:
    with contextlib.suppress(ConfigError):
        assert 0 < parse_ton(written) <= MAX_NANO


@pytest.mark.parametrize(
    "written", ["", "0", "0.0", "-1", "1e3", "1,5", ".5", "1.", "1.0000000001", "9" * 10, "\u0661"]
)
def test_what_is_no_amount(written: str) -> None:
    with pytest.raises(ConfigError):
        parse_ton(written)


# --- asking ---------------------------------------------------------------------------------------

INTENT = Intent("Deposit", "money moves", 25_000_000, "soon", (("to", "somebody"),))


def test_an_intent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = console()
    announce(INTENT, shown, yes=True)
    for words in ("Deposit", "money moves", "about 0.025 TON", "soon", "somebody"):
        assert words in text(shown)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(ConfigError, match="--yes"):
        announce(INTENT, console(), yes=False)


def test_no_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    shown = console()
    with pytest.raises(typer.Abort):
        announce(INTENT, shown, yes=False)
    assert text(shown).endswith("Nothing was done.\n")


def test_ctrl_c_ends_the_question_within_a_running_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override] # typeshed
            signal.raise_signal(signal.SIGINT)
            return "y\n"

    async def ask() -> None:
        announce(INTENT, shown, yes=False)

    shown = console()
    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(typer.Abort):
        asyncio.run(ask())
    assert text(shown).endswith("Nothing was done.\n")


def test_outcomes(capsys: pytest.CaptureFixture[str]) -> None:
    done = {"step": "deposit", "amount": 5_000_000_000, "transaction": "ab" * 32, "fees": 7}
    assert step_line(done) == "done: deposit 5.0 TON  (transaction abababababababab…, fees " \
        "0.000000007 TON)"  # fmt: skip
    Outcome(["All is well."], [done], {"x": 1}).show(as_json=False)
    assert capsys.readouterr().out == "All is well.\n"
    Outcome(["All is well."], [done], {"x": 1}).show(as_json=True)
    assert json.loads(capsys.readouterr().out) == {"done": [done], "x": 1}


def test_coins_that_are_missing_are_shouted() -> None:
    good, bad = Supply(100, 90, 10), Supply(100, 90, 9)
    assert coins_line(good).startswith("Every coin: 0.000000090 in all accounts + 0.000000010")
    assert "MISSING" in coins_line(bad)
    assert bad.missing == 1


def test_balances_before_and_after() -> None:
    shown = console()
    shown.print(balances_table(Balances(10, 5, 0, 0, 1), Balances(10, 3, 1, 1, 1)))
    assert "-0.000000002" in text(shown)
    assert "+0.000000001" in text(shown)


# --- which contract -------------------------------------------------------------------------------


def one(proxy: str, *, finished: bool = False) -> dict[str, Any]:
    return {"proxy_sc_address": proxy, "finished": finished}


def test_the_only_contract_needs_no_name() -> None:
    assert choose([one(PROXY)], None, finished=False) == one(PROXY)
    both = [one(OTHER, finished=True), one(PROXY)]
    assert choose(both, None, finished=False) == one(PROXY)
    assert choose([one(OTHER, finished=True)], None, finished=True)["finished"]
    assert choose([one(PROXY), one(OTHER)], Address.parse(OTHER).raw(), finished=False) == one(
        OTHER
    )


@pytest.mark.parametrize(
    ("contracts", "proxy", "error", "words"),
    [
        ([], None, PaymentError, "client first connects"),
        ([one(PROXY)], OTHER, PaymentError, f"it has at: {PROXY}"),
        ([one(PROXY)], "x", ConfigError, "--proxy"),
        ([one(PROXY), one(OTHER)], None, ConfigError, "several proxies"),
        ([one(PROXY, finished=True)], None, PaymentError, "cocoon deposit"),
    ],
)
def test_no_contract(
    contracts: list[dict[str, Any]], proxy: str | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        choose(contracts, proxy, finished=False)


@pytest.mark.anyio
async def test_a_chain_of_this_machine_that_does_not_run_is_told_at_once(tmp_path: Path) -> None:
    file = tables.ClientFile(
        wallet=PROXY,
        chain=tables.ChainTable(kind="embedded", url="http://127.0.0.1:1"),
        state=tmp_path / "client" / "state.json",
    )
    target = Target(Role.CLIENT, "client", file)
    with pytest.raises(ChainError, match=r"start the network with `cocoon up`$"):
        await target.require_chain()
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "chain.sqlite").touch()
    with pytest.raises(ChainError, match=r"chain.sqlite --port 1`$"):
        await target.require_chain()


def test_which_node(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no client in"):
        find_target(tmp_path, None, Role.CLIENT)
    with pytest.raises(ConfigError, match="no network in"):
        all_targets(tmp_path, None)
    with pytest.raises(ConfigError, match="not both"):
        find_target(tmp_path, EXAMPLES / "client.toml", Role.CLIENT)
    with pytest.raises(ConfigError, match="of a client, not of a worker"):
        find_target(None, EXAMPLES / "client.toml", Role.WORKER)
    with pytest.raises(ConfigError, match="TON is simulated"):
        find_target(None, EXAMPLES / "client.toml", Role.CLIENT)
    assert parse_role("proxy", Role.WORKER, Role.PROXY) is Role.PROXY
    with pytest.raises(ConfigError, match="worker or proxy"):
        parse_role("client", Role.WORKER, Role.PROXY)


# --- operations of the root -----------------------------------------------------------------------

EXAMPLE_WORDS = {
    "HASH": [HASH], "SEQNO": ["3"], "HOST:PORT…": ["10.0.0.1:1", "10.0.0.1:2"],
    "ADDRESS": [PROXY], "OWNER…": [PROXY, OTHER], "THRESHOLD": ["2"], "REVOKE-THRESHOLD": ["1"],
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_operation_says_what_it_is(name: str) -> None:
    words = [word for item in FORMS[name].arguments for word in EXAMPLE_WORDS.get(item, ["7"])]
    wish = parse_wish(name, words)
    written = name.replace("replace-tariff", "set-tariff")  # the same with a flag
    assert describe_action(wish.action).name == written.replace("-", "_")


def test_words_become_bodies() -> None:
    assert parse_wish("change-price", ["20", "14"]).cell == root.change_price(0, 20, 14)
    wish = parse_wish("set-rules", ["2", "1", "60", PROXY, OTHER])
    owners = [Address.parse(PROXY), Address.parse(OTHER)]
    assert wish.action == governor.set_rules(owners, threshold=2, revoke_threshold=1, delay=60)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", []),
        ("add-model-type", []),
        ("add-model-type", ["00"]),
        ("add-model-type", [HASH, HASH]),
        ("change-price", ["-1", "0"]),
        ("change-price", ["1", "x"]),
        ("change-owner", ["x"]),
        ("register-proxy", ["nowhere"]),
        ("register-proxy", ["a:1", "b:2", "c:3"]),
        ("unregister-proxy", [str(2**40)]),
        ("set-rules", ["3", "1", "0", PROXY]),
    ],
)
def test_wrong_words(name: str, words: list[str]) -> None:
    with pytest.raises(ConfigError):
        parse_wish(name, words)


# --- key files ------------------------------------------------------------------------------------


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("correct horse\nnot this line\n")
    path.chmod(0o600)
    return path


def test_a_wallet_is_made_shown_and_restored(
    tmp_path: Path,
    password: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, again = tmp_path / "a.key", tmp_path / "b.key"
    assert run(["wallet", "create", str(made), "--password-file", str(password)]) == 0
    shown = capsys.readouterr().out
    words = [
        line.split(". ", 1)[1].strip() if ". " in line else ""
        for row in shown.splitlines()
        if row[:4].strip().rstrip(".").isdigit()
        for line in _columns(row)
    ]
    assert len(words) == 24
    content = made.read_text()
    assert not any(f" {word} " in content for word in words)
    assert made.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(sys, "stdin", io.StringIO(" ".join(words) + "\n"))
    assert run(["wallet", "import", str(again), "--plain"]) == 0
    assert open_key(again).public_key == open_key(made, password).public_key
    capsys.readouterr()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    arguments = ["wallet", "show", str(made), "--password-file", str(password), "--json"]
    assert run(arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["public_key"] == open_key(again).public_key.hex()
    assert facts["address"].startswith("0Q")
    assert not set(words) <= set(json.dumps(facts).split())
    assert run(["wallet", "create", str(made), "--plain"]) == 2
    assert "never overwritten" in capsys.readouterr().err


def _columns(row: str) -> list[str]:
    """``' 1. word   2. other'`` in its parts."""
    parts, current = [], ""
    for token in row.split():
        if token.rstrip(".").isdigit() and token.endswith("."):
            parts.append(current)
            current = f"{token} "
        else:
            current += token
    return [part for part in [*parts, current] if part]


def test_passwords(tmp_path: Path, password: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_password(password) == "correct horse"
    password.chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        read_password(password)
    short = tmp_path / "short"
    short.touch(0o600)
    with pytest.raises(ConfigError, match="is empty"):
        read_password(short)
    short.write_text("short")
    with pytest.raises(ConfigError, match="at least 8"):
        new_password(short)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(ConfigError, match="--password-file"):
        new_password(None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deposit", "x"], "not an amount in TON"),
        (["deposit", "5"], "no client in"),
        (["withdraw"], "no client in"),
        (["close", "--role", "worker"], "client or proxy"),
        (["payout"], "no worker-1 in"),
        (["balance"], "no network in"),
        (["root", "show"], "give --root"),
        (["root", "propose", "nothing"], "no such operation"),
        (["wallet", "show", "/none"], "cannot read key file"),
        (["wallet", "create", "/none/x", "--kind", "v1"], "--kind"),
        (["wallet", "create", "/none/x", "--owner", PROXY], "--owner belongs to"),
        (["wallet", "send", "/none", "x", "1"], "not a TON address"),
        (["wallet", "send", "/none", PROXY, "0"], "0 TON does nothing"),
    ],
)
def test_errors_are_one_sentence(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("cocoon: ")
    assert error.count("\n") == 1
    assert words in error

"""``cocoon keys`` on a store: what it makes, shows, changes and exports."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from cocoon.cli import screen
from cocoon.cli.app import run
from cocoon.cli.config import tables
from cocoon.cli.config.api_keys_table import ApiKeysTable, keys_settings, store_url
from cocoon.cli.config.reader import Context
from cocoon.errors import ConfigError
from cocoon.gateway.keys import KeyGate, KeysSettings
from cocoon.gateway.keys.leases import Booking, Leases, Want
from cocoon.gateway.keys.ledger import UsageRow
from cocoon.gateway.keys.store import open_store


class Keys:
    def __init__(self, store: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.store, self._capsys = store, capsys

    def text(self, *words: str) -> str:
        assert run(["keys", words[0], "--store", self.store, *words[1:]]) == 0
        return self._capsys.readouterr().out

    def json(self, *words: str) -> dict:
        return json.loads(self.text(*words, "--json"))

    def fails(self, *words: str) -> str:
        assert run(["keys", words[0], "--store", self.store, *words[1:]]) in (1, 2)
        error = self._capsys.readouterr().err
        assert error.count("\n") == 1
        return error


@pytest.fixture
def keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Keys:
    return Keys(str(tmp_path / "keys.sqlite"), capsys)


@pytest.mark.anyio
async def test_bootstrap_with_an_admin_key(keys: Keys) -> None:
    key = keys.text("create", "root", "--admin").splitlines()[-1]
    gate = KeyGate(KeysSettings(store=f"sqlite:///{keys.store}"))
    await gate.start()
    caller = await gate.identify(key.encode())
    await gate.close()
    assert caller.is_admin
    assert key not in keys.text("list")


def test_life_of_a_key(keys: Keys) -> None:
    made = keys.json("create", "team", "--day", "0.5", "--user-requests", "5", "--model", "demo*")
    assert made["limits"]["day_nanoton"] == 500_000_000
    assert made["user_limits"]["requests_per_minute"] == 5
    changed = keys.json("update", "team", "--day", "none", "--month", "7", "--notes", "n")
    assert (changed["limits"]["day_nanoton"], changed["limits"]["month_nanoton"]) == (
        None,
        7 * 10**9,
    )
    assert changed["models"] == ["demo*"]
    assert keys.json("update", "team", "--disable")["state"] == "disabled"
    assert keys.json("update", "team", "--enable", "--expires", "30d")["state"] == "active"
    rotated = keys.json("rotate", "team", "--overlap", "2h")
    assert rotated["key"] != made["key"]
    assert rotated["old_secret_until"] > time.time() + 7000
    shown = keys.json("show", made["id"])
    assert [one["spent_nanoton"] for one in shown["budgets"]] == [0, 0, 0]
    assert "7.0 TON a month" in keys.text("show", "team")
    assert keys.json("revoke", "team")["state"] == "revoked"
    assert "revoked" in keys.fails("update", "team", "--notes", "m")
    assert [one["name"] for one in keys.json("list")["data"]] == ["team"]


def test_a_list_fits_a_terminal(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.text(
        "create", "search-team", "--admin", "--day", "2", "--month", "40", "--requests", "600"
    )
    console = Console(width=80, file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(screen, "stdout", lambda: console)
    keys.text("list")
    lines = Text.from_ansi(console.file.getvalue()).plain.splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 80
    assert any("search-team" in line and "active, admin" in line for line in lines)


def test_names_that_several_keys_have(keys: Keys) -> None:
    old, new = keys.json("create", "team")["id"], keys.json("create", "team")["id"]
    refusal = keys.fails("show", "team")
    assert "give an id" in refusal
    assert old in refusal
    assert new in refusal
    keys.text("revoke", old)
    assert keys.json("show", "team")["id"] == new
    keys.text("revoke", new)
    assert "give an id" in keys.fails("show", "team")


def test_usage_and_export(keys: Keys) -> None:
    made = keys.json("create", "team")
    _spend(keys, made["id"])
    sums = keys.json("usage", "--by", "day,model")["data"]
    assert sum(row["cost_nanoton"] for row in sums) == 30
    assert "team" in keys.text("usage")
    rows = list(csv.DictReader(io.StringIO(keys.text("export"))))
    assert [row["model"] for row in rows] == ["demo", "'=evil()"]
    assert {row["cost_known"] for row in rows} == {"true"}
    lines = keys.text("export", "--format", "json", "--key", "team", "--until", "2100-01-01")
    assert [json.loads(line)["cost_nanoton"] for line in lines.splitlines()] == [10, 20]
    assert keys.text("export", "--format", "json", "--user", "somebody") == ""


def _spend(keys: Keys, key_id: str) -> None:
    database = open_store(f"sqlite:///{keys.store}")
    leases = Leases(database, "gone")
    leases.register(time.time() - 1000)
    leases.acquire([Want((key_id, "total"), None, 10_000, 500)])
    at = int(time.time() * 1000)
    rows = [
        UsageRow(at, "r", key_id, "", "/v1/chat/completions", model, 200, 1, 2, cost, True, 5)
        for model, cost in (("demo", 10), ("=evil()", 20))
    ]
    leases.flush(1, rows, {(key_id, "total"): Booking(None, 30, 30)}, time.time() - 1000)
    database.close()


def test_leases_of_the_dead_are_kept_until_somebody_decides(keys: Keys) -> None:
    made = keys.json("create", "team")
    _spend(keys, made["id"])
    assert keys.json("show", "team")["budgets"][2] == {
        "budget": "total",
        "period": "total",
        "resets_at": None,
        "cap_nanoton": None,
        "spent_nanoton": 30,
        "leased_nanoton": 470,
    }
    assert keys.text("reconcile") == "1 dead gateways hold 0.00000047 TON\n"
    assert "booked as spent" in keys.text("reconcile", "--as-spent")
    total = keys.json("show", "team")["budgets"][2]
    assert (total["spent_nanoton"], total["leased_nanoton"]) == (500, 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list",), "there is no store of API keys at"),
        (("create", "x", "--day", "lots"), "not an amount in TON"),
        (("create", "x", "--requests", "-1"), "not a whole number"),
        (("create", "x", "--scope", "all"), "`scopes` must be some of"),
        (("create", ""), "`name` must be text"),
        (("create", "x", "--expires", "soon"), "not a day or time"),
    ],
)
def test_mistakes(keys: Keys, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in keys.fails(*words)


def test_more_mistakes(keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    keys.text("create", "one")
    assert "there is no such API key" in keys.fails("show", "two")
    assert "csv or json" in keys.fails("export", "--format", "xml")
    assert "day,key,model" in keys.fails("usage", "--by", "user")
    assert run(["keys", "lst"]) == 2
    assert "No such command 'lst'" in capsys.readouterr().err
    assert run(["keys", "list"]) == 2
    assert "--config FILE" in capsys.readouterr().err


def test_the_table_of_a_client(tmp_path: Path) -> None:
    place = Context(tmp_path, "x.toml: api_keys.store")
    assert store_url("keys.db", place) == f"sqlite:///{tmp_path}/keys.db"
    assert store_url("sqlite:///keys.db", place) == f"sqlite:///{tmp_path}/keys.db"
    assert store_url("sqlite:////a/b", place) == "sqlite:////a/b"
    assert store_url("postgresql://u@h/n", place) == "postgresql://u@h/n"
    for wrong in ("mysql://x", "sqlite:///", "sqlite://", ""):
        with pytest.raises(ConfigError, match=r"api_keys\.store"):
            store_url(wrong, place)
    with pytest.raises(ConfigError, match="need the key `store`"):
        ApiKeysTable(day=1)
    settings = keys_settings(ApiKeysTable(store="postgresql://u:pw@h/n", day=5, user_tokens=6))
    assert settings is not None
    assert (settings.key_limits.day, settings.user_limits.tokens) == (5, 6)
    assert "pw" not in repr(settings)
    assert "pw" not in repr(ApiKeysTable(store="postgresql://u:pw@h/n"))
    with pytest.raises(ConfigError, match="not both"):
        tables.ClientFile(
            wallet="x",
            gateway=tables.GatewayTable(api_keys_file=tmp_path),
            api_keys=ApiKeysTable(store="x"),
        )

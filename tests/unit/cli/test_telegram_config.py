"""The file of a Telegram service."""

import re
from pathlib import Path

import pytest

from cocoon.cli.config.telegram_settings import telegram_settings
from cocoon.cli.config.telegram_tables import load_telegram
from cocoon.errors import ConfigError

TOKEN = "123456:ABC-DEF_secret"
WALLET = "0:" + "11" * 32
LEAST = """
store = "telegram.sqlite"
content_key_file = "content.key"
[network]
gateway = "http://127.0.0.1:10000/v1"
[bot]
token_file = "bot.token"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "bot.token").write_text(TOKEN + "\n")
    (folder / "op.token").write_text("password\n")
    path = folder / "telegram.toml"
    path.write_text(text)
    return path


def test_the_least_that_is_needed(tmp_path: Path):
    settings = telegram_settings(load_telegram(write(tmp_path, LEAST)))
    assert settings.bot.bot_id == 123456
    assert settings.bot.webhook_url is None
    assert settings.bot.api == "https://api.telegram.org"
    assert settings.store == f"sqlite:///{tmp_path}/telegram.sqlite"
    assert settings.content_key == tmp_path / "content.key"
    assert settings.assistant.price_classes == {"economy": 1000, "standard": 2000, "any": None}
    assert settings.app.stand_in_wallet is None
    assert not settings.is_stand_in
    assert TOKEN not in repr(settings)


def test_everything(tmp_path: Path):
    text = (
        LEAST
        + """
webhook = true
admins = [42]
[app]
url = "https://bot.example"
operator_token_file = "op.token"
[money]
free_daily = "0.5"
markup = 250
per_star = "0.01"
wallet = "WALLET"
[answers]
model = "big"
titles = { big = "The big one" }
price_class = "cheap"
price_classes = { cheap = 800, all = 0 }
[limits]
messages_per_minute = 5
[chain]
kind = "toncenter"
url = "https://chain.example"
""".replace("WALLET", WALLET)
    )
    settings = telegram_settings(load_telegram(write(tmp_path, text)))
    assert settings.bot.webhook_url == "https://bot.example/telegram/webhook"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", settings.bot.webhook_secret)
    again = telegram_settings(load_telegram(tmp_path / "telegram.toml"))
    assert settings.bot.webhook_secret != again.bot.webhook_secret
    assert settings.bot.admins == {42}
    assert int(settings.money.free_daily) == 500_000_000
    assert settings.assistant.price_classes == {"cheap": 800, "all": None}
    assert settings.app.operator_token == "password"
    assert settings.limits.messages_per_minute == 5
    for secret in ("password", TOKEN, settings.bot.webhook_secret):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("gateway =", "gatewy ="), "gateway"),
        (('gateway = "http://127.0.0.1:10000/v1"', ""), "config"),
        (('[bot]\ntoken_file = "bot.token"', ""), "token_file"),
        (("[bot]", "[bot]\nwebhook = true"), "app.url"),
        (("[bot]", f'[money]\nwallet = "{WALLET}"\n[bot]'), "chain"),
        (("[bot]", '[answers]\nprice_class = "golden"\n[bot]'), "price_class"),
        (("[bot]", '[answers]\nprice_classes = { "X" = 1 }\n[bot]'), "lower-case"),
        (("[bot]", '[money]\nmin_topup = "2000"\n[bot]'), "max_topup"),
        (("bot.token", "none.token"), "none.token"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: tuple[str, str], said: str):
    path = write(tmp_path, LEAST.replace(*change))
    with pytest.raises(ConfigError, match=re.escape(said)):
        telegram_settings(load_telegram(path))


def test_a_token_that_is_none_is_not_shown(tmp_path: Path):
    path = write(tmp_path, LEAST)
    (tmp_path / "bot.token").write_text("nonsense-4711")
    with pytest.raises(ConfigError, match="BotFather") as caught:
        telegram_settings(load_telegram(path))
    assert "4711" not in str(caught.value)

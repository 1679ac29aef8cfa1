"""The files that a Telegram service is deployed with."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cocoon.cli.config.telegram_settings import telegram_settings
from cocoon.cli.config.telegram_tables import load_telegram

DEPLOY = Path(__file__).parents[3] / "deploy" / "telegram"


def test_the_configuration_is_read(tmp_path: Path):
    for name in ("bot.token", "operator.token"):
        (tmp_path / name).write_text("1:abc")
    text = (DEPLOY / "telegram.toml").read_text()
    path = tmp_path / "telegram.toml"
    path.write_text(text.replace("/etc/cocoon-telegram", str(tmp_path)))
    settings = telegram_settings(load_telegram(path))
    assert settings.bot.webhook_url == "https://bot.example.org/telegram/webhook"


def test_the_tutorials_file_is_read(tmp_path: Path):
    page = (DEPLOY.parents[1] / "docs" / "tutorial" / "private-telegram-bot.md").read_text()
    found = re.search(r"```toml\n(# bot/telegram.toml\n.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / "bot.token").write_text("1:abc")
    path = tmp_path / "telegram.toml"
    path.write_text(found[1])
    settings = telegram_settings(load_telegram(path))
    assert settings.money.nano_per_star == 4_000_000


def test_the_operators_examples_are_read(tmp_path: Path):
    page = (DEPLOY.parents[1] / "docs" / "howto" / "telegram-operate.md").read_text()
    parts = "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
    head = 'store = "t.sqlite"\ncontent_key_file = "k"\n[network]\ndevnet = "x"\n'
    for name in ("bot.token", "operator.token"):
        (tmp_path / name).write_text("1:abc")
    path = tmp_path / "telegram.toml"
    path.write_text(head + parts.replace("UQ…", "0:" + "11" * 32).replace("https://…", "https://c"))
    settings = telegram_settings(load_telegram(path))
    assert settings.money.wallet is not None
    assert settings.bot.webhook_url == "https://bot.example.org/telegram/webhook"


def test_unit_and_container_start_what_exists():
    unit = (DEPLOY / "cocoon-telegram.service").read_text()
    container = (DEPLOY / "Containerfile").read_text()
    for text in (unit, container):
        assert "/etc/cocoon-telegram/telegram.toml" in text
        assert re.search(r"cocoon[\" ,]+telegram[\" ,]+up", text)
    assert "USER cocoon" in container


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path):
    unit = (DEPLOY / "cocoon-telegram.service").read_text()
    path = tmp_path / "cocoon-telegram.service"
    path.write_text(unit.replace("/opt/cocoon/bin/cocoon", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr

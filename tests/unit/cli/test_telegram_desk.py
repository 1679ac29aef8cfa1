"""What an operator does beside a service."""

from pathlib import Path

import pytest

from cocoon.cli.config.telegram_settings import read_secret
from cocoon.cli.telegram import desk
from cocoon.errors import ConfigError

USER = 42


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "bot.token").write_text("1:abc\n")
    path = tmp_path / "telegram.toml"
    path.write_text(
        'store = "telegram.sqlite"\ncontent_key_file = "content.key"\n'
        '[network]\ndevnet = "x"\n[bot]\ntoken_file = "bot.token"\n'
    )
    return path


def test_a_gift_is_given_once_and_the_balance_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
):
    desk.give(config, USER, "0.5", "first-gift")
    assert capsys.readouterr().out == "42: added 0.5 TON; the balance is 0.5 TON\n"
    desk.give(config, USER, "0.5", "first-gift")
    again = capsys.readouterr().out
    assert "nothing was changed" in again
    assert "the balance is 0.5 TON" in again
    desk.write_ledger(config, USER, as_json=False)
    assert capsys.readouterr().out.count("first-gift") == 1


def test_whoever_is_turned_away_is_told_to_the_operator(
    config: Path, capsys: pytest.CaptureFixture[str]
):
    desk.set_blocked(config, USER, blocked=True)
    assert "42: turned away" in capsys.readouterr().out
    desk.show_users(config)
    assert "blocked" in capsys.readouterr().out
    desk.set_blocked(config, USER, blocked=False)
    assert "42: let in again" in capsys.readouterr().out


def test_a_secret_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(
        ConfigError, match=r"cannot read the bot's token .*bot\.token: No such file"
    ):
        read_secret(tmp_path / "bot.token", "bot's token")

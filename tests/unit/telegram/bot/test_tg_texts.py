import re
from pathlib import Path

import pytest

from cocoon.errors import ConfigError
from cocoon.telegram.bot.commands import COMMANDS
from cocoon.telegram.bot.failures import CODES
from cocoon.telegram.bot.texts import Texts, placeholders
from cocoon.telegram.settings import PRICE_CLASSES

BOT = Path(__file__).parents[4] / "src/cocoon/telegram/bot"
TEXTS = Texts()
LANGUAGES = ("en", "id", "ru")
FAMILIES = (  # keys that code puts together
    *(f"commands.{name}" for name in COMMANDS),
    *(f"errors.{code}" for code in CODES),
    *(f"help.{each}" for each in ("again", "topup", "model", "price", "new")),
    *(f"payments.no_{each}" for each in ("unknown", "not_yours", "paid", "changed", "later")),
    *(f"price_class.{each}" for each in PRICE_CLASSES),
    *(f"privacy.{each}" for each in ("verified", "failed", "unknown", "gateway")),
    *(f"settings.button_{each}" for each in ("model", "price", "prompt", "language")),
    *(f"busy.{each}" for each in ("queue", "person", "everybody", "flood")),
)


def test_three_languages_are_complete() -> None:
    assert set(TEXTS.languages) == set(LANGUAGES)
    english = TEXTS.words("en")._texts
    for tag in LANGUAGES:
        own = TEXTS.words(tag)
        same = [key for key, text in english.items() if own._texts[key] == text]
        if tag != "en":  # what is the same in all languages is short: names, signs
            assert all(len(english[key]) < 24 for key in same), same
        assert own._texts.keys() == english.keys()


def test_placeholders_are_those_of_english() -> None:
    english = TEXTS.words("en")._texts
    for tag in LANGUAGES:
        for key, text in TEXTS.words(tag)._texts.items():
            assert placeholders(text) == placeholders(english[key]), (tag, key)


def test_every_text_that_code_names_is_there() -> None:
    named = set(FAMILIES)
    for path in BOT.rglob("*.py"):
        named |= set(re.findall(r"""words\(\s*"([a-z_.]+)\"""", path.read_text()))
    missing = named - TEXTS.words("en")._texts.keys()
    assert not missing


def test_no_text_is_left_over() -> None:
    """A text that nobody says is one that a translator writes for nothing."""
    code = "".join(path.read_text() for path in BOT.rglob("*.py"))
    code += "".join(path.read_text() for path in (BOT.parent / "service").rglob("*.py"))
    for key in TEXTS.words("en")._texts:
        last = key.rpartition(".")[2]
        assert key in FAMILIES or f'"{key}"' in code or key.startswith("media.") or last in code


def test_commands_fit_telegrams_list() -> None:
    for tag in LANGUAGES:
        for name in COMMANDS:
            assert re.fullmatch("[a-z0-9_]{1,32}", name)
            assert 1 <= len(TEXTS.words(tag)(f"commands.{name}")) <= 256


def test_words_of_buttons_and_invoices_fit() -> None:
    for tag in LANGUAGES:
        words = TEXTS.words(tag)
        assert len(words("payments.invoice_title")) <= 32
        assert len(words("payments.invoice_text", ton="1000.123 TON")) <= 255
        assert len(words("settings.prompt_field")) <= 64
        for key in words._texts:
            if key.startswith(("busy", "errors.old", "answer.stopping", "answer.not_yours")):
                assert len(words._texts[key]) <= 200, key  # shown as a notice


def test_the_nearest_language_is_taken() -> None:
    assert TEXTS.words("ru-RU").language == "ru"
    assert TEXTS.words("", "id").language == "id"
    assert TEXTS.words("fr", "de").language == "en"
    assert TEXTS.words().name == "English"


def test_an_operator_adds_a_language_and_replaces_words(tmp_path: Path) -> None:
    (tmp_path / "de.toml").write_text(
        'language = "Deutsch"\n[new]\nwas_empty = "Neu: 0 von {limit}."\n', "utf-8"
    )
    (tmp_path / "en.toml").write_text('[answer]\nstop = "Enough"\n', "utf-8")
    texts = Texts(tmp_path)
    assert texts.languages == ("en", "de", "id", "ru")
    german = texts.words("de-AT")
    assert german("new.was_empty", limit=40) == "Neu: 0 von 40."
    assert german("answer.more") == texts.words("en")("answer.more")
    assert texts.words("en")("answer.stop") == "Enough"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("de.toml", "[new]\nwas_empty = 'Neu'", "limit"),
        ("de.toml", "[new]\nwas_empty = 'Neu {limit} {more}'", "more"),
        ("de.toml", "[new]\nwas_empty = 'Neu {limit'", "was_empty"),
        ("de.toml", "[new]\nwas_empty = 'Neu {limit.real}'", "plain name"),
        ("de.toml", "[new]\nwas_empty = 'Neu {0}'", "plain name"),
        ("de.toml", "[nothing]\nis = 'x'", "nothing.is"),
        ("de.toml", "[new]\nwas_empty = 5", "was_empty"),
        ("de.toml", "= broken", "TOML"),
        ("German.toml", "language = 'x'", "named after languages"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        Texts(tmp_path)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the texts"):
        Texts(tmp_path / "missing")

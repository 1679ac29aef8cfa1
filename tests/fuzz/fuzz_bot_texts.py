"""Any bytes as a file of the bot's texts: texts that can be filled, or ConfigError."""

from cocoon.errors import ConfigError
from cocoon.telegram.bot.texts import placeholders, read_texts


def fuzz_one(data: bytes) -> None:
    for toml in (data, b"[a]\nb = '''" + data + b"'''"):
        try:
            texts = read_texts("de.toml", toml)
        except ConfigError:
            continue
        for text in texts.values():
            text.format_map(dict.fromkeys(placeholders(text), "x"))


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

"""Any text as a model's answer: messages that Telegram takes, whole or cut off anywhere."""

from cocoon.devnet.telegram.entities import check_entities
from cocoon.devnet.telegram.text import units
from cocoon.telegram.bot.delivery.entities import Rendered
from cocoon.telegram.bot.delivery.formatting import MAX_UNITS
from cocoon.telegram.bot.delivery.pages import clipped, next_page, pages


def judge(content: Rendered) -> None:
    shown = [
        {"type": e.type, "offset": e.offset, "length": e.length}
        | ({"url": e.url} if e.url else {})
        | ({"language": e.language} if e.language else {})
        for e in content.entities
    ]
    check_entities(content.text, shown)
    content.text.encode()
    if units(content.text) > MAX_UNITS:
        raise AssertionError("a message is too long")


def fuzz_one(data: bytes) -> None:
    times = 1 + data[0] if data else 1
    text = data[1:].decode("utf-8", "surrogateescape")
    judge(next_page(text, is_whole=False).content)
    judge(clipped(text))
    for content in pages(text * times):
        judge(content)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)

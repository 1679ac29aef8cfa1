"""Markdown as models write it, made into text and entities.

The conversion is telegramify-markdown's. What it would drop (HTML) or take for something that
models do not mean (``a || b``) is hidden from it, links only lead to the web, and whatever goes
wrong leaves plain text. Pure: no clock, no network.
"""

import re
from collections.abc import Callable

from telegramify_markdown import RenderConfig, convert
from telegramify_markdown.entity import MessageEntity

from cocoon.telegram.bot.delivery.entities import Entity, Rendered, lawful

MAX_UNITS = 4096
"""Longest message, https://core.telegram.org/bots/api#sendmessage."""
MAX_SOURCE = 8 * 1024
"""Longest Markdown, characters, that is converted in one go; longer is plain."""
MAX_GROWTH = 4
"""A rendering longer than so many times its source is nonsense, such as 2,000 nested lists."""

_FREE = range(0xE000, 0xE100)
"""Private use: characters that stand for hidden ones during a conversion."""
_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_HTML = re.compile(r"<(?=[A-Za-z/!?])(?!https?://)")
_OR = re.compile(r"\|\|")


def _config() -> RenderConfig:
    """Plain symbols: headings are bold already, and a folded quotation hides what it says."""
    config = RenderConfig.isolated()
    symbols = config.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = ""
    symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.unordered_list_item = "\N{BULLET}"
    config.cite_expandable = False
    return config


CONFIG = _config()


def clean(text: str) -> str:
    """Text without what Telegram does not take: control characters, half surrogate pairs."""
    return _NOT_TEXT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def plain(text: str) -> Rendered:
    """Text as it is."""
    return lawful(clean(text), ())


def render(markdown: str) -> Rendered:
    """Convert Markdown, broken or not; never raises. It may be longer than a message.

    Where the conversion fails, grows beyond reason or leaves nothing, the text is the source.
    """
    source = clean(markdown)
    if len(source) > MAX_SOURCE or not source.strip():
        return plain(source)
    converted = _guarded(_convert, source)
    if converted is None or not converted.text.strip():
        return plain(source)
    return converted


def _guarded(call: Callable[[str], Rendered], source: str) -> Rendered | None:
    """The conversion, or None: text of a model must not stop the bot."""
    try:
        return call(source)
    except Exception:
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of the parser, which is written in Rust
            raise
        return None


def _convert(source: str) -> Rendered:
    """As telegramify-markdown does it, with HTML and ``||`` as text.

    Raises:
        ValueError: the outcome is unreasonable.
    """
    spare = [chr(code) for code in _FREE if chr(code) not in source][:2]
    less, bar = spare
    hidden = _HTML.sub(less, source)
    if "||" in hidden:
        lines = hidden.split("\n")
        hidden = "\n".join(
            line if line.lstrip().startswith("|") else _OR.sub(bar * 2, line) for line in lines
        )
    text, found = convert(hidden, config=CONFIG)
    if len(text) > MAX_GROWTH * len(source) + 256:
        raise ValueError("the rendering is far longer than its source")
    back = {ord(less): "<", ord(bar): "|"}
    return lawful(clean(text).translate(back), [_entity(one, back) for one in found])


def _entity(found: MessageEntity, back: dict[int, str]) -> Entity:
    url = found.url.translate(back) if found.url else None
    language = found.language.split()[0] if found.language and found.language.split() else None
    return Entity(found.type, found.offset, found.length, url, language)

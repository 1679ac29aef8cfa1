"""How the stand-in opens a Mini App: its address with the launch parameters in the fragment.

Sources: https://docs.telegram-mini-apps.com/platform/launch-parameters, and what ``@tma.js/bridge``
reads of them.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from cocoon.devnet.telegram.answers import Json
from cocoon.errors import BadRequestError

VERSION = "9.1"
"""Version of the Mini Apps platform that the page's web view speaks."""
PLATFORM = "weba"
"""The page behaves as Telegram Web does: messages by ``postMessage``, a viewport that is stable."""
MAX_THEME = 40
MAX_URL = 4096

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)


def read_theme(given: Any) -> dict[str, str]:
    """The theme's colours as a page sends them.

    Raises:
        BadRequestError: not a small object of ``#rrggbb`` values.
    """
    if not isinstance(given, Mapping) or len(given) > MAX_THEME:
        raise BadRequestError("theme_params is an object of colours")
    theme = {}
    for name, value in given.items():
        if not isinstance(value, str) or not _COLOUR.fullmatch(value) or not _NAME.fullmatch(name):
            raise BadRequestError("theme_params is an object of colours")
        theme[name] = value
    return theme


def origin_of(url: str) -> str:
    """Scheme, host and port of an address that a web view can open.

    Raises:
        BadRequestError: not an address with http or https.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadRequestError("the Mini App's address is none") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > MAX_URL:
        raise BadRequestError("a Mini App's address starts with https:// or, here, http://")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def launch_url(url: str, init_data: str, theme: Mapping[str, str], *, start_param: str = "") -> str:
    """The address that goes into the frame.

    Args:
        url: of the Mini App.
        init_data: signed, as a query string.
        theme: from :func:`read_theme`.
        start_param: what a link carried.

    Raises:
        BadRequestError: not an address with http or https.
    """
    origin_of(url)
    parameters: Json = {
        "tgWebAppData": init_data,
        "tgWebAppVersion": VERSION,
        "tgWebAppPlatform": PLATFORM,
        "tgWebAppThemeParams": json.dumps(dict(theme), separators=(",", ":")),
    }
    if start_param:
        parameters["tgWebAppStartParam"] = start_param
    bare, _, fragment = url.partition("#")
    kept = f"{fragment}&" if fragment else ""
    return f"{bare}#{kept}{urlencode(parameters)}"

"""What a browser may do with the Mini App's files."""

import ipaddress
import re
from urllib.parse import urlsplit

from cocoon.errors import ConfigError
from cocoon.gateway.refusal import Header
from cocoon.telegram.settings import TelegramSettings

TELEGRAM_WEB = (
    "https://web.telegram.org",
    "https://webk.telegram.org",
    "https://webz.telegram.org",
)
"""Telegram's clients that show apps in a frame; all others use a web view of their own."""

_origin = re.compile(r"https?://[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|http://\[::1\](:[0-9]{1,5})?")


def page_headers(settings: TelegramSettings) -> tuple[Header, ...]:
    """Headers of every file of the app, its content security policy first.

    Raises:
        ConfigError: an origin is none, or a stand-in's is not on this machine.
    """
    stand_in = stand_in_origin(settings)
    extra = f" {stand_in}" if stand_in else ""
    # A wallet may be anywhere: TON Connect reads a list of them and talks over each one's bridge.
    anywhere = " https:" if settings.money.wallet else ""
    ancestors = [*TELEGRAM_WEB, *map(_frame_origin, settings.app.frame_ancestors)]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{extra}",
            "style-src 'self'",
            f"img-src 'self' data: blob:{anywhere}",
            "font-src 'self'",
            f"connect-src 'self'{anywhere}{extra}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(ancestors)}",
        )
    )
    return (
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    )


def stand_in_origin(settings: TelegramSettings) -> str | None:
    """Origin of a stand-in's wallet; None in production.

    Raises:
        ConfigError: the service is none with a stand-in, or the wallet is not on this machine.
    """
    url = settings.app.stand_in_wallet
    if url is None:
        return None
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if not settings.is_stand_in or not _is_loopback_origin(origin):
        raise ConfigError(
            "stand_in_wallet is for a stand-in of Telegram on this machine, never for users"
        )
    return origin


def _frame_origin(text: str) -> str:
    if _origin.fullmatch(text) and (text.startswith("https://") or _is_loopback_origin(text)):
        return text
    raise ConfigError(
        "frame_ancestors holds origins such as https://example.org; http only on this machine"
    )


def _is_loopback_origin(origin: str) -> bool:
    if not _origin.fullmatch(origin):
        return False
    host = urlsplit(origin).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

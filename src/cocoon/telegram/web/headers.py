"""What a browser may do with the Mini App's files."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

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


def page_headers(settings: TelegramSettings, wallets: Iterable[str] = ()) -> tuple[Header, ...]:
    """Headers of every file of the app, its content security policy first.

    Args:
        settings: of the service.
        wallets: origins that wallets are talked to over, see :func:`wallet_origins`.

    Raises:
        ConfigError: an origin is none, or a stand-in's is not on this machine.
    """
    stand_in = stand_in_origin(settings)
    extra = f" {stand_in}" if stand_in else ""
    if settings.money.wallet:  # else there is nothing to pay with a wallet
        extra = "".join(f" {origin}" for origin in wallets) + extra
    ancestors = [*TELEGRAM_WEB, *map(_frame_origin, settings.app.frame_ancestors)]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{f' {stand_in}' if stand_in else ''}",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            f"connect-src 'self'{extra}",
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


class _Bridge(msgspec.Struct):
    type: str
    url: str = ""


class _Wallet(msgspec.Struct):
    bridge: list[_Bridge]


def wallet_origins(listed: bytes) -> tuple[str, ...]:
    """Origins of the bridges in the app's own list of wallets.

    Args:
        listed: ``wallets.json``, as https://github.com/ton-blockchain/wallets-list has it.

    Raises:
        ConfigError: it is no such list, or names an address that is not HTTPS.
    """
    try:
        wallets = msgspec.json.decode(listed, type=list[_Wallet])
        bridges = [one.url for wallet in wallets for one in wallet.bridge if one.type == "sse"]
        found = dict.fromkeys(map(_origin_of, bridges))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ConfigError("the Mini App's wallets.json is no list of wallets") from error
    for origin in found:
        if not (origin.startswith("https://") and _origin.fullmatch(origin)):
            raise ConfigError("the Mini App's wallets.json names a bridge that is not HTTPS")
    return tuple(found)


def stand_in_origin(settings: TelegramSettings) -> str | None:
    """Origin of a stand-in's wallet; None in production.

    Raises:
        ConfigError: the service is none with a stand-in, or the wallet is not on this machine.
    """
    url = settings.app.stand_in_wallet
    if url is None:
        return None
    origin = _origin_of(url)
    if not settings.is_stand_in or not _is_loopback_origin(origin):
        raise ConfigError(
            "stand_in_wallet is for a stand-in of Telegram on this machine, never for users"
        )
    return origin


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigError("an address in the Mini App's settings is none") from None
    return f"{parts.scheme}://{parts.netloc}"


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

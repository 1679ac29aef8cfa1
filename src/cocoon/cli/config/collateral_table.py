# ruff: noqa: RUF009 - key() declares fields, as dataclasses.field() does
"""What the ``[collateral]`` table says: where the vendors' signed data comes from."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from cocoon.cli.config.reader import Context, Parse, key
from cocoon.cli.config.values import flag, http_url, list_of, one_of, path, text
from cocoon.errors import ConfigError

PCS: Final = "pcs"
KDS: Final = "kds"
NONE: Final = "none"
UPDATES: Final = ("standard", "early")
_PLATFORM = re.compile(r"(?:[0-9A-Fa-f]{12}(?:/(?:platform|processor))?)", re.ASCII)
_PRODUCT = re.compile(r"(?:Milan|Genoa|Turin)(?:/(?:vcek|vlek))?", re.ASCII)


def _service(word: str) -> Parse:
    """``word``, ``none`` or a URL."""

    def parse(value: object, context: Context) -> str:
        if value in (word, NONE):
            return str(value)
        try:
            return http_url(value, context)
        except ConfigError:
            raise context.error(f"must be `{word}`, `{NONE}` or a URL") from None

    return parse


def _platform(value: object, context: Context) -> str:
    if not _PLATFORM.fullmatch(text(value, context)):
        raise context.error("must be an FMSPC of 12 hex digits, with `/processor` if not a server")
    return str(value)


def _product(value: object, context: Context) -> str:
    if not _PRODUCT.fullmatch(text(value, context)):
        raise context.error("must be Milan, Genoa or Turin, with `/vlek` for leased keys")
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralTable:
    """Where the vendors' signed data comes from. Without `directory`, only from named files."""

    directory: Path | None = key(
        path,
        "directory that collateral is kept in; every process of a machine may share it. With it, "
        "policies need no files of their own",
        default=None,
    )
    refresh: bool = key(
        flag,
        "fetch what is missing and renew what gets old; with `false` another program fills the "
        "directory, such as `cocoon attest collateral fetch`",
        default=True,
    )
    intel: str = key(
        _service(PCS),
        "`pcs`: Intel's service; a URL: a caching service (PCCS); `none`",
        default=PCS,
    )
    intel_key_file: Path | None = key(
        path, "file with the API key that the service asks for", default=None
    )
    intel_certificate: Path | None = key(
        path, "certificate (PEM) that a PCCS must show, if it signs its own", default=None
    )
    intel_update: str = key(
        one_of(*UPDATES),
        "which TCB evaluation is fetched: `standard`, which platforms have had time to reach, or "
        "`early`, the newest",
        default="standard",
    )
    amd: str = key(
        _service(KDS),
        "`kds`: AMD's service; a URL: a mirror with its paths; `none`",
        default=KDS,
    )
    nvidia: bool = key(flag, "ask NVIDIA's services about GPUs", default=True)
    platforms: tuple[str, ...] = key(
        list_of(_platform),
        "Intel platform models (FMSPC) that are fetched at start; others once a peer shows them",
        default=(),
    )
    products: tuple[str, ...] = key(
        list_of(_product),
        "AMD processor lines that are fetched at start; others once a peer shows them",
        default=(),
    )

    def __post_init__(self) -> None:
        if self.directory is None:
            for item in fields(self):
                if getattr(self, item.name) != item.default:
                    raise ConfigError(f"`{item.name}` has no effect without `directory`")
        if self.intel in (PCS, NONE) and self.intel_certificate is not None:
            raise ConfigError("`intel_certificate` is for a PCCS: give its URL as `intel`")
        if self.intel == NONE and (self.intel_key_file is not None or self.platforms):
            raise ConfigError("`intel` is `none`: nothing of Intel's is fetched")
        if self.amd == NONE and self.products:
            raise ConfigError("`amd` is `none`: nothing of AMD's is fetched")

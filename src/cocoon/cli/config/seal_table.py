# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""What ``[seal]`` and ``[keys]`` tables say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cocoon.cli.config.policy_table import ID_BYTES, TCB_STATUSES, PolicyTable
from cocoon.cli.config.reader import key, table
from cocoon.cli.config.values import endpoint, hex_bytes, list_of, one_of, path, text
from cocoon.errors import ConfigError

SEAL_KINDS: Final = ("enclave", "simulated")
KEY_SOURCES: Final = ("file", "seal", "manager")
OFFICIAL_ENDPOINT: Final = "vsock:2:12345"
"""The host as a guest reaches it (``attestation.md`` §10.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealTable:
    """Which seal service gives this guest its key, and what it must prove."""

    kind: str = key(
        one_of(*SEAL_KINDS),
        "`enclave`: the seal service of an SGX host; `simulated`: a software enclave of a devnet",
        default="enclave",
    )
    at: str = key(
        text,
        "where it listens: `vsock:CID:PORT`, `unix:/path` or `tcp:127.0.0.1:PORT` (`enclave`)",
        default=OFFICIAL_ENDPOINT,
    )
    mr_enclaves: tuple[bytes, ...] = key(
        list_of(hex_bytes(ID_BYTES)),
        "allowed MRENCLAVE values in hex (`enclave`); without one no enclave is believed",
        default=(),
    )
    collateral: tuple[Path, ...] = key(
        list_of(path),
        "files or directories with Intel's signed collateral for SGX (`enclave`)",
        default=(),
    )
    tcb_statuses: tuple[str, ...] = key(
        list_of(one_of(*TCB_STATUSES)),
        "accepted TCB statuses of the host's processor",
        default=("UpToDate",),
    )
    directory: Path | None = key(
        path, "directory of the simulated machine (`simulated`)", default=None
    )

    def check(self) -> None:
        """Require what the kind needs; only called where the table is used.

        Raises:
            ConfigError: a key is missing, or has no effect.
        """
        if self.kind == "simulated":
            if self.directory is None:
                raise ConfigError("seal: kind `simulated` needs the key `directory`")
            if self.mr_enclaves or self.collateral or self.at != OFFICIAL_ENDPOINT:
                raise ConfigError("seal: kind `simulated` looks at `directory` only")
        else:
            if self.directory is not None:
                raise ConfigError("seal: kind `enclave` does not look at `directory`")
            if not self.mr_enclaves:
                raise ConfigError("seal: `mr_enclaves` names no enclave, so none is believed")
            if not self.collateral:
                raise ConfigError("seal: an enclave is judged by Intel's `collateral`: name files")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysTable:
    """Where the machine key comes from."""

    source: str = key(
        one_of(*KEY_SOURCES),
        "`file`: `machine_key_file`; `seal`: a keyring that only this image on this machine opens; "
        "`manager`: a key manager, at every start",
        default="file",
    )
    keyring: Path | None = key(
        path, "the sealed file; made with a new key where there is none (`seal`)", default=None
    )
    manager: tuple[str, int] | None = key(endpoint, "the key manager (`manager`)", default=None)
    public_key: bytes | None = key(
        hex_bytes(ID_BYTES),
        "which of the key manager's keys is ours, in hex: it is part of the proxy's address "
        "(`manager`)",
        default=None,
    )
    policy: PolicyTable = table(PolicyTable, "what the key manager must prove (`manager`)")
    seal: SealTable = table(SealTable, "the seal service (`seal`)")

    def __post_init__(self) -> None:
        needed = {"file": (), "seal": ("keyring",), "manager": ("manager", "public_key")}
        for name in ("keyring", "manager", "public_key"):
            given, wanted = getattr(self, name) is not None, name in needed[self.source]
            if wanted and not given:
                raise ConfigError(f"source `{self.source}` needs the key `{name}`")
            if given and not wanted:
                raise ConfigError(f"source `{self.source}` does not look at `{name}`")
        if self.source == "seal":
            self.seal.check()
        elif self.seal != SealTable():
            raise ConfigError(f"source `{self.source}` does not look at `seal`")
        if self.source != "manager" and self.policy != PolicyTable():
            raise ConfigError(f"source `{self.source}` does not look at `policy`")

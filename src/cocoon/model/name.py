"""Full model names: ``name@commit:hash``, where the hash proves the content.

Source: ``attestation.md`` §9. The hash is the dm-verity root of the model's archive. The commit is
checked by nobody; it is part of the string that the root contract lists.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cocoon.errors import ConfigError

MAX_NAME: Final = 512
"""Characters of a full name; proxies refuse longer ones."""
ROOT_BYTES: Final = 32

_FULL: Final = re.compile(r"([^@]+)@([^:]+):([0-9a-f]{64})", re.ASCII)
_NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9A-Za-z]", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model, named so that its content can be checked.

    Attributes:
        name: what requests ask for, such as ``Qwen/Qwen3-8B``; no ``@``.
        commit: revision at the place it comes from; no ``:``.
        root: dm-verity root of its archive, 32 bytes.

    Raises:
        ConfigError: a part is empty or has a character that it must not have.
    """

    name: str
    commit: str
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        check_commit(self.commit)
        if len(self.root) != ROOT_BYTES:
            raise ConfigError(f"a model's hash has {ROOT_BYTES} bytes, not {len(self.root)}")
        if len(str(self)) > MAX_NAME:
            raise ConfigError(f"the full model name is longer than {MAX_NAME} characters")

    def __str__(self) -> str:
        return f"{self.name}@{self.commit}:{self.root.hex()}"

    @property
    def hash(self) -> bytes:
        """SHA-256 of the full name, 32 bytes: what the root contract lists."""
        return hashlib.sha256(str(self).encode("ascii")).digest()

    @property
    def file_stem(self) -> str:
        """Name of the archive without ``.tar``."""
        return file_stem(self.name)

    @classmethod
    def parse(cls, text: str) -> "ModelName":
        """Read a full name.

        Raises:
            ConfigError: it is not of the form ``name@commit:hash`` with 64 lower-case hex digits.
        """
        match = _FULL.fullmatch(text) if len(text) <= MAX_NAME else None
        if match is None:
            raise ConfigError(
                "a full model name is name@commit:hash, its hash 64 lower-case hex digits; "
                f"{_shown(text)} is not"
            )
        return cls(match[1], match[2], bytes.fromhex(match[3]))


def base_name(text: str) -> str:
    """What requests ask for: the part of any model name before ``@``."""
    return text.partition("@")[0]


def is_pinned(text: str) -> bool:
    """Whether a requested model says more than the base name, so that it must match exactly."""
    return "@" in text


def file_stem(name: str) -> str:
    """Every character that is no letter or digit becomes ``_`` (``attestation.md`` §9)."""
    return _NOT_ALPHANUMERIC.sub("_", name)


def check_name(name: str) -> None:
    """Check a base name.

    Raises:
        ConfigError: it is empty, or not printable ASCII without spaces and ``@``.
    """
    _check("model name", name, "@")


def check_commit(commit: str) -> None:
    """Check a commit.

    Raises:
        ConfigError: it is empty, or not printable ASCII without spaces and ``:``.
    """
    _check("commit", commit, ":")


def _check(what: str, text: str, forbidden: str) -> None:
    if not text:
        raise ConfigError(f"the {what} is empty")
    if not all("!" <= character <= "~" for character in text) or forbidden in text:
        raise ConfigError(
            f"the {what} {_shown(text)} must be printable ASCII without spaces and {forbidden!r}"
        )


def _shown(text: str) -> str:
    return ascii(text[:120])

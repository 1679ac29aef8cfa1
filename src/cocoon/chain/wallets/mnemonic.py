"""Keys as 24 words, by the scheme of TON wallets.

Entropy is HMAC-SHA512 keyed with the words; only words whose entropy passes a slow check are valid,
which stands in for a checksum. The private key comes from PBKDF2 with the salt ``TON default
seed``. Words that need a password are another kind and are not accepted.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from cocoon.chain.keys import SEED_BYTES, SecretKey
from cocoon.errors import ConfigError

WORD_COUNT = 24
WORDS_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"

_ITERATIONS = 100_000
_CHECK_ITERATIONS = max(1, _ITERATIONS // 256)
_CHECK_SALT = b"TON seed version"
_SEED_SALT = b"TON default seed"


@cache
def word_list() -> tuple[str, ...]:
    """The 2048 words.

    Raises:
        ConfigError: the installed file is damaged.
    """
    data = files(__package__).joinpath("data", "english.txt").read_bytes()
    if hashlib.sha256(data).hexdigest() != WORDS_SHA256:
        raise ConfigError("the list of words is damaged: install cocoon again")
    return tuple(data.decode("ascii").split())


def new_mnemonic() -> tuple[str, ...]:
    """24 fresh words from the operating system's random source; takes some tenths of a second."""
    words = word_list()
    while True:
        chosen = tuple(secrets.choice(words) for _ in range(WORD_COUNT))
        if _is_plain(_entropy(chosen)):
            return chosen


def parse_mnemonic(text: str) -> tuple[str, ...]:
    """Words as a person writes them, checked.

    Raises:
        ConfigError: not 24 words of the list, or not ones that belong together. The message never
            holds a word.
    """
    words = tuple(text.lower().split())
    if len(words) != WORD_COUNT:
        raise ConfigError(f"a mnemonic has {WORD_COUNT} words, not {len(words)}")
    known = frozenset(word_list())
    wrong = [number for number, word in enumerate(words, 1) if word not in known]
    if wrong:
        numbers = ", ".join(map(str, wrong))
        raise ConfigError(f"not in the list of words: number {numbers}; check the spelling")
    if not _is_plain(_entropy(words)):
        raise ConfigError(
            "these words do not belong together: check their order, and that they need no password"
        )
    return words


def mnemonic_key(words: Sequence[str]) -> SecretKey:
    """The private key that the words stand for.

    Args:
        words: from :func:`new_mnemonic` or :func:`parse_mnemonic`.
    """
    seed = hashlib.pbkdf2_hmac("sha512", _entropy(words), _SEED_SALT, _ITERATIONS)
    return SecretKey(seed[:SEED_BYTES])


def _entropy(words: Sequence[str]) -> bytes:
    return hmac.new(" ".join(words).encode(), b"", hashlib.sha512).digest()


def _is_plain(entropy: bytes) -> bool:
    """Whether these are words that need no password."""
    return hashlib.pbkdf2_hmac("sha512", entropy, _CHECK_SALT, _CHECK_ITERATIONS)[0] == 0

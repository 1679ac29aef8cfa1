"""What the bot says, by language: a TOML file each, English, Russian and Indonesian with it.

An operator's folder may add languages and replace texts: ``de.toml`` holds some or all keys of
``en.toml``, with the same placeholders; what it lacks is said in English.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.errors import ConfigError

FALLBACK = "en"
MAX_FILE_BYTES = 256 * 1024
_code = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})?")


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language.

    Attributes:
        language: IETF tag in small letters, such as ``id``.
    """

    language: str
    _texts: Mapping[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """A text with its placeholders filled, as Markdown; values are not Markdown-escaped.

        Raises:
            KeyError: a bug of ours: no such text, or a value for a placeholder is missing.
        """
        return self._texts[key].format_map({name: str(value) for name, value in values.items()})

    @property
    def name(self) -> str:
        """The language's name in itself."""
        return self._texts["language"]


class Texts:
    """All languages that the bot speaks.

    Args:
        folder: an operator's own files, or None.

    Raises:
        ConfigError: a file does not parse, has an unknown key, or other placeholders than English.
    """

    def __init__(self, folder: Path | None = None) -> None:
        own = Path(__file__).parent
        english = _read(own / f"{FALLBACK}.toml")
        self._languages: dict[str, dict[str, str]] = {FALLBACK: english}
        for source in (own, folder):
            if source is not None:
                for path in _files(source):
                    self._add(path)

    @property
    def languages(self) -> tuple[str, ...]:
        """Tags of all languages, English first."""
        others = sorted(self._languages.keys() - {FALLBACK})
        return (FALLBACK, *others)

    def words(self, *wanted: str) -> Words:
        """The first of some languages that is there, in any of its regions; else English.

        Args:
            wanted: IETF tags such as ``pt-BR``; empty ones are passed over.
        """
        for tag in wanted:
            small = tag.replace("_", "-").lower()
            for code in (small, small.partition("-")[0]):
                if code in self._languages:
                    return Words(code, self._languages[code])
        return Words(FALLBACK, self._languages[FALLBACK])

    def _add(self, path: Path) -> None:
        language = path.stem.lower()
        if not _code.fullmatch(language):
            raise ConfigError(f"{path.name}: files of texts are named after languages: de.toml")
        english = self._languages[FALLBACK]
        found = _read(path)
        for key, text in found.items():
            if key not in english:
                raise ConfigError(f"{path.name}: there is no text {key!r}")
            if (missing := placeholders(text) ^ placeholders(english[key])) != set():
                raise ConfigError(f"{path.name}: {key} must hold {_list(english[key])}: {missing}")
        known = self._languages.get(language, english)
        self._languages[language] = {**known, **found}


def placeholders(text: str) -> set[str]:
    """Names in braces.

    Raises:
        ValueError: a brace is left open, or what is in it is no plain name.
    """
    names = set()
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is no plain name")
        names.add(name)
    return names


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise ConfigError(f"cannot read the texts in {folder}: {error.strerror}") from None


def _read(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    return read_texts(path.name, data)


def read_texts(name: str, data: bytes) -> dict[str, str]:
    """A file's texts; tables become prefixes: ``[new] done = …`` is ``new.done``.

    Args:
        name: of the file, for errors.
        data: TOML.

    Raises:
        ConfigError: it does not parse, holds something else than texts, or broken placeholders.
    """
    try:
        texts = dict(_flat("", tomllib.loads(data.decode())))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{name} is no TOML: {error}") from None
    for key, text in texts.items():
        try:
            placeholders(text)
        except ValueError as error:
            raise ConfigError(f"{name}: {key}: {error}") from None
    return texts


def _flat(prefix: str, table: Mapping[str, object]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, str):
            found.append((prefix + key, value.strip("\n")))
        elif isinstance(value, Mapping):
            found += _flat(f"{prefix}{key}.", value)
        else:
            raise ConfigError(f"{prefix}{key} is no text")
    return found


def _list(text: str) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(placeholders(text))) or "no placeholder"

"""``cocoon keys DIRECTORY`` is the short form of ``cocoon keys files DIRECTORY``."""

from pathlib import Path
from typing import Any

from typer.core import TyperGroup

FILES = "files"


class KeysGroup(TyperGroup):
    """A group whose first word may be a directory instead of a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``files`` in front of what can only be meant for it.

        A word that is neither a command nor looks like a path stays an unknown command: a mistyped
        ``lst`` must not make key files.
        """
        if args and args[0] not in self.commands and _is_for_files(args[0]):
            args = [FILES, *args]
        return super().parse_args(ctx, args)


def _is_for_files(word: str) -> bool:
    if word.startswith("-"):
        return word.partition("=")[0] in ("--owner", "--testnet", "--mainnet")
    return "/" in word or word.startswith(".") or Path(word).is_dir()

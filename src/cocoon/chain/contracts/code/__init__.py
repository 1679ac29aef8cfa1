"""Compiled code of the contracts, as ``tools/build_contracts.py`` made it from ``contracts/``.

Each contract is a bag of cells beside this file; ``codes.json`` names its hash, its depth, the
compiler's version and the hash of the sources. `make check` proves that they belong together.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.state_init import CodeHash
from cocoon.errors import DecodeError


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What is recorded about a compiled contract.

    Args:
        name: folder in ``contracts/``.
        code: hash and depth of the code cell.
        tolk: version of the compiler.
        source: SHA-256 over names and contents of the source files, hex.
    """

    name: str
    code: CodeHash
    tolk: str
    source: str


def code_names() -> tuple[str, ...]:
    """All contracts that are shipped, in alphabetical order."""
    return tuple(sorted(_codes()))


def code_info(name: str) -> CodeInfo:
    """What is recorded about a contract.

    Raises:
        KeyError: no such contract.
    """
    entry = _codes()[name]
    code = CodeHash(bytes.fromhex(str(entry["hash"])), int(entry["depth"]))
    return CodeInfo(name, code, str(entry["tolk"]), str(entry["source"]))


@cache
def load_code(name: str) -> Cell:
    """The code cell of a contract.

    Args:
        name: folder in ``contracts/``: ``proxy``, ``client``, ``worker``, …

    Raises:
        KeyError: no such contract.
        DecodeError: the installed file is damaged.
    """
    expected = code_info(name).code
    cell = from_boc(files(__package__).joinpath(f"{name}.boc").read_bytes())
    if cell.hash != expected.hash or cell.depth != expected.depth:
        raise DecodeError(f"the installed code of contract {name} is damaged; install cocoon again")
    return cell


@cache
def _codes() -> dict[str, dict[str, str | int]]:
    codes: dict[str, dict[str, str | int]] = json.loads(
        files(__package__).joinpath("codes.json").read_text("utf-8")
    )
    return codes

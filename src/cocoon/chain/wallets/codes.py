"""Code cells of the wallets that others wrote, checked against their known hashes.

Origin and licence of each file: ``data/README.md``.
"""

from functools import cache
from importlib.resources import files

from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell
from cocoon.errors import ConfigError

_DATA = "data"
CODE_HASHES = {
    "v4r2": "feb5ff6820e2ff0d9483e7e0d62c817d846789fb4ae580c878866d959dabd5c0",
    "v5r1": "20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f",
}


@cache
def wallet_code(version: str) -> Cell:
    """Code of a wallet.

    Args:
        version: a key of ``CODE_HASHES``.

    Raises:
        ConfigError: the installed file is damaged.
    """
    cell = from_boc(files(__package__).joinpath(_DATA, f"{version}.boc").read_bytes())
    if cell.hash.hex() != CODE_HASHES[version]:
        raise ConfigError(f"the code of wallet {version} is damaged: install cocoon again")
    return cell

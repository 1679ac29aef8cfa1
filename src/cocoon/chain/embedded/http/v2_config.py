"""The network's configuration, as the v2 indexers tell it."""

from typing import Any

from cocoon.chain.cells import Cell, Reader
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http.arguments import Arguments
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.embedded.http.stack import boc_text
from cocoon.chain.hashmap import read_hashmap

MAX_PARAMETERS = 256
_INDEX_LIMIT = 1 << 31


def config_all(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """``getConfigAll``."""
    return _answer(chain.config())


def config_param(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getConfigParam``."""
    name = "config_id" if args.has("config_id") else "param"
    index = args.integer(name, low=-_INDEX_LIMIT, high=_INDEX_LIMIT - 1)
    found = read_hashmap(chain.config(), 32, Reader.ref, max_entries=MAX_PARAMETERS)
    value = found.get(index & 0xFFFFFFFF)
    if value is None:
        raise RefusedCallError(f"the configuration has no parameter {index}", 404)
    return _answer(value)


def _answer(cell: Cell) -> dict[str, Any]:
    return {"@type": "configInfo", "config": {"@type": "tvm.cell", "bytes": boc_text(cell)}}

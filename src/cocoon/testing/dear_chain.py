"""A chain on which gas and forwarding cost a multiple, as after a vote of the validators."""

from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.hashmap import read_hashmap
from cocoon.testing.chain import memory_chain

_GAS_PRICES = 21
_FORWARD_PRICES = 25
"""Parameters of workchain 0 in the network configuration."""


def dear_chain(factor: int, *, max_hops: int = 1000) -> EmbeddedChain:
    """A new chain in memory whose prices are multiplied."""
    chain = memory_chain(max_hops=max_hops)
    config = chain.config()
    parameters = read_hashmap(config, 32, Reader.ref, max_entries=200)
    gas, forward = parameters[_GAS_PRICES], parameters[_FORWARD_PRICES]
    config = _replace(config, gas, _dearer(gas, factor, (8, 64, -64, 8, -64)))
    config = _replace(config, forward, _dearer(forward, factor, (8, -64, -64, -64)))
    chain._config = to_boc(config)
    return chain


def _dearer(parameter: Cell, factor: int, widths: tuple[int, ...]) -> Cell:
    """The parameter with some of its leading numbers multiplied: those of negative width."""
    read, out = Reader(parameter), Builder()
    for width in widths:
        value = read.uint(abs(width))
        out.uint(value * factor if width < 0 else value, abs(width))
    return out.content(read.rest()).cell()


def _replace(cell: Cell, old: Cell, new: Cell) -> Cell:
    """The tree with every ``old`` in it replaced."""
    if cell == old:
        return new
    return Cell(cell.data, cell.bits, [_replace(ref, old, new) for ref in cell.refs])

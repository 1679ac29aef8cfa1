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
    chain._config = to_boc(dear_prices(chain.config(), gas=factor, forward=factor))
    return chain


def dear_prices(config: Cell, *, gas: int = 1, forward: int = 1) -> Cell:
    """This network configuration with its prices of gas and of messages multiplied."""
    parameters = read_hashmap(config, 32, Reader.ref, max_entries=200)
    prices, messages = parameters[_GAS_PRICES], parameters[_FORWARD_PRICES]
    config = _replace(config, prices, _dearer(prices, gas, (8, 64, -64, 8, -64)))
    return _replace(config, messages, _dearer(messages, forward, (8, -64, -64, -64)))


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

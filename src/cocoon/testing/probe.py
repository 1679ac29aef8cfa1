"""A contract for tests of a chain: each message makes the network do one particular thing.

Source: ``vectors/chain/emulator/probe.tolk``. It has no keys: anybody who knows its sequence number
commands it.
"""

import base64
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.state_init import contract_address, state_init
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.message import OutMessage, external_in
from cocoon.testing.chain import TON

CODE = from_boc(
    base64.b64decode(
        "te6ccgECGQEAAgkAART/APSkE/S88sgLAQIBIAIDAgFIBAUAZPLtRNDTH9M/0//RA9MfURO68qP4AAKkyMsfyz8S"
        "y//J7VT4D5Ug10rCAJXUAXH7AOgwBO7Q+JGRMOAgxwCRMODXLCP0Oyd8jjvXCx8gww3y4HHtRNDTH9M/0//RA6AB"
        "yMsfIc8LPxLL/8ntVPiSyM+FCPpSghDVMnbbzwuOyz/JgEL7AODXLCB8U/Us4wLXLCL+Yeik4wLXLCFjtcuckjDr"
        "4NcsIYoKyTTjAgYHCAkCASALDACE7UTQ0x/TP9P/0QGkAsjLHxLLP8v/ye1U0x/6SDAhwgCOHQGl+CjIz4UIE/pS"
        "ghAPin6lzwuOyx/6UsmAQPsAkVviAGbTB/pIMJMhwgCOJgGlggiYloD4KMjPhQhSQPpSWPoCghAPin6lqh/PC6r6"
        "Uslx+wAB6FsAKNcLP4sCyM+HIM5wzwthyz/JcPsAAU6J1ycxjhztRNDTH9M/0/8x0fgl+BX4EALIyx/LP8v/ye1U"
        "4IQP8vAKAAgnGCgYAgEgDQ4CASAPEAAXu4ZiDXZSHQ+CgQI4AB24yX7UTQ0x/TPzHT/zHRgCAnEREgIBIBMUAByo"
        "Re1E0NMfMdM/0/8x0QAcqzrtRNDTHzHTPzHT/9ECASAVFgIBWBcYAAey/+ggABGxQD4I/gnbxCAAC64KOHXSQAAJ"
        "rzt5eEA="
    )
)
ADD_FAILS = 13
"""The amount that :func:`add` must not have; exit code 113."""


@dataclass(frozen=True)
class Probe:
    """One instance of the contract.

    Args:
        number: its total at first; another number is another address.
        code: :data:`CODE`, or a reference to it as a library.
    """

    number: int = 1
    code: Cell = CODE

    @property
    def data(self) -> Cell:
        """Its initial data."""
        return Builder().uint(0, 32).uint(self.number, 64).uint(0, 256).cell()

    @property
    def init(self) -> Cell:
        """What deploys it."""
        return state_init(self.code, self.data)

    @property
    def address(self) -> Address:
        """Where it lives."""
        return contract_address(self.code, self.data)

    def deploy(self, chain: EmbeddedChain, value: int = 20 * TON) -> "Probe":
        """Deploy it from the faucet, with so much nanoTON."""
        chain.faucet(self.address, value, init=self.init)
        return self

    def order(self, seqno: int, *messages: OutMessage) -> Cell:
        """An external message that makes it send these; with mode 1, whatever they say."""
        out = Builder().uint(seqno, 32)
        for message in messages:
            out.ref(message.cell())
        return external_in(self.address, out.cell())


def add(amount: int) -> Cell:
    """Body: add this to the total and send the rest of the value back."""
    return _body(0x7E8764EF).uint(amount, 32).cell()


def hop(left: int, peer: Address) -> Cell:
    """Body: pass the value on to ``peer``, and so on, ``left`` times."""
    return _body(0x0F8A7EA5).uint(left, 32).address(peer).cell()


def burst(count: int, peer: Address) -> Cell:
    """Body: send ``peer`` so many messages of 0.01 TON."""
    return _body(0x5FCC3D14).uint(count, 8).address(peer).cell()


def spin() -> Cell:
    """Body: never end."""
    return _body(0x2C76B973).cell()


def log(value: int) -> Cell:
    """Body: leave a message for the world outside."""
    return _body(0x31415926).uint(value, 64).cell()


def draw() -> Cell:
    """Body: keep a random number."""
    return _body(0x27182818).cell()


def _body(operation: int) -> Builder:
    return Builder().uint(operation, 32)
